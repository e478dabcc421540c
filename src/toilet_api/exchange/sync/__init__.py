"""Offline clients: their changes in batches, what is in conflict, and a village's working set."""
