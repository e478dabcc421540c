"""Periodic reports: drawn frozen, signed, received, rolled up, corrected."""
