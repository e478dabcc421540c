"""The pure rules: ID numbers after GB 11643, and one dwelling, one toilet."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.registry import codes, rules
from toilet_api.registry.rules import CountedCandidate, IdNumberFault, check_id_number, counted_toilet

TODAY = date(2026, 6, 30)

births = st.dates(date(1900, 1, 1), TODAY)
numbers = st.builds(
    lambda province, rest, born, serial: _number(f"{province}{rest:04d}{born:%Y%m%d}{serial:03d}"),
    st.sampled_from(["11", "36", "65"]),
    st.integers(0, 9999),
    births,
    st.integers(0, 999),
)


def _number(first_17: str) -> str:
    return first_17 + rules.id_check_character(first_17)


def test_the_example_of_the_standard() -> None:
    # GB 11643-1999, 4.2: 11010519491231002X
    assert check_id_number("11010519491231002X", TODAY) is None


@given(numbers)
def test_well_formed_numbers_pass(number: str) -> None:
    assert check_id_number(number, TODAY) is None


@given(numbers, st.integers(0, 17), st.sampled_from("0123456789"))
def test_any_single_wrong_digit_is_found(number: str, place: int, digit: str) -> None:
    wrong = number[:place] + digit + number[place + 1 :]
    assert (check_id_number(wrong, TODAY) is None) == (wrong == number)


@given(numbers, st.integers(0, 15))
def test_swapped_neighbours_are_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert (check_id_number(swapped, TODAY) is None) == (swapped == number)


@given(st.text(max_size=24))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    fault = check_id_number(text, TODAY)
    assert fault is None or all(fault.message)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", IdNumberFault.LENGTH),
        ("3604231949123100", IdNumberFault.LENGTH),
        ("360423491231002", IdNumberFault.FIFTEEN_DIGITS),
        ("11010519491231002x", IdNumberFault.CHARACTERS),
        ("１１０１０５１９４９１２３１００２Ｘ", IdNumberFault.CHARACTERS),
        ("1101051949123100٢X", IdNumberFault.CHARACTERS),
        ("99010519491231002X", IdNumberFault.REGION),
        (_number("36042319490231002"), IdNumberFault.BIRTH_DATE),
        (_number("36042320270101002"), IdNumberFault.BIRTH_DATE),
        (_number("36042318000101002"), IdNumberFault.BIRTH_DATE),
        ("110105194912310021", IdNumberFault.CHECK_CHARACTER),
    ],
)
def test_each_fault_has_its_name(number: str, fault: IdNumberFault) -> None:
    assert check_id_number(number, TODAY) is fault


def test_every_mode_has_a_grade() -> None:
    assert set(rules.GRADE_OF_MODE) == {code.code for code in codes.TOILET_MODES}
    assert set(rules.GRADE_OF_MODE.values()) == {code.code for code in codes.TOILET_GRADES}
    assert set(rules.GRADES_ASCENDING) == {code.code for code in codes.TOILET_GRADES}


toilets = st.lists(
    st.builds(
        CountedCandidate,
        id=st.uuids(),
        mode=st.sampled_from(sorted(rules.GRADE_OF_MODE)),
        built_year=st.none() | st.integers(2000, 2026),
        built_month=st.none() | st.integers(1, 12),
        removed=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda toilet: toilet.id,
)


@given(st.sampled_from(["occupied", "vacant", "demolished"]), toilets, st.randoms())
def test_one_dwelling_one_toilet(state: str, given_toilets: list[CountedCandidate], random: object) -> None:
    counted = counted_toilet(state, given_toilets)
    shuffled = list(given_toilets)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counted_toilet(state, shuffled) == counted
    live = [toilet for toilet in given_toilets if not toilet.removed and toilet.mode != "none"]
    assert (counted is None) == (state == "demolished" or not live)
    if counted is not None:
        rank = {toilet.id: rules.GRADES_ASCENDING.index(rules.GRADE_OF_MODE[toilet.mode]) for toilet in live}
        assert rank[counted] == max(rank.values())


def test_among_equals_the_newest_then_the_smallest_id() -> None:
    older = CountedCandidate(UUID(int=1), "full_sewer", 2020)
    newer = CountedCandidate(UUID(int=3), "double_urn", 2024)
    twin = CountedCandidate(UUID(int=2), "three_compartment", 2024)
    better_month = CountedCandidate(UUID(int=9), "double_urn", 2024, 5)
    assert counted_toilet("occupied", [older, newer, twin]) == twin.id
    assert counted_toilet("vacant", [older, newer, twin, better_month]) == better_month.id


def test_years_are_relative_to_today() -> None:
    assert rules.year_fault(2026, TODAY) is None
    assert rules.year_fault(2027, TODAY) == (1926, 2026)
    assert rules.year_fault(-3, TODAY) == (1926, 2026)


@pytest.mark.parametrize(
    ("phone", "fine"),
    [
        ("19900001234", True),
        ("0792-2771234", True),
        ("2771234", True),
        ("12900001234", False),
        ("1990000123", True),
        ("199000012345678", False),
        ("abc", False),
        ("", False),
        ("-", False),
    ],
)
def test_phones(phone: str, fine: bool) -> None:
    assert rules.is_phone(phone) is fine
