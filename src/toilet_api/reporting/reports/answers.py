"""What the routes of reports share: who may. Errors and headers are those of the survey's `answers`."""

from typing import Annotated

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission

ReportReader = Annotated[Caller, may(Permission.REPORT_READ)]
Submitter = Annotated[Caller, may(Permission.REPORT_SUBMIT)]
Receiver = Annotated[Caller, may(Permission.REPORT_RECEIVE)]
