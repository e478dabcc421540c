"""What the routes of rectification share: who may. Errors and headers are those of the survey's `answers`."""

from typing import Annotated

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission

PlanReader = Annotated[Caller, may(Permission.PLAN_READ)]
Planner = Annotated[Caller, may(Permission.PLAN_WRITE)]
PlanApprover = Annotated[Caller, may(Permission.PLAN_APPROVE)]
TaskReader = Annotated[Caller, may(Permission.TASK_READ)]
TaskManager = Annotated[Caller, may(Permission.TASK_MANAGE)]
TaskWorker = Annotated[Caller, may(Permission.TASK_WORK)]
Postponer = Annotated[Caller, may(Permission.TASK_POSTPONE)]
AcceptanceReader = Annotated[Caller, may(Permission.ACCEPTANCE_READ)]
AcceptanceHolder = Annotated[Caller, may(Permission.ACCEPTANCE_DECIDE)]
ChecklistKeeper = Annotated[Caller, may(Permission.CHECKLIST_MANAGE)]
