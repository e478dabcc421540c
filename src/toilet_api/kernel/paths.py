"""Which methods each address has: routers look at one route at a time, and so know only those of that route."""

import re
from collections.abc import Iterable, Sequence

from starlette.routing import compile_path


class Paths:
    """The addresses of a house, each with the methods of all of its routes."""

    def __init__(self, routes: Iterable[tuple[str, Iterable[str]]]) -> None:
        methods: dict[str, set[str]] = {}
        for path, some in routes:
            methods.setdefault(path, set()).update(some)
        self._literal = {path: sorted(all_of) for path, all_of in methods.items() if "{" not in path}
        self._patterns: list[tuple[re.Pattern[str], Sequence[str]]] = [
            (compile_path(path)[0], sorted(all_of)) for path, all_of in methods.items() if "{" in path
        ]

    def literally(self, path: str) -> Sequence[str]:
        """The methods of an address that has no parameters; none where there is no such address."""
        return self._literal.get(path, ())

    def methods(self, path: str) -> Sequence[str]:
        """The methods of `path`: an address that is spelled out comes before one with parameters."""
        found = (some for pattern, some in self._patterns if pattern.fullmatch(path))
        return self.literally(path) or next(found, ())
