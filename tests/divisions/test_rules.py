"""How codes are built."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.divisions import rules


@pytest.mark.parametrize(
    ("parent", "taken", "like", "free"),
    [
        ("360423208", [], None, "360423208200"),
        ("360423208", ["360423208200", "360423208207"], None, "360423208208"),
        ("360423208", [], "360423500001", "360423208001"),
        ("360423208", ["360423208001", "360423208003"], "360423500001", "360423208004"),
        ("360423208", ["360423208399"], "360423500399", "360423208200"),
        ("360423208", [f"360423208{n}" for n in range(200, 400)], None, None),
        ("360423", ["360423100"], "360424100", "360423101"),
        ("3604", ["360423"], "360123", "360424"),
        ("36", [], None, "3601"),
    ],
)
def test_free_codes(parent: str, taken: list[str], like: str | None, free: str | None) -> None:
    assert rules.free_code(parent, taken, like) == free


@given(st.sets(st.integers(0, 999)), st.integers(0, 999))
def test_a_free_code_is_free_and_of_the_same_kind(used: set[int], wanted: int) -> None:
    taken = [f"360423208{n:03d}" for n in used]
    found = rules.free_code("360423208", taken, f"360423500{wanted:03d}")
    if found is None:
        assert wanted in used
        return
    assert found not in taken
    assert rules.parent_of(found) == "360423208"
    assert (int(found[-3:]) // 200 > 1) == (wanted // 200 > 1)


def test_parents_levels_and_prefixes() -> None:
    assert rules.prefixes_of("360423208202") == ["36", "3604", "360423", "360423208", "360423208202"]
    assert [rules.parent_of(code) for code in rules.prefixes_of("360423208202")] == [
        None, "36", "3604", "360423", "360423208",
    ]  # fmt: skip
    assert not any(rules.is_code(text) for text in ("", "3", "360", "36042", "３６", "36a4", "3604232082021"))
