"""The table of roles: complete, consistent, shown, documented."""

from pathlib import Path

import pytest

from toilet_api.accounts.permissions import PERMISSION_LABELS, ROLES, Permission, Role
from toilet_api.accounts.roles_document import document
from toilet_api.accounts.rules import Grant, permissions_at, powers

DOCS = Path(__file__).parents[2] / "docs"
_SHOWING = {Permission.EXPORT_CREATE, Permission.WEBHOOK_MANAGE}
WRITES = {one for one in Permission if one.split(".")[1] not in ("read", "reveal", "trace")} - _SHOWING
"""An export and a webhook show what may be read, and change no record."""


def test_every_role_and_permission_is_described() -> None:
    assert set(ROLES) == set(Role)
    assert set(PERMISSION_LABELS) == set(Permission)
    assert all(rule.levels and rule.permissions and rule.rule for rule in ROLES.values())


def test_every_permission_is_held_by_someone() -> None:
    assert set().union(*(rule.permissions for rule in ROLES.values())) == set(Permission)


def test_whoever_manages_may_manage_accounts_and_the_reverse() -> None:
    for rule in ROLES.values():
        assert bool(rule.manages) == (Permission.ACCOUNT_MANAGE in rule.permissions)


def test_nobody_manages_his_own_role_or_one_above() -> None:
    for role, rule in ROLES.items():
        assert role not in rule.manages
        for managed in rule.manages:
            assert role not in ROLES[managed].manages
            if ROLES[managed].kind == "person":
                assert max(ROLES[managed].levels) >= min(rule.levels)


def test_auditors_and_inspectors_write_nothing() -> None:
    assert not ROLES[Role.AUDITOR].permissions & WRITES
    for role in (Role.PROVINCE_INSPECTOR, Role.CITY_INSPECTOR):
        # Whoever checks on site brings photos; and asks the county for data that a system is to have.
        checks = {Permission.SAMPLE_MANAGE, Permission.ATTACHMENT_WRITE, Permission.DATASET_REQUEST}
        reports = {
            Permission.REPORT_SUBMIT,
            Permission.REPORT_RECEIVE,
        }  # 调度: of their own level, and of the one below
        ranks = {Permission.ASSESSMENT_MANAGE, Permission.CALL_IN_MANAGE}  # 考核排名、约谈 of the counties
        assert ROLES[role].permissions & WRITES == {Permission.ACCOUNT_MANAGE} | checks | reports | ranks


def test_only_the_county_reveals_persons() -> None:
    assert [role for role, rule in ROLES.items() if Permission.PERSON_REVEAL in rule.permissions] == [Role.COUNTY_ADMIN]


@pytest.mark.parametrize(
    ("manager", "grant", "scopes", "expected"),
    [
        (("county_admin", "360423"), ("township_manager", "360423208"), None, True),
        (("county_admin", "360423"), ("village_surveyor", "360423208202"), None, True),
        (("county_admin", "360423"), ("county_reviewer", "360423"), None, True),
        (("county_admin", "360423"), ("county_admin", "360423"), None, False),
        (("county_admin", "360423"), ("auditor", "360423"), None, False),
        (("county_admin", "360423"), ("township_manager", "360424208"), None, False),
        (("township_manager", "360423208"), ("village_surveyor", "360423208202"), None, True),
        (("township_manager", "360423208"), ("village_surveyor", "360423500201"), None, False),
        (("township_manager", "360423208"), ("township_manager", "360423208"), None, False),
        (("city_inspector", "3604"), ("county_admin", "360423"), None, True),
        (("city_inspector", "3604"), ("auditor", "360423"), None, True),
        # An auditor holds audit.read, which the city inspector does not: strictly below only.
        (("city_inspector", "3604"), ("auditor", "3604"), None, False),
        (("city_inspector", "3604"), ("city_inspector", "3604"), None, False),
        (("province_inspector", "36"), ("city_inspector", "3604"), None, True),
        (("province_inspector", "36"), ("county_admin", "360423"), None, True),
        (("county_admin", "360423"), ("integration_client", "360423"), {"household.read", "import.create"}, True),
        (("province_inspector", "36"), ("integration_client", "36"), {"household.read"}, True),
        # A system's secret passes its maker's hands: never a scope that he lacks, at whatever level.
        (("province_inspector", "36"), ("integration_client", "360423"), {"import.create"}, False),
        (("village_surveyor", "360423208202"), ("village_surveyor", "360423208202"), None, False),
    ],
)
def test_who_manages_whom(
    manager: tuple[str, str], grant: tuple[str, str], scopes: set[str] | None, expected: bool
) -> None:
    mine = powers([Grant(Role(manager[0]), manager[1])])
    assert any(power.covers(Grant(Role(grant[0]), grant[1]), scopes) for power in mine) is expected


def test_permissions_lie_where_the_grant_lies() -> None:
    grants = [Grant(Role.VILLAGE_SURVEYOR, "360423208202"), Grant(Role.AUDITOR, "360423")]
    assert "visit.write" in permissions_at(grants, "360423208202")
    assert "visit.write" not in permissions_at(grants, "360423208203")
    assert "audit.read" in permissions_at(grants, "360423208203")
    assert permissions_at(grants, "360424") == set()
    assert permissions_at(grants, "360423208202", {"visit.read"}) == {"visit.read"}


def test_roles_are_shown_to_everyone_who_is_logged_in(client, as_) -> None:
    assert client.get("/api/v1/roles").status_code == 401
    answer = as_("village_surveyor").get("/api/v1/roles")
    assert answer.status_code == 200
    shown = {one["code"]: one for one in answer.json()["items"]}
    assert set(shown) == set(Role)
    assert shown["township_manager"]["manages"] == ["village_surveyor"]
    assert shown["village_surveyor"]["levels"] == [5]
    assert {one["code"] for one in answer.json()["permissions"]} == set(Permission)


def test_the_page_of_roles_is_fresh() -> None:
    page = (DOCS / "roles.md").read_text(encoding="utf-8")
    assert page == document(), "run: python -m toilet_api.accounts.roles_document > docs/roles.md"
