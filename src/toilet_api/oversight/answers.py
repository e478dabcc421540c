"""What the routes of oversight share: who may. Errors and headers are those of the survey's `answers`."""

from typing import Annotated

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission

SampleReader = Annotated[Caller, may(Permission.SAMPLE_READ)]
Inspector = Annotated[Caller, may(Permission.SAMPLE_MANAGE)]
