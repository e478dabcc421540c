"""How statistics are answered: of this moment, so nobody keeps them."""

from fastapi import Response
from pydantic import BaseModel


def told(shown: BaseModel) -> Response:
    """The answer, written once: thousands of small figures aren't taken apart again on their way."""
    return Response(shown.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})
