"""What time it is, as a dependency: deadlines are compared with today in Shanghai, and tests move the clock."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends

from toilet_api.kernel.fields import now


async def this_moment() -> datetime:
    """Now, in Shanghai time."""
    return now()


Now = Annotated[datetime, Depends(this_moment)]
