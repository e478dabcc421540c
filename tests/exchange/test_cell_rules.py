"""What holds for every rule: none raises, none cuts off, none tells of a person."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.cells import ID, TODAY
from toilet_api.exchange.ledgers.circumstance_rules import read_dwelling_state, read_family_size, read_leader
from toilet_api.exchange.ledgers.findings import Findings, Place, masked
from toilet_api.exchange.ledgers.identity_rules import read_id, read_name
from toilet_api.exchange.ledgers.mode_rules import read_modes
from toilet_api.exchange.ledgers.money_rules import read_money
from toilet_api.exchange.ledgers.phone_rules import read_phones
from toilet_api.exchange.ledgers.year_rules import read_year
from toilet_api.registry.codes import TOILET_MODES
from toilet_api.registry.rules import check_id_number

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.text(alphabet="三格双瓮水冲、;（）年月日0123456789.-/ xX年底前去二〇零万元,", max_size=20),
)


def test_reports_show_no_personal_data() -> None:
    findings = Findings()
    read_id(findings, Place("id"), f"{ID[:6]} {ID[6:]}", TODAY, column_was_cut=False)
    read_name(findings, Place("name"), "张 三丰")
    read_phones(findings, Place("phone"), "19900001234 19900001235")
    read_year(findings, Place("year"), ID, TODAY)
    shown = repr(findings)
    assert ID not in shown
    assert "三丰" not in shown
    assert "19900001234" not in shown
    assert masked("note", f"他的号码是{ID}").count("*") > 8


@given(CELLS)
def test_no_cell_breaks_a_rule(cell: Any) -> None:
    """Each rule either takes a cell whole, or says why not; none raises."""
    findings = Findings()
    year, month = read_year(findings, Place("year"), cell, TODAY)
    assert year is None or 1926 <= year <= 2026
    assert month is None or (year is not None and 1 <= month <= 12)
    modes = read_modes(findings, Place("mode"), cell)
    assert all(mode in TOILET_MODES for mode in modes)
    number = read_id(findings, Place("id"), cell, TODAY, column_was_cut=False)
    assert number is None or check_id_number(number, TODAY) is None
    fen = read_money(findings, Place("subsidy"), cell, None)
    assert fen is None or 0 <= fen <= 10**12
    assert len(read_phones(findings, Place("phone"), cell)) <= 3
    read_leader(findings, Place("led_by"), cell)
    read_name(findings, Place("name"), cell)
    read_dwelling_state(findings, Place("dwelling_state"), cell)
    people = read_family_size(findings, Place("family_size"), cell)
    assert people is None or 0 <= people <= 50
