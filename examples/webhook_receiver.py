#!/usr/bin/env python3
"""接收通知 / Receives webhooks: is each genuine, has it come before, and what is in it. Standard library only.

    WEBHOOK_SECRET=whsec_… examples/webhook_receiver.py [PORT] [events.jsonl]

Messages are those of Standard Webhooks. They come at least once and in no promised order, so each is known by its id,
and a version that is older than the one already seen is skipped. What is accepted is appended to the file as a line.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

# After a rotation two secrets count for a while: "whsec_NEW whsec_OLD".
KEYS = [base64.b64decode(one.removeprefix("whsec_")) for one in os.environ["WEBHOOK_SECRET"].split()]
TOLERANCE_SECONDS = 300
BODY_MAX = 1_000_000
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
EVENTS = sys.argv[2] if len(sys.argv) > 2 else "events.jsonl"


def is_genuine(message: str, sent: str, signatures: str, body: bytes) -> bool:
    """Signed with a secret of ours, and lately: else someone could send an old message once more."""
    if not sent.isdigit() or abs(time.time() - int(sent)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message}.{sent}.".encode() + body
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in KEYS]
    given = [one.removeprefix("v1,").encode() for one in signatures.split() if one.startswith("v1,")]
    return any(hmac.compare_digest(one, other) for one in wanted for other in given)


class Seen:
    """Which messages came, and how far each record has got."""

    def __init__(self, path: str) -> None:
        self._lock = Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("create table if not exists message (id text primary key)")
        self._database.execute("create table if not exists record (id text primary key, version integer)")

    def take(self, message: str, record: str, version: int | None) -> str:
        """`new`, `again` or `stale`. It is committed before the sender hears that we have it."""
        with self._lock, self._database as database:
            if database.execute("insert or ignore into message values (?)", (message,)).rowcount == 0:
                return "again"
            known = database.execute("select version from record where id = ?", (record,)).fetchone()
            if version is None:
                return "new"
            if known and known[0] > version:
                return "stale"
            database.execute("insert or replace into record values (?, ?)", (record, version))
            return "new"


class Receiver(BaseHTTPRequestHandler):
    """Answers within moments: whatever takes longer belongs into a queue of one's own."""

    def do_POST(self) -> None:
        """A message. 2xx: we have it; anything else: send it again later."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX:
            self.answer(413)
            return
        body = self.rfile.read(length)
        message, sent = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        if not is_genuine(message, sent, self.headers.get("webhook-signature", ""), body):
            self.answer(401)
            return
        event = json.loads(body)
        data = event.get("data") or {}
        if seen.take(message, str(data.get("id")), data.get("version")) == "new":
            with open(EVENTS, "a", encoding="utf-8") as file:
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self.answer(204)

    def answer(self, status: int) -> None:
        """Without a body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    seen = Seen(f"{EVENTS}.seen")
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
