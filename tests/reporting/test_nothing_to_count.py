"""Where nothing is recorded every figure, page and document says so: a dash or null, no rate of nothing, no failure."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.reporting.assessment.made import COUNTY, published_formula
from tests.reporting.dashboard import pages
from tests.reporting.documents.reading import page_text, parts_of, sheets, word_text
from tests.reporting.reports.made import FRIDAY, MONDAY, at, begun, it_is, report, step
from tests.survey.made import API, campaign, ok
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]
VILLAGE_OF_NONE = "360423208203"
NO_FIGURE = re.compile(r"nan|inf\b|none|null|undefined|#div|(?<!要求)(?<![\d.])\d+(\.\d+)?%", re.IGNORECASE)
RATE = re.compile(r"rate|score|share|median_days|_coverage$|_strength$")


def rates(value: Any, name: str = "") -> list[Any]:
    """Every rate in an answer."""
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in rates(inner, key)]
    if isinstance(value, list):
        return [one for inner in value for one in rates(inner, name)]
    return [value] if RATE.search(name) else []


def told(answer: Any) -> str:
    """The text of a document, whatever it is."""
    kind = answer.headers["content-type"]
    if "html" in kind:
        return page_text(answer.content)
    if "word" in kind:
        return word_text(answer.content)
    values = [f"{value}" for rows in sheets(answer.content).values() for row in rows for value in row if value]
    return "\n".join([*values, *(part for part in parts_of(answer.content).values() if "#DIV" in part)])


@pytest.mark.parametrize("is_open", [False, True])
def test_a_campaign_without_any_record(as_: As, app: FastAPI, database: Database, is_open: bool) -> None:
    admin, city = as_("county_admin"), as_("city_inspector")
    one = begun(admin, database)["id"] if is_open else campaign(admin, is_open=False)["id"]
    here = {"division": COUNTY, "campaign_id": one}
    questions: list[tuple[TestClient, str, dict[str, Any]]] = [
        (admin, "statistics", {**here, "children": True}),
        (admin, "statistics", {"division": VILLAGE_OF_NONE, "denominator": "with_toilet"}),
        (city, "statistics", {"children": True}),
        (admin, "statistics/trend", {**here, "since": "2020-01-01", "until": "2020-01-03"}),
        (admin, "statistics/table", {**here, "group_by": ["division", "cause"]}),
        (admin, "statistics/centres", {}),
        (admin, "statistics/map", {}),
        (admin, f"campaigns/{one}/summary", {}),
        (admin, "assessments/preview", here),
    ]
    for client, path, params in questions:
        answer = client.get(f"{API}/{path}", params=params)
        assert answer.status_code == 200, (path, answer.text)
        found = json.loads(answer.text, parse_constant=lambda constant: pytest.fail(constant))
        assert set(rates(found)) <= {None}, path
    if is_open:
        weights = published_formula(admin, one)["weights"]
        body = {"division_code": COUNTY, "campaign_id": one, "weights": weights}
        tried = ok(admin.post(f"{API}/assessments/simulate", json=body))
        assert {unit["simulated_score"] for unit in tried["units"]} == {None}
    for form in ("html", "docx", "xlsx"):
        text = told(admin.get(f"{API}/campaigns/{one}/final-report", params={"format": form}))
        assert NO_FIGURE.search(text) is None, (form, NO_FIGURE.search(text))
        assert "普及率—" in text
        assert "尚未登记问题" in text
        assert "全部销号" not in text.replace("全部问题已销号", "")
        assert "见下表" not in text
    text = pages.get(pages.viewer(admin, "county_admin"))
    seen = "".join(pages.tree(text).xpath("//main//text()[not(ancestor::style)]"))
    assert NO_FIGURE.search(seen) is None, NO_FIGURE.search(seen)


def test_a_period_in_which_nothing_was_handed_in(as_: As, app: FastAPI, database: Database) -> None:
    admin = as_("county_admin")
    begun(admin, database, MONDAY)
    with it_is(app, at(FRIDAY)):
        one = step(admin, report(admin, kind="weekly", level="county"), "draw")
        step(admin, one, "draw", reason="重新汇总")
    difference = ok(admin.get(f"{API}/reports/{one['id']}/difference", params={"to_edition": 1}))
    assert {one["difference"] for one in difference["items"]} == {0, None}
    for kind in ("bulletin", "notification"):
        for form in ("html", "docx", "xlsx"):
            answer = admin.get(f"{API}/reports/{one['id']}/document", params={"kind": kind, "format": form})
            text = told(answer)
            assert NO_FIGURE.search(text) is None, (kind, form, NO_FIGURE.search(text))
            assert "销号率—" in text
            assert "全部销号" not in text
