"""How figures are written: nothing is rounded into something else."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toilet_api.reporting.documents.official import TITLE_CHARACTERS, title_lines
from toilet_api.reporting.documents.wording import Share, change, minute, numeral, points, yuan


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_reads_all_or_nothing_only_where_it_is(part: int, whole: int) -> None:
    part = min(part, whole)
    shown = str(Share(part, whole))
    if whole == 0:
        assert shown == "—"
        return
    assert (shown == "100.0%") == (part == whole)
    assert (shown == "0.0%") == (part == 0)
    number = Fraction(shown.removesuffix("%"))
    assert 0 <= number <= 100
    decimals = len(shown.removesuffix("%").partition(".")[2])
    assert decimals >= 1
    assert abs(number - Fraction(100 * part, whole)) <= Fraction(1, 2 * 10**decimals)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (Share(1, 3), "33.3%"),
        (Share(2, 3), "66.7%"),
        (Share(1, 800), "0.1%"),
        (Share(1, 16), "6.3%"),
        (Share(9999, 10_000), "99.99%"),
        (Share(1, 10**7), "0.00001%"),
        (Share(3, 2), "150.0%"),
    ],
)
def test_shares_round_half_up(share: Share, shown: str) -> None:
    assert str(share) == shown


def test_differences_and_money_and_numbers_of_headings() -> None:
    assert [change(3, 1), change(1, 3), change(2, 2)] == ["增加2", "减少2", "持平"]
    assert points(Share(3, 4), Share(1, 2)) == "提高25.0个百分点"
    assert points(Share(1, 3), Share(1, 2)) == "下降16.7个百分点"
    assert points(Share(5001, 10_000), Share(1, 2)) == "提高0.01个百分点"
    assert points(Share(1, 2), Share(2, 4)) == "持平"
    assert points(Share(0, 0), Share(1, 2)) == "无可比数"
    assert [yuan(0), yuan(100), yuan(5), yuan(1_000_000), yuan(1_234_567)] == [
        *("0元", "1元", "0.05元", "1万元", "12345.67元")
    ]
    assert [numeral(n) for n in (1, 10, 11, 20, 21, 99)] == ["一", "十", "十一", "二十", "二十一", "九十九"]
    with pytest.raises(ValueError, match="numbered"):
        numeral(100)
    assert minute(datetime(2026, 7, 24, 16, 5, tzinfo=UTC)) == "2026年7月25日0时05分"


@example("0" * 38)
@given(st.text("关于武宁县农村户厕问题摸排整改情况的报告2026年第30周（）", min_size=1, max_size=80))
def test_a_title_keeps_every_character(title: str) -> None:
    lines = title_lines(title)
    assert "".join(lines) == title
    assert all(0 < len(line) <= TITLE_CHARACTERS for line in lines)
