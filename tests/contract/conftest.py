"""The document, built without a database."""

import json
from typing import Any

import pytest

from toilet_api.app import create_app
from toilet_api.settings import Settings


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    app = create_app(Settings(database_url="postgresql://nowhere/none", secret_key="only-for-the-document-" * 2))
    app.state.database.dispose()
    return json.loads(json.dumps(app.openapi()))  # type: ignore[no-any-return]
