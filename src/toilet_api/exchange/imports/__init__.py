"""Imports: a ledger taken in as a job, matched with what is registered, written, reported row by row."""
