"""The document that is kept is never that of other code."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.contract.reading import Json
from toilet_api import kept_document
from toilet_api.kept_document import kept


def began(monkeypatch: pytest.MonkeyPatch, when: float) -> None:
    monkeypatch.setattr(kept_document.psutil, "Process", lambda: SimpleNamespace(create_time=lambda: when))


def test_the_document_is_kept_for_the_very_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, data, made = tmp_path / "code", tmp_path / "data", []
    (code / "room").mkdir(parents=True)
    file = code / "room" / "routes.py"
    file.write_text("one = 1")

    def asked() -> Json:
        return kept(data, lambda: made.append(1) or {"made": len(made)}, here=code)  # type: ignore[func-returns-value]

    began(monkeypatch, time.time() + 60)
    assert [asked(), asked()] == [{"made": 1}, {"made": 1}]
    file.write_text("one = 2")
    assert [asked(), asked()] == [{"made": 2}, {"made": 2}]
    (code / "room" / "rules.py").write_text("")
    assert asked() == {"made": 3}
    assert len(list((data / "openapi").iterdir())) == 1, "what was made of other code is gone"
    began(monkeypatch, time.time() - 60)
    assert [asked(), asked()] == [{"made": 4}, {"made": 5}], "the process may run what the files said before"


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began(monkeypatch, time.time() + 60)
    (tmp_path / "openapi").write_text("no folder")
    assert kept(tmp_path, lambda: {"made": 1}, here=tmp_path) == {"made": 1}
