"""The styles of a workbook with marking ones appended: each a copy of the one that the cell had, with another fill."""

import re

from toilet_api.exchange.imports.xlsx_parts import UnpatchableError, utf8

WRONG_RGB, CORRECTED_RGB = "FFFF8A81", "FFFFEB9D"
"""Red and yellow. Their exact values tell our own marks in a workbook that comes back."""
_TEXT_FORMAT = "49"
_FILLS = re.compile(r"<(\w+:)?fills\b[^>]*>(.*?)</(?:\w+:)?fills>", re.DOTALL)
_FILL = re.compile(r"<(?:\w+:)?fill\s*/>|<(?:\w+:)?fill\b[^>]*>.*?</(?:\w+:)?fill>", re.DOTALL)
_XFS = re.compile(r"<(\w+:)?cellXfs\b[^>]*>(.*?)</(?:\w+:)?cellXfs>", re.DOTALL)
_XF = re.compile(r"<((?:\w+:)?xf\b[^>]*?)(?:/>|>(.*?)</(?:\w+:)?xf>)", re.DOTALL)
_FILL_ID = re.compile(r'\sfillId="(\d+)"')


class Styles:
    """xl/styles.xml. Ask for marked styles while the sheets are written, then take `content`."""

    def __init__(self, content: bytes) -> None:
        self._xml = utf8(content)
        fills, xfs = _FILLS.search(self._xml), _XFS.search(self._xml)
        if fills is None or xfs is None:
            raise UnpatchableError("the styles have no fills or no cell formats")
        self._prefix = fills[1] or ""
        self._fills = [match[0] for match in _FILL.finditer(fills[2])]
        self._xfs = [(match[1], match[2]) for match in _XF.finditer(xfs[2])]
        if not self._xfs:
            raise UnpatchableError("the styles have no cell format")
        self._stored = len(self._xfs)
        self._marked: dict[tuple[int, bool, bool], int] = {}
        self.cleaned = self._clean()

    def marked(self, style: int, wrong: bool, as_text: bool) -> int:
        """The number of a style like `style`, red or yellow, and of text format if `as_text`."""
        key = (style, wrong, as_text)
        if key not in self._marked:
            fill = len(self._fills) + (0 if wrong else 1)
            changes = {"fillId": str(fill), "applyFill": "1"}
            if as_text:
                changes |= {"numFmtId": _TEXT_FORMAT, "applyNumberFormat": "1"}
            self._marked[key] = self._add(style, changes)
        return self._marked[key]

    def content(self) -> bytes:
        """The part, with what was asked for."""
        p = self._prefix
        new_fills = "".join(
            f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="{rgb}"/><{p}bgColor indexed="64"/>'
            f"</{p}patternFill></{p}fill>"
            for rgb in (WRONG_RGB, CORRECTED_RGB)
        )
        new_xfs = "".join(
            f"<{tag}/>" if inner is None else f"<{tag}>{inner}</{tag.split()[0]}>"
            for tag, inner in self._xfs[self._stored :]
        )
        xml = _append(self._xml, "fills", new_fills, len(self._fills) + 2)
        return _append(xml, "cellXfs", new_xfs, len(self._xfs)).encode()

    def _clean(self) -> dict[int, int]:
        """The styles that an earlier report has marked -> the same without the mark."""
        ours = {index for index, fill in enumerate(self._fills) if WRONG_RGB in fill or CORRECTED_RGB in fill}
        cleaned: dict[int, int] = {}
        for style in range(self._stored):
            found = _FILL_ID.search(self._xfs[style][0])
            if found is not None and int(found[1]) in ours:
                cleaned[style] = self._add(style, {"fillId": "0", "applyFill": "0"})
        return cleaned

    def _add(self, style: int, changes: dict[str, str]) -> int:
        if style >= len(self._xfs):
            raise UnpatchableError("a cell has a style that there is not")
        tag, inner = self._xfs[style]
        for name, value in changes.items():
            tag = re.sub(rf'\s{name}="[^"]*"', "", tag) + f' {name}="{value}"'
        self._xfs.append((tag, inner))
        return len(self._xfs) - 1


def _append(xml: str, name: str, members: str, count: int) -> str:
    start = re.search(rf"<(?:\w+:)?{name}\b[^>]*>", xml)
    end = re.search(rf"</(?:\w+:)?{name}>", xml)
    if start is None or end is None:
        raise UnpatchableError(f"the styles have no {name}")
    tag = re.sub(r'\scount="\d+"', "", start[0])[:-1] + f' count="{count}">'
    return xml[: start.start()] + tag + xml[start.end() : end.start()] + members + xml[end.start() :]
