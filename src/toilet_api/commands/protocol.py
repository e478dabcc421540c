"""HTTP/1.1 as uvicorn speaks it, but what isn't HTTP is refused as problem+json, like everything else."""

import json
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from toilet_api.kernel.errors import MALFORMED


class Protocol(HttpToolsProtocol):
    """Refuses a broken request line, header or address before any application sees it."""

    def send_400_response(self, msg: str) -> None:
        """The answer to what can't be parsed; the connection ends, for nobody knows where the next request begins."""
        request_id = uuid4().hex
        problem = MALFORMED.problem(("不是有效的 HTTP 请求，或地址过长。", f"{msg} Or its address is too long."))
        body = json.dumps(problem.document(request_id=request_id), ensure_ascii=False).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "Content-Type: application/problem+json\r\n"
            "Content-Language: zh-CN\r\n"
            "Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            f"X-Request-Id: {request_id}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
