"""Clients generated from the document alone, built and run against a served demonstration: `make clients`."""
