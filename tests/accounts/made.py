"""What the tests of users share: bodies, lists, the journal of an account."""

from typing import Any

from sqlalchemy import text

from toilet_api.kernel.database import EVERYWHERE, Database

USERS = "/api/v1/users"
REASON = {"reason": "岗位调整"}
COUNTY, TOWNSHIP, VILLAGE, OTHER_TOWNSHIP = "360423", "360423208", "360423208202", "360423500"


def body(username: str, role: str, division: str, **more: Any) -> dict[str, Any]:
    return {"username": username, "display_name": "测试", "grants": [{"role": role, "division_code": division}], **more}


def usernames(reader: Any, **query: Any) -> set[str]:
    return {one["username"] for one in reader.get(USERS, params=query).json()["items"]}


def journal(database: Database, user_id: str) -> list[Any]:
    with database.transaction(EVERYWHERE) as session:
        return list(
            session.connection().execute(
                text("select * from audit_entry where subject_id = :id order by at, id"), {"id": user_id}
            )
        )
