"""The documentation pages: served from the package, loading nothing from elsewhere."""

from toilet_api.handbook.pages import mount

__all__ = ["mount"]
