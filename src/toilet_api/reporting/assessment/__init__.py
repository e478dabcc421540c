"""Ranking of townships by a published formula, lists, and call-ins."""
