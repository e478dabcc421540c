"""Every dataset by its name, and the formats that it comes in."""

from toilet_api.exchange.exports.catalogue import EXPORT_DATASETS
from toilet_api.exchange.exports.datasets import Dataset
from toilet_api.exchange.exports.forms import PROBLEM_LEDGER, RECTIFICATION_LEDGER, SURVEY_FORM
from toilet_api.exchange.exports.households import HOUSEHOLDS
from toilet_api.exchange.exports.others import CLOSE_OUTS, DIVISIONS, USERS
from toilet_api.exchange.exports.surveyed import PROBLEMS, VISITS

_TABLES = (HOUSEHOLDS, VISITS, PROBLEMS, CLOSE_OUTS, USERS, DIVISIONS)
_PRINTED = (SURVEY_FORM, PROBLEM_LEDGER, RECTIFICATION_LEDGER)
DATASETS: dict[str, Dataset] = {one.name: one for one in (*_TABLES, *_PRINTED)}
TO_BE_PRINTED = frozenset(one.name for one in _PRINTED)
"""The official tables: workbooks for paper, see `official`."""
_ANY = ("csv", "xlsx", "ndjson", "parquet")
FORMATS: dict[str, tuple[str, ...]] = {name: ("xlsx",) if name in TO_BE_PRINTED else _ANY for name in DATASETS}
FILTERS_ZH = "\n".join(
    f"* `{name}` {EXPORT_DATASETS.label(name)}: {', '.join(f'`{one}`' for one in sorted(dataset.filters)) or '—'}"
    for name, dataset in DATASETS.items()
)
