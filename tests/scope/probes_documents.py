"""Documents: of the reports of one's own division; the final report only for those who see the whole county."""

from httpx import Response

from tests.scope.furnish_reports import AT
from tests.scope.places import COUNTIES
from tests.scope.probe import Call, Kind, Probe


def _is_a_page(_: Call, answer: Response) -> bool:
    return answer.text.startswith("<!doctype html>") and "农村户厕问题" in answer.text


PROBES = [
    Probe("get_report_document", Kind.RECORD, at=AT, record="drawn report", check=_is_a_page),
    Probe("get_final_report", Kind.RECORD, at=COUNTIES, record="open campaign", check=_is_a_page),
]
