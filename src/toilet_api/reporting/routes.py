"""The routers of reporting."""

import toilet_api.reporting.reports.clock  # declares its task
import toilet_api.reporting.statistics.folding  # noqa: F401 - works beside the jobs
from toilet_api.reporting.assessment.routes import routers as assessment
from toilet_api.reporting.documents.routes import router as documents
from toilet_api.reporting.reports.record_routes import router as report_records
from toilet_api.reporting.reports.routes import router as reports
from toilet_api.reporting.reports.step_routes import router as report_steps
from toilet_api.reporting.statistics.map_routes import router as maps
from toilet_api.reporting.statistics.routes import router as statistics
from toilet_api.reporting.statistics.summary_routes import router as summaries

routers = (summaries, statistics, maps, reports, report_steps, report_records, documents, *assessment)
