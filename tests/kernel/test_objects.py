"""The object store: whole or not at all, the same content once, no way out of its folder."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toilet_api.kernel.errors import Problem
from toilet_api.kernel.objects import MissingObjectError, ObjectStore
from toilet_api.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(Settings(secret_key="x" * 40, data_dir=tmp_path))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["bytes", "stream", "blocks"])
def test_content_comes_back_under_its_hash(store: ObjectStore, form: str) -> None:
    content = bytes(range(256)) * 9000
    source = {"bytes": content, "stream": io.BytesIO(content), "blocks": iter([content[:7], content[7:]])}[form]
    sha256 = store.put(source)
    assert sha256 == hashlib.sha256(content).hexdigest()
    with store.open(sha256) as file:
        assert file.read() == content
    assert store.size(sha256) == len(content)
    assert store.path(sha256).parts[-3:] == (sha256[:2], sha256[2:4], sha256)


def test_the_same_content_is_one_object(store: ObjectStore, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        hashes = set(threads.map(lambda _: store.put(b"a photo"), range(40)))
    assert len(hashes) == 1
    assert len(files(tmp_path)) == 1


def test_too_much_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        store.put(iter([b"12345", b"67890"]), limit=9)
    assert refused.value.type.code == "too_large"
    assert refused.value.extensions == {"limit_bytes": 9}
    assert files(tmp_path) == []
    assert store.size(store.put(b"123456789", limit=9)) == 9


def test_a_source_that_breaks_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put(broken())
    assert files(tmp_path) == []


def test_missing_and_deleted(store: ObjectStore) -> None:
    sha256 = store.put(b"x")
    assert store.exists(sha256)
    store.delete(sha256)
    store.delete(sha256)
    assert not store.exists(sha256)
    for ask in (store.open, store.size):
        with pytest.raises(MissingObjectError):
            ask(sha256)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_hashes_are_names(store: ObjectStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        store.open(name)
