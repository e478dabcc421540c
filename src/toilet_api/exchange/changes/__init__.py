"""The change feed over HTTP: what has changed since a cursor, for whoever keeps a copy."""
