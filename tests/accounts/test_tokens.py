"""Access tokens: every bad one is a 401; keys, their rotation and their publication."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt
from sqlalchemy import text

from tests.accounts.logins import at_once, bearer, login
from tests.contract.reading import COMMITTED
from toilet_api.accounts import keys, tokens
from toilet_api.accounts.tokens import AUDIENCE
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now

ME = "/api/v1/me"


def pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forge:
    """Makes tokens of all kinds, with the real key and with others."""

    def __init__(self, app: Any, token: str) -> None:
        with app.state.database.transaction() as session:
            self.kid, self.key = keys.KeyRing(app.state.vault).signer(session)
        self.good = token
        self.header = jwt.get_unverified_header(token)
        self.claims = jwt.get_unverified_claims(token)

    def made(self, header: dict[str, Any] | None = None, key: Any = None, alg: str = "ES256", **claims: Any) -> str:
        kept = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        heads = {"kid": self.kid, "typ": "at+jwt", **(header or {})}
        return str(jwt.encode(kept, key or self.key, algorithm=alg, headers=heads))

    def raw(self, header: dict[str, Any], signature: bytes = b"") -> str:
        return f"{part(header)}.{part(self.claims)}.{part(signature)}"

    def hs256_with_the_public_key(self) -> str:
        public = json.dumps(self.key.public_key().to_dict()).encode()
        header = {"alg": "HS256", "typ": "at+jwt", "kid": self.kid}
        signed = f"{part(header)}.{part(self.claims)}"
        return f"{signed}.{part(hmac.digest(public, signed.encode(), hashlib.sha256))}"

    def with_its_own_key(self) -> str:
        stranger = jwk.construct(pem(ec.generate_private_key(ec.SECP256R1())), "ES256")
        return self.made(header={"jwk": stranger.public_key().to_dict(), "kid": "mine"}, key=stranger)


@pytest.fixture
def forge(app: Any, client: Any) -> Forge:
    return Forge(app, login(client, "county_admin").json()["access_token"])


def stranger(alg: str = "ES256") -> Any:
    key: Any = rsa.generate_private_key(65537, 2048) if alg == "RS256" else ec.generate_private_key(ec.SECP256R1())
    return jwk.construct(pem(key), alg)


LATER, EARLIER = timedelta(hours=1), timedelta(hours=-1)

BAD: dict[str, Callable[[Forge], str]] = {
    "empty": lambda f: "",
    "a word": lambda f: "token",
    "two parts": lambda f: f.good.rsplit(".", 1)[0],
    "four parts": lambda f: f.good + ".x",
    "too long": lambda f: f.good + "A" * 5000,
    "alg none": lambda f: f.raw({"alg": "none", "typ": "at+jwt", "kid": f.kid}),
    "alg None": lambda f: f.raw({"alg": "None", "typ": "at+jwt", "kid": f.kid}),
    "alg NONE with the good signature": lambda f: f.raw(
        {"alg": "NONE", "typ": "at+jwt", "kid": f.kid}, base64.urlsafe_b64decode(f.good.rsplit(".", 1)[1] + "==")
    ),
    "no alg": lambda f: f.raw({"typ": "at+jwt", "kid": f.kid}),
    "HS256 with the public key": lambda f: f.hs256_with_the_public_key(),
    "HS256 with the kid": lambda f: f.made(key="secret", alg="HS256"),
    "RS256": lambda f: f.made(key=stranger("RS256"), alg="RS256"),
    "another key under our kid": lambda f: f.made(key=stranger()),
    "a key that it brings along": lambda f: f.with_its_own_key(),
    "unknown kid": lambda f: f.made(header={"kid": "unknown"}),
    "kid is a list": lambda f: f.raw({"alg": "ES256", "typ": "at+jwt", "kid": ["x"]}),
    "kid with NUL": lambda f: f.made(header={"kid": "a\x00"}),
    "kid with SQL": lambda f: f.made(header={"kid": "' or true --"}),
    "no kid": lambda f: f.raw({"alg": "ES256", "typ": "at+jwt"}),
    "another type": lambda f: f.made(header={"typ": "JWT"}),
    "critical extension": lambda f: f.made(header={"crit": ["exp"]}),
    "no signature": lambda f: f.good.rsplit(".", 1)[0] + ".",
    "signature of zeros": lambda f: f.good.rsplit(".", 1)[0] + "." + part(bytes(64)),
    "changed claims": lambda f: ".".join(
        [f.good.split(".")[0], part({**f.claims, "sub": str(new_id())}), f.good.split(".")[2]]
    ),
    "claims are a list": lambda f: f"{part(f.header)}.{part([1])}.{part(bytes(64))}",
    "header is a list": lambda f: f"{part([1])}.{part(f.claims)}.{part(bytes(64))}",
    "not UTF-8": lambda f: f"{part(bytes([0xFF, 0xFE]))}.{part(f.claims)}.{part(bytes(64))}",
    "expired": lambda f: f.made(exp=now() + EARLIER, iat=now() - LATER, nbf=now() - LATER),
    "not yet valid": lambda f: f.made(nbf=now() + LATER),
    "another audience": lambda f: f.made(aud="other"),
    "another issuer": lambda f: f.made(iss="https://elsewhere.example"),
    "no expiry": lambda f: f.made(exp=None),
    "no issuer": lambda f: f.made(iss=None),
    "no audience": lambda f: f.made(aud=None),
    "no jti": lambda f: f.made(jti=None),
    "no version": lambda f: f.made(ver=None),
    "subject is no UUID": lambda f: f.made(sub="admin"),
    "unknown subject": lambda f: f.made(sub=str(new_id())),
    "an older version": lambda f: f.made(ver=0),
    "sid is no UUID": lambda f: f.made(sid="x"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_401(client: Any, forge: Forge, name: str) -> None:
    answer = client.get(ME, headers={"Authorization": f"Bearer {BAD[name](forge)}".strip()})
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


def test_a_token_that_was_good_before_ends_in_its_time(
    client: Any, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = bearer(forge.made(exp=now() + timedelta(minutes=5)))
    assert [client.get(ME, headers=good).status_code for _ in range(2)] == [200, 200]
    monkeypatch.setattr(tokens.time, "time", lambda: (now() + timedelta(minutes=6)).timestamp())
    answer = client.get(ME, headers=good)
    assert (answer.status_code, "expired" in answer.headers["WWW-Authenticate"]) == (401, True)


def test_the_forge_can_make_good_ones(client: Any, forge: Forge) -> None:
    assert client.get(ME, headers=bearer(forge.good)).status_code == 200
    assert client.get(ME, headers=bearer(forge.made())).status_code == 200


@pytest.mark.parametrize("header", [{}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}, {"Authorization": "x"}])
def test_no_token_is_401_on_every_route_that_needs_one(client: Any, app: Any, header: dict[str, str]) -> None:
    document = json.loads(COMMITTED.read_text())
    seen = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "security" not in operation or "accounts" not in operation["tags"]:
                continue
            body = {} if method in ("post", "patch") else None
            address = path.replace("{", "").replace("}", "")
            for name in ("user_id", "training_id", "grant_id", "id"):
                address = address.replace(f"/{name}", f"/{new_id()}")
            answer = client.request(method, address, headers=header, json=body)
            assert answer.status_code in (401, 422), (path, answer.text)
            if answer.status_code == 422:
                assert path.endswith("/me/password"), path
            seen += 1
    assert seen > 25


def test_the_claims(forge: Forge, settings: Any) -> None:
    assert forge.claims["iss"] == settings.public_url
    assert forge.claims["aud"] == AUDIENCE
    assert forge.claims["exp"] - forge.claims["iat"] == 900
    assert {"sub", "nbf", "jti", "ver", "sid"} <= set(forge.claims)
    assert forge.header == {"alg": "ES256", "typ": "at+jwt", "kid": forge.kid}


def test_the_jwks_verifies_tokens_and_shows_nothing_private(client: Any, forge: Forge) -> None:
    for address in ("/api/v1/auth/jwks", "/.well-known/jwks.json"):
        answer = client.get(address)
        assert answer.status_code == 200
        (key,) = answer.json()["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "alg", "use", "kid"}
        jwt.decode(forge.good, key, algorithms=["ES256"], audience=AUDIENCE)


def test_the_jwks_of_a_fresh_deployment_has_a_key(client: Any, database: Database) -> None:
    with database.transaction() as session:
        session.connection().execute(text("delete from signing_key"))
    assert len(client.get("/api/v1/auth/jwks").json()["keys"]) == 1


def rotate(app: Any, **more: Any) -> str:
    with app.state.database.transaction(EVERYWHERE) as session:
        return keys.rotate(session, app.state.vault, **more)


def test_after_a_rotation_old_tokens_hold_and_new_ones_use_the_new_key(client: Any, app: Any, forge: Forge) -> None:
    kid = rotate(app)
    assert client.get(ME, headers=bearer(forge.good)).status_code == 200
    assert [key["kid"] for key in client.get("/api/v1/auth/jwks").json()["keys"]] == [kid, forge.kid]
    app.state.key_ring.forget()
    made = login(client, "auditor").json()["access_token"]
    assert jwt.get_unverified_header(made)["kid"] == kid
    assert client.get(ME, headers=bearer(made)).status_code == 200


def test_a_process_that_never_saw_the_new_key_reads_it(client: Any, app: Any, forge: Forge) -> None:
    assert client.get(ME, headers=bearer(forge.good)).status_code == 200
    kid = rotate(app)
    with app.state.database.transaction() as session:
        ring = keys.KeyRing(app.state.vault)
        name, key = ring.signer(session)
    assert name == kid
    assert client.get(ME, headers=bearer(forge.made(header={"kid": kid}, key=key))).status_code == 200


def test_an_old_key_ends(client: Any, app: Any, forge: Forge) -> None:
    rotate(app)
    with app.state.database.transaction() as session:
        session.connection().execute(
            text("update signing_key set verify_until = now() - interval '1 second' where verify_until is not null")
        )
    app.state.key_ring.forget()
    assert client.get(ME, headers=bearer(forge.good)).status_code == 401
    assert forge.kid not in [key["kid"] for key in client.get("/api/v1/auth/jwks").json()["keys"]]


def test_a_withdrawn_key_is_worth_nothing(client: Any, app: Any, forge: Forge) -> None:
    rotate(app, withdraw=True)
    app.state.key_ring.forget()
    assert client.get(ME, headers=bearer(forge.good)).status_code == 401
    assert len(client.get("/api/v1/auth/jwks").json()["keys"]) == 1


def test_rotations_at_once_leave_one_key_that_signs(app: Any, client: Any, forge: Forge) -> None:
    at_once(4, lambda _: rotate(app))
    with app.state.database.transaction() as session:
        count = session.connection().execute(text("select count(*) from signing_key where verify_until is null"))
        assert count.scalar_one() == 1


def test_the_private_key_is_sealed(app: Any, forge: Forge, database: Database) -> None:
    with database.transaction() as session:
        row = session.connection().execute(text("select public_jwk, sealed from signing_key")).one()
    assert "d" not in row.public_jwk
    assert app.state.vault.open(row.sealed, f"signing_key:{forge.kid}".encode())["d"].encode() not in bytes(row.sealed)
