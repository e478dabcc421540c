"""One line of the benchmark's table, and a load generator that is not itself the bottleneck."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A figure beside its floor from the same run. `holds` compares the ratio with the target, where there is one."""

    name: str
    value: float
    floor: float
    ratio: float
    target: float | None
    unit: str
    holds: bool

    @classmethod
    def rate(cls, name: str, value: float, floor: float, unit: str, target: float | None = None) -> "Entry":
        """For figures where more is better: value / floor must reach the target."""
        ratio = value / floor
        return cls(
            name, round(value, 2), round(floor, 2), round(ratio, 3), target, unit, target is None or ratio >= target
        )


def interleaved(contenders: dict[str, Callable[[], float]], rounds: int = 3) -> dict[str, float]:
    """The median of each contender over rounds in which all take turns, so that drift hits them alike."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            seen[name].append(run())
    return {name: statistics.median(values) for name, values in seen.items()}


def requests_per_second(
    port: int, path: str, headers: dict[str, str], *, connections: int = 16, total: int = 1500
) -> float:
    """GET `path` over kept-alive connections on 127.0.0.1, `total` times in all."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()

    async def worker(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    async def all_workers() -> None:
        await asyncio.gather(*(worker(total // connections) for _ in range(connections)))

    started = time.perf_counter()
    asyncio.run(all_workers())
    return total / (time.perf_counter() - started)
