"""What the tests of resumable uploads share: begin one, send a part, send a whole file."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

As = Callable[[str], TestClient]


def begun(client: TestClient, content: bytes, **more: Any) -> dict[str, Any]:
    """POST /uploads for `content`, which must be made."""
    body = {"file_name": "台账.csv", "size_bytes": len(content), **more}
    answer = client.post("/api/v1/uploads", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def sent(client: TestClient, upload_id: str, offset: int, part: bytes, **headers: str) -> Response:
    """PATCH one part; `Upload_Checksum` and the like go by their names with underscores."""
    return client.patch(
        f"/api/v1/uploads/{upload_id}",
        content=part,
        headers={
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def whole(client: TestClient, content: bytes, size: int = 1000, **more: Any) -> dict[str, Any]:
    """Send all of it in parts of `size`; gives the upload as it ended."""
    made = begun(client, content, **more)
    for offset in range(0, len(content), size):
        answer = sent(client, made["id"], offset, content[offset : offset + size])
        assert answer.status_code == 200, answer.text
        made = answer.json()
    assert made["state"] == "complete"
    return made


def checksum(part: bytes) -> str:
    return "sha256 " + base64.b64encode(hashlib.sha256(part).digest()).decode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
