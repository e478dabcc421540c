"""What can go wrong with shared data."""

from toilet_api.exchange.sharing.rules import ANSWER_RULE, TYPE_RULE, USE_RULE
from toilet_api.kernel.errors import ProblemType

_ASK = (
    "请先申请（POST /api/v1/dataset-requests），写明字段、用途和法律依据，由县级答复。",
    "Ask for it (POST /api/v1/dataset-requests) with fields, purpose and legal basis; the county answers.",
)

DATASET_NOT_GRANTED = ProblemType(
    "dataset_not_granted",
    403,
    "该数据集未授权给您，或授权的区划不含所查区划",
    "This dataset is not granted to you, or not for that division",
    ANSWER_RULE,
    _ASK,
)
DATASET_FIELD_NOT_GRANTED = ProblemType(
    "dataset_field_not_granted",
    403,
    "所列字段中有未授权的字段",
    "Some of these fields are not granted to you",
    ANSWER_RULE,
    (
        "请只取 expected 所列字段，或另行申请（POST /api/v1/dataset-requests）。",
        "Take the fields in `expected`, or ask for more (POST /api/v1/dataset-requests).",
    ),
)
DATASET_GRANT_EXPIRED = ProblemType(
    "dataset_grant_expired",
    403,
    "该数据集的授权已到期",
    "Your grant of this dataset has expired",
    ANSWER_RULE,
    ("请重新申请（POST /api/v1/dataset-requests）。", "Ask for it again (POST /api/v1/dataset-requests)."),
)
DATASET_GRANT_REVOKED = ProblemType(
    "dataset_grant_revoked",
    403,
    "该数据集的授权已被撤销",
    "Your grant of this dataset was revoked",
    USE_RULE,
    (
        "请向县级了解原因（GET /api/v1/dataset-grants），必要时重新申请。",
        "Learn the reason (GET /api/v1/dataset-grants); ask again where need be.",
    ),
)
DATASET_NOT_SHARED = ProblemType(
    "dataset_not_shared",
    403,
    "该数据集不予共享",
    "This dataset is not shared",
    TYPE_RULE,
    (
        "履职确需使用的，请与县级协商；协商未果由本级共享主管部门协调。",
        "Where your duties need it, negotiate with the county; else its sharing authority decides.",
    ),
)
DATASET_NEEDS_NO_GRANT = ProblemType(
    "dataset_needs_no_grant",
    409,
    "所列字段无条件共享，无须申请",
    "These fields are shared without conditions; no request is needed",
    TYPE_RULE,
    (
        "请直接读取（GET /api/v1/datasets/{dataset}/records）。",
        "Read them (GET /api/v1/datasets/{dataset}/records).",
    ),
)
DATASET_OWN_REQUEST = ProblemType(
    "dataset_own_request",
    403,
    "申请人不能答复自己的共享申请",
    "Who asked for data can't decide on it",
    ANSWER_RULE,
    ("请由县级其他人员答复。", "Leave it to another of the county."),
)
DATASET_NOT_ASKER = ProblemType(
    "dataset_not_asker",
    403,
    "只有申请人或使用方可以撤回共享申请",
    "Only who asked, or is to have it, may withdraw the request",
    ANSWER_RULE,
    ("请由申请人撤回，或由县级答复。", "Leave it to who asked, or have the county answer."),
)
