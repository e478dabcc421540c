"""The county's formula and the first ranking of its townships, both published."""

from toilet_api.demonstration.stage import API, Stage, checked


async def rank(stage: Stage, county: str) -> None:
    """Published as they are: the weights are those that the product begins with, and say that no rule sets them."""
    admin = await stage.as_("county_admin")
    (campaign,) = checked(await admin.get(f"{API}/campaigns", params={"state": "open"}))["items"]
    start = checked(await admin.get(f"{API}/assessment-formulas/default"))
    of_county = {"division_code": county, "campaign_id": campaign["id"]}
    terms = {name: start[name] for name in ("weights", "shrinkage", "falsification_points", "lists", "source")}
    body = {**of_county, "name": "考核办法（演示）", **terms}
    formula = checked(await admin.post(f"{API}/assessment-formulas", json=body))
    checked(await admin.post(f"{API}/assessment-formulas/{formula['id']}/publish"))
    drawn = checked(await admin.post(f"{API}/assessments", json={**of_county, "name": "阶段考核（演示）"}))
    checked(await admin.post(f"{API}/assessments/{drawn['id']}/publish"))
