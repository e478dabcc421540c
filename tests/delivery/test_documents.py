"""What the repository says of itself, held to what it is: links, settings, dependencies, targets of make."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from toilet_api.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("build", "runtime", "dev", "clients")


def table(page: str, name: str) -> dict[str, str]:
    """The first column of a marked table to its second, without back-quotes."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", text, re.S)
    assert found
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in found[1].splitlines()[2:]]
    return {row[1]: row[2] for row in rows}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~ ]", one, maxsplit=1)[0].lower() for one in requirements}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_setting_is_explained_with_its_default() -> None:
    shown = table("operations.md", "settings")
    assert list(shown) == [name.upper() for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        if name == "database_owner_url":
            assert shown[name.upper()] == "DATABASE_URL"
        else:
            said = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
            assert shown[name.upper()] == said, name


def test_every_dependency_has_its_reason() -> None:
    assert set(table("dependencies.md", "runtime")) == names(PROJECT["project"]["dependencies"])
    assert set(table("dependencies.md", "development")) == names(PROJECT["dependency-groups"]["dev"])
    assert set(table("dependencies.md", "clients")) == names(PROJECT["dependency-groups"]["clients"])


def test_what_is_imported_at_run_time_is_declared() -> None:
    declared = names(PROJECT["project"]["dependencies"])
    package_of = {
        "PIL": "pillow",
        "argon2": "argon2-cffi",
        "docx": "python-docx",
        "jose": "python-jose",
        "markdown_it": "markdown-it-py",
        "pydantic_core": "pydantic",
        "psycopg_pool": "psycopg",
    }
    ours = {"toilet_api", "migrations"}
    for folder in ("src", "migrations"):
        for file in (ROOT / folder).rglob("*.py"):
            for module in imported(ast.parse(file.read_text())) - set(sys.stdlib_module_names) - ours:
                assert package_of.get(module, module.replace("_", "-")) in declared, (file.name, module)


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_hashes_and_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text
    pinned = re.findall(r"^([a-z0-9._-]+)==\S+(.*)$", text, re.M)
    assert pinned
    assert text.count("--hash=sha256:") >= len(pinned)
    wanted = {
        "build": names(PROJECT["dependency-groups"]["build"]),
        "runtime": names(PROJECT["project"]["dependencies"]),
        "dev": names(PROJECT["project"]["dependencies"]) | names(PROJECT["dependency-groups"]["dev"]),
        "clients": names(PROJECT["dependency-groups"]["clients"]),
    }
    assert wanted[lock] <= {name for name, _ in pinned}


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in said.splitlines()[1:]} == set(phony[1].split())
    assert "PORT=" in said
