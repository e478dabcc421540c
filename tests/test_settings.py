"""The settings that make something: the root secret."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toilet_api.settings import Settings


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    def derive(_: int) -> bytes:
        return Settings(data_dir=tmp_path / "new").secret("tokens")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(derive, range(32)))) == 1
    kept = tmp_path / "new" / "secret_key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.read_bytes()) >= 48
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_each_purpose_has_its_own_key(tmp_path: Path) -> None:
    settings = Settings(secret_key="s" * 32, data_dir=tmp_path)
    assert settings.secret("tokens") != settings.secret("cursor")
    assert settings.secret("tokens") == Settings(secret_key="s" * 32, data_dir=tmp_path).secret("tokens")
