"""Where nothing is sent: the inside of the network, however it is written, and whatever a name comes to mean."""

import ipaddress
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.breadth import tries
from tests.exchange.webhooks.made import URL, As, Push, deliveries, household, subscribed
from tests.exchange.webhooks.receiver import Receiver, receiving
from toilet_api.exchange.webhooks import posting, targets
from toilet_api.exchange.webhooks.targets import TargetRefusedError
from toilet_api.kernel import jobs
from toilet_api.settings import Settings

EXAMPLES = tries("WEBHOOK_TARGETS", 50, 500)
CLOSED = Settings(secret_key="x" * 32)
PRIVATE = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4"),
)
PRIVATE_6 = (
    *("::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)


def refused(url: str, at: Settings = CLOSED) -> str | None:
    """The code with which a URL is refused by its form or its literal address; None for one that is taken."""
    try:
        targets.check_form(targets.parse(url), at)
    except TargetRefusedError as error:
        return error.code
    return None


def inside(networks: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Any address of these."""
    return st.sampled_from(networks).flatmap(
        lambda one: st.ip_addresses(network=ipaddress.ip_network(one))  # type: ignore[arg-type]
    )


def spellings(address: ipaddress.IPv4Address) -> list[str]:
    """How resolvers and browsers have been seen to take an IPv4 address."""
    number, parts = int(address), address.packed
    return [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{parts[0]:02x}{parts[1]:02x}:{parts[2]:02x}{parts[3]:02x}]",
        f"[2002:{parts[0]:02x}{parts[1]:02x}:{parts[2]:02x}{parts[3]:02x}::1]",
        f"user@{address}",
        f"receiver.example@{address}",
        f"{address}#@receiver.example",
        f"{address}\\@receiver.example",
        "".join(chr(0xFF10 + int(one)) if one.isdigit() else "。" for one in str(address)),
    ]


@profile(max_examples=EXAMPLES, deadline=None)
@given(inside(PRIVATE))
def test_no_private_address_in_any_spelling(address: ipaddress.IPv4Address) -> None:
    for host in spellings(address):
        assert refused(f"https://{host}/") is not None, host


@profile(max_examples=EXAMPLES, deadline=None)
@given(inside(PRIVATE_6))
def test_no_private_address_of_version_6(address: ipaddress.IPv6Address) -> None:
    assert refused(f"https://[{address}]/") is not None
    assert refused(f"https://[{address.exploded}]:443/") is not None


@profile(max_examples=EXAMPLES, deadline=None)
@given(st.ip_addresses())
def test_what_is_taken_for_public_is_global(address: Any) -> None:
    if targets.is_public(address):
        assert address.is_global
        assert not address.is_multicast
    mapped = ipaddress.IPv6Address(f"::ffff:{address}") if address.version == 4 else address
    assert targets.is_public(mapped) == targets.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://8.8.8.8/hook",
        "https://[2400:3200::1]/hook",
        "https://[64:ff9b::808:808]/",
        "https://receiver.example",
        "https://receiver.example:8443/a/b?c=d%20e",
        "HTTPS://Receiver.Example/",
        "https://xn--fiqs8s.example/",
    ],
)
def test_what_is_taken(url: str) -> None:
    assert refused(url) is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.example/", "not_https"),
        ("http://8.8.8.8/", "not_https"),
        ("https://receiver.example:22/", "bad_port"),
        ("https://receiver.example:5432/", "bad_port"),
        ("https://receiver.example:0/", "bad_port"),
        ("https://receiver.example:99999/", "bad_port"),
        ("https://user:pass@receiver.example/", "bad_url"),
        ("https://receiver.example/#here", "bad_url"),
        ("https://receiver.example/a b", "bad_url"),
        ("https://receiver.example/\r\nX-Other: 1", "bad_url"),
        ("https://receiver.example\\@127.0.0.1/", "bad_url"),
        ("https://例子.example/", "bad_url"),
        ("https:///hook", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://receiver.example/", "bad_url"),
        ("//receiver.example/", "bad_url"),
        ("https://[fe80::1%25eth0]/", "bad_url"),
        ("https://[::1/", "bad_url"),
        ("https://[1::2::3]/", "bad_host"),
        ("https://256.1.1.1/", "bad_host"),
        ("https://1.2.3/", "bad_host"),
        ("https://a..example/", "bad_host"),
        ("https://-a.example/", "bad_host"),
        ("https://example./", "bad_host"),
        (f"https://{'a' * 64}.example/", "bad_host"),
        (f"https://receiver.example/{'a' * 2000}", "bad_url"),
        ("https://127.0.0.1/", "not_public"),
        ("https://[::1]/", "not_public"),
        ("https://169.254.169.254/latest/meta-data/", "not_public"),
    ],
)
def test_what_is_refused(url: str, code: str) -> None:
    assert refused(url) == code


def test_what_the_operator_opens() -> None:
    opened = CLOSED.model_copy(update={"webhook_allowed_networks": "10.2.0.0/16, fd00::/8"})
    for url in ("http://10.2.3.4:9000/", "https://10.2.3.4/", "http://[fd00::1]:81/", "https://[::ffff:10.2.3.4]/"):
        assert refused(url, opened) is None, url
    for url in ("https://10.3.0.1/", "http://8.8.8.8/", "https://8.8.8.8:81/", "https://[fc00::1]/"):
        assert refused(url, opened) is not None, url
    plain = CLOSED.model_copy(update={"webhook_allow_http": True})
    assert refused("http://8.8.8.8/", plain) is None
    assert refused("http://10.2.3.4/", plain) == "not_public"
    with pytest.raises(ValueError, match="networks"):
        Settings(webhook_allowed_networks="10.0.0.1/8")


Means = Callable[..., None]


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> Means:
    """`means("10.0.0.1", ...)`: what every name resolves to; nothing: no name has an address."""

    def set_to(*addresses: str) -> None:
        def resolve(host: str, port: int) -> list[Any]:
            if not addresses:
                raise socket.gaierror
            return [ipaddress.ip_address(one) for one in addresses]

        monkeypatch.setattr(targets, "resolve", resolve)

    return set_to


def test_a_name_of_the_inside_is_refused_when_it_is_given(as_: As, means: Means) -> None:
    for addresses in (["10.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::ffff:192.168.0.1"]):
        means(*addresses)
        answer = as_("county_admin").post(URL, json={"url": "https://receiver.example/", "event_types": ["*"]})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_public")
        assert not any(one in answer.text for one in addresses)


def test_a_name_that_changes_its_meaning_is_refused_when_it_is_used(
    as_: As, receiver: Receiver, push: Push, means: Means, app: FastAPI, context: jobs.Context
) -> None:
    """DNS rebinding: public when it is checked, of the inside when it is used."""
    closed = context.settings.model_copy(update={"webhook_allowed_networks": ""})
    app.state.settings = closed
    object.__setattr__(context, "settings", closed)
    means("8.8.8.8")
    webhook = subscribed(as_("county_admin"), "https://receiver.example:8443/", "household.created")
    household(as_("village_surveyor"))
    means("127.0.0.1")
    push()
    (row,) = deliveries(as_("county_admin"), webhook)
    assert (row["state"], row["last_outcome"]) == ("pending", "target_refused")
    assert receiver.got == []


def test_the_connection_goes_to_the_address_that_was_checked(
    as_: As, receiver: Receiver, push: Push, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    means("127.0.0.1")
    subscribed(as_("county_admin"), receiver.url("/a?b=c", host="receiver.example"), "household.created")
    household(as_("village_surveyor"))
    original = socket.getaddrinfo

    def noting(host: Any, *given: Any, **named: Any) -> Any:
        looked_up.append(host)
        return original(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    # No proxy of the environment is asked either.
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert push() == 1
    (got,) = receiver.got
    assert (got.path, got.headers["host"]) == ("/a?b=c", f"receiver.example:{receiver.port}")
    assert "receiver.example" not in looked_up


def test_names_without_an_address(as_: As, push: Push, means: Means) -> None:
    means()
    webhook = subscribed(as_("county_admin"), "https://not-yet.example/", "household.created")  # it may come to be
    household(as_("village_surveyor"))
    push()
    assert deliveries(as_("county_admin"), webhook)[0]["last_outcome"] == "unresolvable"


def test_a_redirect_is_not_followed(as_: As, receiver: Receiver, push: Push) -> None:
    with receiving() as inner:
        receiver.status, receiver.headers = 302, {"Location": inner.url()}
        webhook = subscribed(as_("county_admin"), receiver, "household.created")
        household(as_("village_surveyor"))
        push()
        assert deliveries(as_("county_admin"), webhook)[0]["last_outcome"] == "redirected"
        assert inner.got == []


def test_a_long_answer_is_not_read_and_a_slow_one_not_waited_for(
    as_: As, receiver: Receiver, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_("county_admin")
    receiver.status, receiver.answer = 500, b"x" * 3_000_000
    long = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    push()
    found = deliveries(admin, long)[0]
    attempt = admin.get(f"{URL}/{long['id']}/deliveries/{found['id']}").json()["attempts"][0]
    assert len(attempt["excerpt"]) == 500
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.3)
    receiver.hold.clear()
    slow = subscribed(admin, receiver, "household.created")
    household(as_("village_surveyor"))
    push()
    assert deliveries(admin, slow)[0]["last_outcome"] == "timed_out"
    receiver.hold.set()


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """(the certificate, a server's context with it) for one name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return chain, context


def test_the_certificate_must_be_of_the_name(
    as_: As, push: Push, means: Means, tmp_path: Path, context: jobs.Context
) -> None:
    admin = as_("county_admin")
    means("127.0.0.1")
    chain, server = certificate(tmp_path, "receiver.example")
    seen: list[str | None] = []
    server.sni_callback = lambda _, name, __: seen.append(name)
    with receiving(server) as secure:
        good = subscribed(admin, secure.url(host="receiver.example"), "household.created")
        other = subscribed(admin, secure.url(host="other.example"), "household.created")
        household(as_("village_surveyor"))
        push()  # nobody vouches for it
        assert {deliveries(admin, one)[0]["last_outcome"] for one in (good, other)} == {"tls_failed"}
        trusting = context.settings.model_copy(update={"webhook_ca_file": chain})
        object.__setattr__(context, "settings", trusting)
        for one in (good, other):
            found = deliveries(admin, one)[0]
            admin.post(f"{URL}/{one['id']}/deliveries/{found['id']}/redeliver")
        push()
        assert deliveries(admin, good)[0]["state"] == "delivered"
        assert deliveries(admin, other)[0]["last_outcome"] == "tls_failed"
        assert set(seen) == {"receiver.example", "other.example"}
        assert len(secure.got) == 1
