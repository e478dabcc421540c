"""The routers of the exchange."""

import toilet_api.exchange.changes.housekeeping  # declares its task
import toilet_api.exchange.sync.housekeeping  # the same
import toilet_api.exchange.uploads.housekeeping  # the same
import toilet_api.exchange.webhooks.housekeeping  # the same
import toilet_api.exchange.webhooks.working  # noqa: F401 - works beside the jobs
from toilet_api.exchange.changes.routes import router as changes
from toilet_api.exchange.exports.routes import router as exports
from toilet_api.exchange.imports.report_routes import router as reports
from toilet_api.exchange.imports.routes import router as imports
from toilet_api.exchange.imports.synonym_routes import router as synonyms
from toilet_api.exchange.sharing.access_routes import router as accesses
from toilet_api.exchange.sharing.request_routes import router as requests
from toilet_api.exchange.sharing.routes import router as datasets
from toilet_api.exchange.sync.conflict_routes import router as conflicts
from toilet_api.exchange.sync.routes import router as sync
from toilet_api.exchange.uploads.routes import router as uploads
from toilet_api.exchange.webhooks.delivery_routes import router as deliveries
from toilet_api.exchange.webhooks.routes import router as webhooks

routers = (
    *(imports, reports, synonyms, uploads, exports, changes, webhooks, deliveries),
    *(datasets, requests, accesses, sync, conflicts),
)
