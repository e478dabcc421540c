"""The vault: personal data sealed, masked, and found again by blind index (PIPL; GB/T 35273 6.3; GB/T 22239 8.1.4).

What is sealed is a small JSON object. It can be opened only with the key that its header names and with the same `aad`
(the owner's id), so that a sealed value that was copied to another record does not open there.

Sealed form: version (1 byte, 1), cipher (1 byte), length of the key id (1 byte), key id (ASCII), nonce (12 bytes),
ciphertext, tag (16 bytes). The header is authenticated together with the `aad`.
"""

import hashlib
import hmac
import re
import unicodedata
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from pydantic_core import from_json, to_json

from toilet_api.kernel.entropy import random_bytes
from toilet_api.kernel.masks import mask_address, mask_id_number, mask_name, mask_phone
from toilet_api.settings import Settings

__all__ = ["Vault", "VaultError", "mask_address", "mask_id_number", "mask_name", "mask_phone"]

_VERSION = 1
_NONCE = 12
_TAG = 16
_INDEX = 16
_BLOCK = 64
"""Bytes of a block of SHA-256."""
_DOTS = re.compile("[·•・‧∙⋅]")
_KEY_ID = re.compile(r"^[A-Za-z0-9_.-]{1,32}$")


class VaultError(Exception):
    """A sealed value can't be opened (damaged, of another owner, or of a key that is not known), or a bad setting.

    The message never holds anything of the value.
    """


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...


class _Sm4Gcm:
    """SM4 (GB/T 32907) in GCM, of the same shape as `AESGCM`. Its key of 128 bits is derived from the vault's 256."""

    def __init__(self, key: bytes) -> None:
        self._sm4 = SM4(hmac.digest(key, b"toilet_api:sm4", "sha256")[:16])

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        encryptor = Cipher(self._sm4, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        decryptor = Cipher(self._sm4, GCM(nonce, data[-_TAG:])).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-_TAG]) + decryptor.finalize()


_CIPHERS: dict[int, Callable[[bytes], _Aead]] = {1: AESGCM, 2: _Sm4Gcm}
_CIPHER_BYTES = {"AES-256-GCM": 1, "SM4-GCM": 2}


def _keys(settings: Settings) -> dict[str, bytes]:
    """Keys by id, the writing key first. Raises VaultError, without the key, for a malformed VAULT_KEYS."""
    entries = [entry for entry in re.split(r"[\s,]+", settings.vault_keys) if entry]
    if not entries:
        return {"0": settings.secret("vault")}
    keys: dict[str, bytes] = {}
    for position, entry in enumerate(entries, 1):
        key_id, separator, text = entry.partition(":")
        try:
            key = b64decode(text, validate=True)
        except (Base64Error, ValueError):
            key = b""
        if not separator or not _KEY_ID.fullmatch(key_id) or key_id in keys or len(key) != 32:
            raise VaultError(f"VAULT_KEYS, entry {position}: expected a unique id, a colon and 32 bytes in base64")
        keys[key_id] = key
    # Reads what was sealed before VAULT_KEYS were set. The secret behind it is needed for the blind index anyway.
    keys.setdefault("0", settings.secret("vault"))
    return keys


class Vault:
    """Seals with the first key of VAULT_KEYS; opens with any of them. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        keys = _keys(settings)
        self.writing_key = next(iter(keys))
        self._ciphers = {
            (cipher, key_id): make(key) for cipher, make in _CIPHERS.items() for key_id, key in keys.items()
        }
        writing_cipher = _CIPHER_BYTES[settings.vault_cipher]
        self._writer = self._ciphers[writing_cipher, self.writing_key]
        key_id = self.writing_key.encode()
        self.header = bytes((_VERSION, writing_cipher, len(key_id))) + key_id
        """With it begins whatever is sealed now; a value that begins otherwise is of another key or cipher."""
        # Not one of VAULT_KEYS: an index must stay the same when the sealing keys rotate.
        index_key = settings.secret("vault.blind-index")
        # HMAC-SHA-256 with its two keyed states kept: an import makes half a million of them.
        padded = (index_key if len(index_key) <= _BLOCK else hashlib.sha256(index_key).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def seal(self, value: dict[str, Any], aad: bytes) -> bytes:
        """`value` (JSON) encrypted and bound to `aad`, the owner's id. Nonces are random: rotate before 2**32 seals."""
        nonce = random_bytes(_NONCE)
        plain = to_json(value)
        return self.header + nonce + self._writer.encrypt(nonce, plain, self.header + aad)

    def open(self, sealed: bytes, aad: bytes) -> dict[str, Any]:
        """What was sealed. Raises VaultError when it is damaged, of another owner, or of an unknown key."""
        sealed = bytes(sealed)
        cipher, key_id, start = self._read_header(sealed)
        aead = self._ciphers.get((cipher, key_id))
        if aead is None:
            raise VaultError(f"sealed with the key {key_id!r} and cipher {cipher}, which are not known here")
        nonce, body = sealed[start : start + _NONCE], sealed[start + _NONCE :]
        try:
            plain = aead.decrypt(nonce, body, sealed[:start] + aad)
        except InvalidTag:
            raise VaultError("the sealed value is damaged, or belongs to another record") from None
        value: dict[str, Any] = from_json(plain)
        return value

    def key_of(self, sealed: bytes) -> str:
        """The id of the key that a value was sealed with."""
        return self._read_header(bytes(sealed))[1]

    def reseal(self, sealed: bytes, aad: bytes) -> bytes | None:
        """The value sealed anew with the writing key and cipher; None when it already is. The step of a rotation."""
        if bytes(sealed).startswith(self.header):
            return None
        return self.seal(self.open(sealed, aad), aad)

    def blind_index(self, kind: str, value: str) -> bytes:
        """16 bytes that are equal for equal values of one kind, and tell nothing without the key.

        `kind` separates what must not be compared (a phone is never equal to an ID number) and chooses the
        normalisation; see `normalise`. An empty value has no index: ValueError.
        """
        text = normalise(kind, value)
        if not text:
            raise ValueError("an empty value has no blind index")
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(kind.encode() + b"\0" + text.encode())
        outer.update(inner.digest())
        return outer.digest()[:_INDEX]

    @staticmethod
    def _read_header(sealed: bytes) -> tuple[int, str, int]:
        start = 3 + sealed[2] if len(sealed) > 3 else 0
        if not start or sealed[0] != _VERSION or len(sealed) < start + _NONCE + _TAG:
            raise VaultError("not a sealed value of this version")
        try:
            return sealed[1], sealed[3:start].decode("ascii"), start
        except UnicodeDecodeError:
            raise VaultError("not a sealed value of this version") from None


def normalise(kind: str, value: str) -> str:
    """The form in which two spellings of one value are equal.

    Every kind: NFKC (full-width to half-width) and no white space. `id_number`: capital X. `phone`: digits alone,
    without +86. `name`: the middle dots of minority names (·•・‧) as one. Others: lower case.
    """
    text = value if unicodedata.is_normalized("NFKC", value) else unicodedata.normalize("NFKC", value)
    text = "".join(text.split())
    if kind == "id_number":
        return text.upper()
    if kind == "phone":
        digits = text if text.isdigit() else "".join(character for character in text if character.isdigit())
        return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
    if kind == "name":
        return _DOTS.sub("·", text)
    return text.lower()
