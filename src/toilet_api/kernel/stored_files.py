"""A stored file as an answer: whole, or the part that `Range` asks for."""

from typing import Any

from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable

from toilet_api.kernel.errors import RANGE_NOT_SATISFIABLE

IN_PARTS: dict[str, Any] = {
    "parameters": [
        {
            "name": "Range",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "title": "字节范围"},
            "description": (
                "断点续传：只取这一部分，答复为 206 和 Content-Range；带 If-Range（ETag）则文件未变才接着取"
                " / To go on after a broken line: 206 with Content-Range; with If-Range (the ETag) only if unchanged"
            ),
            "example": "bytes=8388608-",
        }
    ]
}
"""`openapi_extra` of a route that answers a stored file."""


def file_headers(**more: tuple[str, str]) -> dict[str, Any]:
    """The headers of a file, for `responses`. `more`: description and example of further ones, `_` standing for `-`."""
    told = {
        "Content-Disposition": ("文件名 / The file's name", 'attachment; filename="export.csv"'),
        "Accept-Ranges": ("可用 Range 分段取 / Range is taken", "bytes"),
        **{name.replace("_", "-"): texts for name, texts in more.items()},
    }
    return {
        name: {"description": description, "schema": {"type": "string"}, "example": example}
        for name, (description, example) in told.items()
    }


class StoredFile(FileResponse):
    """Sent after the request's transaction, so that no connection is held meanwhile."""

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        """Starlette's own, whose refusals are plain text. A header that is no range counts for none (RFC 9110 14.2)."""
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except RangeNotSatisfiable:
            raise RANGE_NOT_SATISFIABLE.problem(headers={"Content-Range": f"bytes */{file_size}"}) from None
