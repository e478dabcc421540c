"""The promise of v1, kept by machine: what changed between two documents, and what of it breaks a client.

Why of our own and no tool's: see docs/contract.md.
"""

from toilet_api.promise.changes import Change
from toilet_api.promise.documents import Released, compare

__all__ = ["Change", "Released", "compare"]
