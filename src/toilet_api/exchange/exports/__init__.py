"""Exports: a dataset as of one moment, written as a job to a stored file; and the official tables."""
