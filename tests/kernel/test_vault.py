"""The vault: what is sealed opens only for its owner, with its key; masks hide; blind indexes find."""

import base64
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.kernel import masks
from toilet_api.kernel.vault import Vault, VaultError, normalise
from toilet_api.settings import Settings

SECRET = "x" * 40
json_objects = st.dictionaries(
    st.text(max_size=20), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
)


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def vault(keys: str = "", cipher: str = "AES-256-GCM") -> Vault:
    return Vault(Settings(secret_key=SECRET, vault_keys=keys, vault_cipher=cipher))


CIPHERS = {name: vault(cipher=name) for name in ("AES-256-GCM", "SM4-GCM")}


@pytest.mark.parametrize("cipher", CIPHERS)
@given(value=json_objects, aad=st.binary(max_size=40))
def test_what_was_sealed_opens(cipher: str, value: dict[str, object], aad: bytes) -> None:
    sealed = CIPHERS[cipher].seal(value, aad)
    for reader in CIPHERS.values():
        assert reader.open(sealed, aad) == value


@pytest.mark.parametrize("cipher", CIPHERS)
@given(value=json_objects, data=st.data())
def test_any_changed_byte_or_owner_is_refused(cipher: str, value: dict[str, object], data: st.DataObject) -> None:
    sealed = bytearray(CIPHERS[cipher].seal(value, b"owner"))
    with pytest.raises(VaultError):
        CIPHERS[cipher].open(bytes(sealed), b"other")
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError):
        CIPHERS[cipher].open(bytes(sealed), b"owner")


@given(st.binary(max_size=80))
def test_rubbish_is_refused(rubbish: bytes) -> None:
    with pytest.raises(VaultError):
        CIPHERS["AES-256-GCM"].open(rubbish, b"")


def test_sealed_hides_the_value_and_differs_each_time() -> None:
    first, second = (vault().seal({"name": "张三"}, b"1") for _ in range(2))
    assert first != second
    assert "张三".encode() not in first
    assert len(first) == 3 + 1 + 12 + len('{"name":"张三"}'.encode()) + 16


def test_keys_rotate() -> None:
    old, new = vault(f"2024:{key('a')}"), vault(f"2025:{key('b')},2024:{key('a')}")
    sealed = old.seal({"name": "张三"}, b"1")
    assert new.key_of(sealed) == "2024"
    assert new.open(sealed, b"1") == {"name": "张三"}
    resealed = new.reseal(sealed, b"1")
    assert resealed is not None
    assert new.key_of(resealed) == "2025"
    assert new.reseal(resealed, b"1") is None
    with pytest.raises(VaultError, match="2025"):
        old.open(resealed, b"1")
    assert old.blind_index("name", "张三") == new.blind_index("name", "张三")


def test_a_changed_cipher_is_a_rotation_too() -> None:
    sealed = CIPHERS["AES-256-GCM"].seal({"a": 1}, b"1")
    resealed = CIPHERS["SM4-GCM"].reseal(sealed, b"1")
    assert resealed is not None
    assert CIPHERS["AES-256-GCM"].open(resealed, b"1") == {"a": 1}


@pytest.mark.parametrize("keys", ["nokey", "1:", "1:!!!", f"1:{key('a')},1:{key('b')}", "1:" + "QQ==", f":{key('a')}"])
def test_malformed_keys_are_refused_without_showing_them(keys: str) -> None:
    with pytest.raises(VaultError) as refused:
        vault(keys)
    assert key("a") not in str(refused.value)


def test_another_secret_opens_nothing(tmp_path: Path) -> None:
    sealed = vault().seal({"a": 1}, b"1")
    other = Vault(Settings(secret_key=None, data_dir=tmp_path))
    with pytest.raises(VaultError):
        other.open(sealed, b"1")
    assert other.blind_index("name", "张三") != vault().blind_index("name", "张三")


@pytest.mark.parametrize(
    ("kind", "one", "same"),
    [
        ("id_number", "36042319800101221x", " 360423 19800101 221X "),
        ("id_number", "360423198001012216", "３６０４２３１９８００１０１２２１６"),
        ("phone", "19912346915", "+86 199-1234-6915"),
        ("name", "阿卜杜拉·买买提", "阿卜杜拉•买买提"),
        ("name", "张三", "张　三"),
        ("identity", "360423208202|张三|A座", "360423208202|张 三|a座"),
    ],
)
def test_spellings_of_one_value_share_an_index(kind: str, one: str, same: str) -> None:
    assert vault().blind_index(kind, one) == vault().blind_index(kind, same)
    assert len(vault().blind_index(kind, one)) == 16


@given(st.text("张三A aXx0９　Ｘ·•-|"), st.sampled_from(["id_number", "name", "identity"]))
def test_normalisation_is_stable(text: str, kind: str) -> None:
    once = normalise(kind, text)
    assert normalise(kind, once) == once


def test_kinds_are_apart_and_empty_has_no_index() -> None:
    assert vault().blind_index("phone", "1") != vault().blind_index("name", "1")
    with pytest.raises(ValueError, match="empty"):
        vault().blind_index("name", " 　")


@pytest.mark.parametrize(
    ("mask", "value", "masked"),
    [
        (masks.mask_name, "张三", "张*"),
        (masks.mask_name, "欧阳娜娜", "欧***"),
        (masks.mask_name, " 李 ", "*"),
        (masks.mask_name, "", ""),
        (masks.mask_id_number, "360423198001012216", "360423********2216"),
        (masks.mask_id_number, "360423800101221", "360423*****1221"),
        (masks.mask_id_number, "E12345678", "E1*****78"),
        (masks.mask_id_number, "1234567", "*******"),
        (masks.mask_phone, "19912346915", "199****6915"),
        (masks.mask_phone, "+86 199 1234 6915", "199****6915"),
        (masks.mask_phone, "0792-2781234", "079****1234"),
        (masks.mask_phone, "27812345", "****2345"),
        (masks.mask_phone, "2781234", "*******"),
        (masks.mask_address, "石渡村3组12号", "石渡村*组***"),
        (masks.mask_address, "石渡乡石渡村", "石渡乡石渡村"),
        (masks.mask_address, "十二组八号", "*组***"),
        (masks.mask_address, "12号", "***"),
        (masks.mask_address, "", ""),
    ],
)
def test_masks(mask: object, value: str, masked: str) -> None:
    assert callable(mask)
    assert mask(value) == masked


@given(st.text(alphabet="0123456789Xx", min_size=1, max_size=30))
def test_numbers_are_never_shown_whole(number: str) -> None:
    for masked in (masks.mask_id_number(number), masks.mask_phone(number)):
        assert masked != number
        assert sum(character != "*" for character in masked) <= 10


@given(st.text(max_size=60))
def test_no_number_survives_in_an_address(address: str) -> None:
    assert not any(character in "0123456789" for character in masks.mask_address(address))


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_large_import_does_not_wait_for_the_vault(cipher: str) -> None:
    person = {
        "name": "欧阳娜娜",
        "id_number": "360423198001012216",
        "phones": ["19912346915"],
        "address": "石渡村3组12号",
    }
    aad = os.urandom(16)
    start = time.process_time()
    for _ in range(5000):
        CIPHERS[cipher].seal(person, aad)
    assert 5000 / (time.process_time() - start) > 20_000


def test_what_was_sealed_before_vault_keys_were_set_opens_afterwards() -> None:
    sealed = vault().seal({"name": "演示"}, b"owner")
    after = vault(f"2026a:{key('a')}")
    assert after.open(sealed, b"owner") == {"name": "演示"}
    assert after.key_of(after.seal({"name": "演示"}, b"owner")) == "2026a"
