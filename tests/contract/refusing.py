"""What schemathesis is told of us: refusals of what the document allows, for reasons that no document can know.

Schemathesis would take each of them for a fault (`positive_data_acceptance`). This check lets pass those whose reason
is listed here; any other is a limit that the document can say, and so has to.
"""

import json
import re

import schemathesis
from schemathesis import Case
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response

from toilet_api.kernel.limits import PART_MEDIA

schemathesis.serializer.alias(PART_MEDIA, "application/octet-stream")

FINE = frozenset({401, 403, 404, 409, 429})
"""Who asks, and what stands: schemathesis takes these, too, as no fault of the request."""
_SEALED = {
    "bad_cursor",
    "unknown_value",
    "change_cursor_expired",
    "sync_cursor_expired",
    "change_cursor_scope_changed",
    "match_required",
    "stale",
    "idempotency_mismatch",
}
"""Only what we gave out ourselves will do; and names of `fields`, which the document doesn't say (docs/contract.md)."""
_STANDS = {
    *("unknown_division", "wrong_division_level", "division_ended", "rest_outside", "same_parent", "wrong_parent"),
    *("division_code_taken", "division_name_taken", "not_in_division", "not_below_caller", "outside_holder"),
    *("attachment_unknown", "household_unknown", "toilet_unknown", "problem_unknown", "campaign_unknown"),
    *("assessment_unknown", "user_unknown", "panel_member_unknown", "unknown_client", "item_unknown", "id_taken"),
    *("unknown_code", "retired_code", "unknown_column", "unknown_dimension", "unknown_filter", "member_unclear"),
    *("task_exists", "task_begun", "task_not_ready", "item_missing", "item_dropped", "item_loosened"),
    *("checklist_loosened", "more_than_asked", "not_own_level", "not_yourself", "not_for_this_level", "not_on_panel"),
    *("attachment_kind", "attachment_expected", "signature_missing", "signature_used", "signed_by_another"),
    *("signature_of_another_household", "signature_before_reopening", "not_signed", "household_evidence_at_work"),
    *("problem_done", "problem_elsewhere", "problem_not_open", "problem_not_ready", "survey_unverified"),
    *("in_another_acceptance", "in_another_plan", "other_campaign", "campaign_differs", "nothing_left"),
    *("nothing_passed", "funds_missing", "timetable_missing", "decision_at_toilet", "demands_unanswered"),
    *("scope_not_allowed", "client_cannot_reach", "not_offered", "too_large"),
    *("county_decision_missing", "household_consent_missing", "panel_incomplete", "panel_signature_missing"),
    *("redraw_reason_needed", "webhook_replay_too_wide", "export_too_wide", "export_expired", "upload_content_lost"),
    "no_records",  # of a part of an assessment whose room isn't there yet
}
"""What stands in the county, who has a part in it, its own catalogue of problems, and how the service is set up."""
_DAY = {
    *("too_long_ago", "not_in_the_future", "date_ahead", "due_passed", "due_after_deadline", "year_out_of_range"),
    *("dates_reversed", "limits_reversed", "bad_period", "bad_window", "over", "in_the_future", "in_future"),
    *("checked_before_done", "redo_due_past"),
}
"""The calendar, and which of two values is the larger."""
_CONTENT = {
    *("id_number_length", "id_number_check_digit", "phone_number", "masked_value", "weak_password"),
    *("webhook_target_refused", "bad_span", "id_number_characters", "empty_heading", "bad_checksum"),
    *("image_kind_refused", "range_not_satisfiable", "decimal_parsing", "decimal_max_places", "uuid_parsing"),
    *("image_damaged", "image_too_many_pixels", "upload_checksum_mismatch", "upload_part_too_long"),
    *("import_bad_mapping", "import_bad_csv", "import_bad_ndjson", "import_unknown_format", "import_wrong_encoding"),
    *("import_empty_file", "import_header_not_found", "import_column_missing", "import_column_ambiguous"),
    *("import_nul_bytes", "import_corrupt_workbook", "import_encrypted_workbook", "import_zip_bomb"),
}
"""Checksums, texts that are normalised before they are looked at or are JSON in a form, and files."""
_TOGETHER = {
    *("missing", "value_error", "month_without_year", "code_or_parent", "nothing_to_look_for", "repeated"),
    *("item_repeated", "cause_repeated", "finding_repeated", "problem_repeated", "signature_repeated"),
    *("panel_member_repeated", "role_level", "role_kind", "division_level", "stage_missing", "aspect_missing"),
    *("not_checked", "levels_contradict", "size_contradicts", "outcome_contradicts", "item_contradicts"),
    *("contradiction", "source_unclear", "correction_unexplained", "toilet_problem", "cause_of_another_class"),
    *("bad_token_request", "masked_only", "masked", "purpose", "weights_not_100", "nothing_corrected"),
    *("phase_contradicts", "aspect_contradicts", "passed_contradicts_value", "value_missing", "value_unexpected"),
    *("nobody_present", "one_of", "not_together", "unknown_field", "values_misplaced", "bom_of_csv", "not_failed"),
    *("export_format_unfit", "household_not_asked", "two_kinds_of_evidence"),
    *("method_needs_household", "no_toilet", "finding_missing", "finding_at_demolished", "work_problem_in_visit"),
}
"""One member hangs on another. JSON Schema could say some of these, but generators make unions of it."""
KNOWN = frozenset(_SEALED | _STANDS | _DAY | _CONTENT | _TOGETHER)


_FREE = re.compile(r"^((/items/\d+/changes|/values)(/|$)|/deadline_rules$)")


def _is_free(place: str) -> bool:
    """Members of any name and type as far as the document goes: they are checked by the record that they are of.

    And the names of a map by causes, which a code list says: few generators of clients bear `propertyNames`.
    """
    return _FREE.match(place) is not None


@schemathesis.check
def refused_by_what_stands(_: CheckContext, response: Response, case: Case) -> bool | None:
    """What the document allows is done, or refused for a reason that is listed here."""
    allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if not allowed or response.status_code < 400 or response.status_code >= 500 or response.status_code in FINE:
        return None
    problem = json.loads(response.content)
    faults = [(one["code"], one["pointer"]) for one in problem.get("errors", [])] or [(problem["code"], "")]
    unsaid = sorted({code for code, place in faults if code not in KNOWN and not _is_free(place)})
    if problem["code"] not in KNOWN and unsaid:
        raise AssertionError(f"the document doesn't say: {unsaid}: {response.content.decode()[:600]}")
    return None
