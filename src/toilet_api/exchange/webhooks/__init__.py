"""Webhooks: changes pushed to other systems, signed, retried and traceable (Standard Webhooks 1.0)."""
