"""The rules of sharing: both machines against tables written out a second time, and the day an answer is due."""

from datetime import date
from itertools import product

import pytest

from toilet_api.exchange.sharing.codes import GRANT_STATES, REQUEST_STATES
from toilet_api.exchange.sharing.datasets import CATALOGUE
from toilet_api.exchange.sharing.rules import BY_ASKER, DATASET_GRANT, DATASET_REQUEST, NOT_BY_ASKER, answer_due
from toilet_api.kernel.errors import Problem

TABLES = {
    DATASET_REQUEST: {"requested": {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"}},
    DATASET_GRANT: {"active": {"revoke": "revoked"}},
}


def test_a_step_leads_where_the_table_says_or_nowhere() -> None:
    for machine, codes in ((DATASET_REQUEST, REQUEST_STATES), (DATASET_GRANT, GRANT_STATES)):
        assert {one.code for one in codes} == set(machine.states)
        for state, step in product(machine.states, {row.name for row in machine.steps}):
            if step in TABLES[machine].get(state, {}):
                assert machine.next(state, step) == TABLES[machine][state][step]
            else:
                with pytest.raises(Problem, match="wrong_state"):
                    machine.next(state, step)
    manage, asks = {"dataset.manage"}, {"dataset.request"}
    assert DATASET_REQUEST.allowed("requested", manage | asks, [NOT_BY_ASKER]) == ["withdraw"]
    assert DATASET_REQUEST.allowed("requested", manage, [BY_ASKER]) == ["approve", "refuse"]


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23", "2026-12-07"),  # a Monday
        ("2026-11-27", "2026-12-11"),  # a Friday
        ("2026-11-28", "2026-12-11"),  # a Saturday
        ("2026-11-29", "2026-12-11"),  # a Sunday
    ],
)
def test_an_answer_is_due_after_ten_working_days(asked: str, due: str) -> None:
    assert answer_due(date.fromisoformat(asked)) == date.fromisoformat(due)


def test_no_column_about_a_person_or_of_free_text_is_general() -> None:
    for dataset in CATALOGUE.values():
        assert dataset.key is not None
        assert len(dataset.items) > 5
        for name, item in dataset.items.items():
            if dataset.name == "divisions":
                continue
            doubtful = name in ("id_number", "phone", "address", "name") or name.endswith(("_name", "_person"))
            doubtful = doubtful or "note" in name or name in ("description", "measure", "statement", "findings")
            assert item.is_general is not doubtful or name in ("return_reason", "decision", "no_signature_reason"), name
        shown = {name for name, item in dataset.items.items() if item.is_personal}
        assert shown <= {"name", "id_number", "address", "phone", "witness_name"}
    assert set(CATALOGUE["toilets"].items).isdisjoint({"name", "id_number", "address", "phone"})
