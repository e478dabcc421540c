"""Where messages may be sent: https on the public internet, or what the operator has opened. Against SSRF.

The form of a URL is checked when it is given. Its name is resolved anew for every attempt, every address is checked,
and the connection goes to the checked address itself, so that a name can't mean something else a moment later.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from toilet_api.settings import Settings

Address = IPv4Address | IPv6Address

URL_PATTERN = r"^https?://[!-~]+$"
URL_MAX = 2000
PORTS = frozenset({80, 443, 8080, 8443})
"""The ports of public receivers; where the operator has opened a network, any."""
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[a-z0-9\-._~!$&'()*+,;=:@%/?]*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(one)
    # Teredo, ORCHID and what else is for protocols; documentation; 6to4, given up by RFC 7526; segment routing.
    for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16")
)
_NOT_PUBLIC_4 = tuple(
    IPv4Network(one)
    # The same for IPv4, with the relays of 6to4.
    for one in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "198.18.0.0/15", "240.0.0.0/4", "0.0.0.0/8")
)


class TargetRefusedError(Exception):
    """Nothing is sent there. `code`, and what is wrong in Chinese and English."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.code, self.told = code, (zh, en)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart once: what is checked is what is connected to."""

    scheme: str
    host: str
    """A name in ASCII, or an address without brackets."""
    port: int
    path: str

    @property
    def literal(self) -> Address | None:
        """The address that stands in the URL itself."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def host_header(self) -> str:
        """The `Host` of a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def url_at(self, address: Address) -> str:
        """The URL with one of its addresses instead of the name."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse(url: str) -> Target:
    """The parts of a URL. Raises `TargetRefusedError` for another form, credentials, a fragment, an odd host.

    Hosts that end in a number are addresses, and have one spelling only: `2130706433`, `0x7f.1` or `127.1` are refused.
    """
    match = _URL.fullmatch(url)
    if len(url) > URL_MAX or match is None:
        raise TargetRefusedError(
            "bad_url",
            "须为 http(s) 绝对地址，ASCII，不含账号口令、片段或空格",
            "must be an absolute http(s) URL in ASCII without credentials, fragment or blanks",
        )
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or (443 if scheme == "https" else 80))
    if not 0 < port < 65536:
        raise TargetRefusedError("bad_port", "端口不对", "no such port")
    return Target(scheme, _checked_host(host), port, match["path"] or "/")


def _checked_host(host: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except ValueError:
            raise _bad_host() from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise _bad_host() from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad_host()
    return host


def _bad_host() -> TargetRefusedError:
    return TargetRefusedError(
        "bad_host",
        "主机须为域名（国际化域名用 Punycode），或标准写法的 IP 地址",
        "the host must be a name (Punycode for IDN), or an IP address in its plain form",
    )


def check_form(target: Target, settings: Settings) -> None:
    """Raises `TargetRefusedError` for what no address could make good."""
    if target.literal is not None:
        check(target, [target.literal], settings)
    elif not networks(settings):
        _check_public(target, settings)


def check(target: Target, addresses: Sequence[Address], settings: Settings) -> None:
    """Raises `TargetRefusedError` unless messages may be sent to every one of the addresses."""
    opened = networks(settings)
    for address in map(unwrapped, addresses):
        if any(address in network for network in opened if network.version == address.version):
            continue
        _check_public(target, settings)
        if not is_public(address):
            # Which address it is isn't told: names of the inside would be mapped with it.
            raise TargetRefusedError(
                "not_public", "该地址不是公网地址，也未经运维放行", "it isn't a public address, nor one that was opened"
            )


def _check_public(target: Target, settings: Settings) -> None:
    if target.scheme != "https" and not settings.webhook_allow_http:
        raise TargetRefusedError("not_https", "须使用 https", "https is needed")
    if target.port not in PORTS:
        allowed = ", ".join(map(str, sorted(PORTS)))
        raise TargetRefusedError("bad_port", f"端口须为 {allowed} 之一", f"the port must be one of {allowed}")


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one merely writes otherwise (`::ffff:127.0.0.1`)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whichever way it gets there."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in one for one in _NOT_PUBLIC_4)
        return address.is_global and not special
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    special = address.is_private or any(address in one for one in _NOT_PUBLIC_6)
    return address in _GLOBAL_UNICAST and not special


def networks(settings: Settings) -> list[IPv4Network | IPv6Network]:
    """The networks that the operator has opened."""
    return [ipaddress.ip_network(one.strip()) for one in settings.webhook_allowed_networks.split(",") if one.strip()]


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, each once. Raises OSError when it has none. Blocks as long as the resolver takes."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(one) for one in dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found)]
