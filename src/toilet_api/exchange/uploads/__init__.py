"""Resumable uploads: a large file comes in parts, over a bad line, and becomes an object that an import can read."""
