"""How a year is read."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.exchange.cells import TODAY, reasons
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.year_rules import read_year


@pytest.mark.parametrize(
    ("cell", "year", "month"),
    [
        ("2024", 2024, None),
        ("2024年", 2024, None),
        ("2024年底前", 2024, None),
        ("24年", 2024, None),
        (2024.0, 2024, None),
        ("2025.0", 2025, None),
        ("2025/6", 2025, 6),
        ("2025年6月", 2025, 6),
        ("二〇二五年", 2025, None),
        ("二零二四年", 2024, None),
        ("二○二四年", 2024, None),
        (45413.0, 2024, 5),
        ("45413", 2024, 5),
        (date(2024, 5, 1), 2024, 5),
        (datetime(2024, 5, 1, 8, tzinfo=UTC), 2024, 5),
        ("2024.6", 2024, 6),
        (2024.6, 2024, 6),
        (2024.1, 2024, None),
        ("2024.10", 2024, 10),
        ("2024-05-01", 2024, 5),
        ("2024-05-01 00:00:00", 2024, 5),
        ("２０２４年", 2024, None),
        ("2024年度", 2024, None),
        ("2024年下半年", 2024, None),
        ("20240501", 2024, 5),
        ("202405", 2024, 5),
        (202405.0, 2024, 5),
        ("2024 年 6 月", 2024, 6),
        ("2024年11月底", 2024, 11),
        ("一九九八年", 1998, None),
        ("98年", 1998, None),
        ("二〇二四年十二月", 2024, 12),
        ("2024年2月29日", 2024, 2),
        ("2024年6月15日前", 2024, 6),
        (24, 2024, None),
        ("24年6月", 2024, 6),
        ("24.5", 2024, 5),
        (24.5, 2024, 5),
        ("24-5", 2024, 5),
        (24.1, 2024, None),
        ("二〇二四", 2024, None),
        ("二零二四", 2024, None),
        ("'2024", 2024, None),
        ("2024年新建", 2024, None),
        ("2024年第二批", 2024, None),
        ("2024年（上半年）", 2024, None),
        ("2024（已完成）", 2024, None),
        ("建于2024年", 2024, None),
        ("2024年。", 2024, None),
        ("2024年2-3月", 2024, None),
        ("2024年5月1日至6月1日", 2024, None),
        ("5/31/2024", 2024, 5),
        ("31/5/2024", 2024, 5),
        ("5/6/2024", 2024, None),
        ("5/5/2024", 2024, 5),
    ],
)
def test_years_that_are_read(cell: Any, year: int, month: int | None) -> None:
    findings = Findings()
    assert read_year(findings, Place("year"), cell, TODAY) == (year, month)
    assert not findings.faults


@pytest.mark.parametrize(
    "cell",
    [
        "去年",
        "前年",
        "今年",
        "-2024",
        -2024,
        "2024年2月31日",
        "2023年2月29日",
        "2024-13",
        "2023-2024",
        "2023、2024",
        "2023年至2024年",
        "2031",
        "1824",
        "0",
        "2024年前",
        "三年",
        "二十四",
        "abc",
        2024.55,
        2024.13,
        float("inf"),
        float("nan"),
        True,
        "2024年2025年",
        "1",
        "99999",
        "2027",
        "2024 5",
        "20245",
        20245,
        "12.5",
        "24.13",
        "2/30/2024",
        "13/13/2024",
        "约2024年（2023年）",
        "2024年11-13月",
        1e300,
    ],
)
def test_years_that_are_refused(cell: Any) -> None:
    findings = Findings()
    assert read_year(findings, Place("year"), cell, TODAY) == (None, None)
    assert reasons(findings) == ["bad_year"]
