"""toilet_api: the REST API behind the rural household toilet survey and rectification (农村户厕问题摸排整改)."""

__version__ = "0.1.0"
