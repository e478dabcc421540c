"""The routers of the exchange."""

import toilet_api.exchange.uploads.housekeeping  # noqa: F401 - declares its task
from toilet_api.exchange.exports.routes import router as exports
from toilet_api.exchange.imports.report_routes import router as reports
from toilet_api.exchange.imports.routes import router as imports
from toilet_api.exchange.imports.synonym_routes import router as synonyms
from toilet_api.exchange.uploads.routes import router as uploads

routers = (imports, reports, synonyms, uploads, exports)
