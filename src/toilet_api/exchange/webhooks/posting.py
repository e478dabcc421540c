"""One message over the wire, and what came of it. No redirect is followed, no proxy of the environment is used."""

import asyncio
import email.utils
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from toilet_api import __version__
from toilet_api.exchange.webhooks import targets
from toilet_api.exchange.webhooks.targets import Address, Target, TargetRefusedError
from toilet_api.settings import Settings

log = logging.getLogger(__name__)

TOTAL_SECONDS = 10.0
"""From the look-up of the name to the end of the answer."""
_ADDRESSES_TRIED = 3
_READ_BYTES = 16 * 1024
_EXCERPT = 500
_RESOLVERS = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. `code`: see `catalogue.OUTCOMES`."""

    code: str
    status: int | None = None
    excerpt: str | None = None
    """The beginning of the answer, or what is wrong with the target."""
    retry_after: int | None = None
    """Seconds that the receiver asks to wait."""
    duration_ms: int = 0


class Poster:
    """Sends messages; `opened` makes one."""

    def __init__(self, settings: Settings, transport: httpx.AsyncHTTPTransport, threads: ThreadPoolExecutor) -> None:
        self._settings, self._transport, self._threads = settings, transport, threads

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        """Send one message. It never raises: what went wrong is the outcome."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                outcome = await self._attempt(url, headers, body)
        except TimeoutError:
            outcome = Outcome("timed_out")
        except Exception:  # counted as an attempt, or it would be sent again for ever
            log.exception("sending a message failed")
            outcome = Outcome("unreachable")
        took = int((time.monotonic() - begun) * 1000)
        return Outcome(outcome.code, outcome.status, outcome.excerpt, outcome.retry_after, took)

    async def _attempt(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        try:
            target = targets.parse(url)
            addresses = await self._addresses(target)
            targets.check(target, addresses, self._settings)
        except TargetRefusedError as refused:
            return Outcome("target_refused", excerpt=f"{refused.code}: {refused.told[0]} / {refused.told[1]}")
        except OSError:
            return Outcome("unresolvable")
        outcome = Outcome("unreachable")
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._send(target, address, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                outcome = Outcome("tls_failed" if _is_of_tls(error) else "unreachable")
            except httpx.TimeoutException:
                return Outcome("timed_out")
            except httpx.TransportError:
                return Outcome("unreachable")
        return outcome

    async def _addresses(self, target: Target) -> list[Address]:
        if target.literal is not None:
            return [target.literal]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, targets.resolve, target.host, target.port)
        if not found:
            raise socket.gaierror
        return found

    async def _send(self, target: Target, address: Address, headers: dict[str, str], body: bytes) -> Outcome:
        request = httpx.Request(
            "POST",
            target.url_at(address),
            headers={
                "Host": target.host_header,
                "Content-Type": "application/json",
                "User-Agent": f"toilet-api/{__version__}",
                "Accept-Encoding": "identity",  # what is read of an answer is bounded as it comes
                **headers,
            },
            content=body,
            extensions={
                "timeout": httpx.Timeout(TOTAL_SECONDS).as_dict(),
                # The certificate must be of the name, though the connection goes to the address.
                **({} if target.literal is not None else {"sni_hostname": target.host}),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            read = bytearray()
            async for part in response.aiter_raw():
                read += part
                if len(read) >= _READ_BYTES:
                    break
        finally:
            await response.aclose()
        return _judged(response, bytes(read))


@asynccontextmanager
async def opened(settings: Settings, connections: int) -> AsyncIterator[Poster]:
    """A poster for as many messages at a time."""
    context = httpx.create_ssl_context(trust_env=False)
    if settings.webhook_ca_file is not None:
        context.load_verify_locations(settings.webhook_ca_file)
    # Nothing is kept open: two names at one address must not share a connection.
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
    threads = ThreadPoolExecutor(_RESOLVERS, "webhook-names")
    try:
        async with httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits) as transport:
            yield Poster(settings, transport, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _judged(response: httpx.Response, read: bytes) -> Outcome:
    status = response.status_code
    excerpt = "".join(one if one.isprintable() else " " for one in read[:_EXCERPT].decode(errors="replace")).strip()
    code = "rejected"
    if 200 <= status < 300:
        code = "accepted"
    elif 300 <= status < 400:
        code = "redirected"
    elif status == 410:
        code = "gone"
    return Outcome(code, status, excerpt or None, _patience(response.headers.get("retry-after", "")))


def _patience(retry_after: str) -> int | None:
    """Seconds of a `Retry-After`, which may be a date too."""
    if retry_after.strip().isdigit():
        return min(int(retry_after.strip()[:9]), 86_400)
    try:
        at = email.utils.parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0, min(86_400, int((at - datetime.now(UTC)).total_seconds())))


def _is_of_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
