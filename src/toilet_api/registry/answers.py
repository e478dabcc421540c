"""What the routes of the registry share: who may, and which errors are documented."""

from typing import Annotated

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import DIVISION_ENDED, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    problems,
)
from toilet_api.registry.problems import (
    DUPLICATE_HOUSEHOLD,
    DUPLICATE_ID_NUMBER,
)

Reader = Annotated[Caller, may(Permission.HOUSEHOLD_READ)]
Writer = Annotated[Caller, may(Permission.HOUSEHOLD_WRITE)]
Remover = Annotated[Caller, may(Permission.HOUSEHOLD_REMOVE)]
Restorer = Annotated[Caller, may(Permission.HOUSEHOLD_RESTORE)]
Revealer = Annotated[Caller, may(Permission.PERSON_REVEAL)]
Historian = Annotated[Caller, may(Permission.HISTORY_READ)]

ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)
LIST = problems(*ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID)
ONE = problems(*ALWAYS, NOT_FOUND, INVALID)
PLACE = (OUT_OF_SCOPE, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL, DIVISION_ENDED)
DUPLICATES = (DUPLICATE_ID_NUMBER, DUPLICATE_HOUSEHOLD)
