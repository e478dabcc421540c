"""The codes of data sharing, with their Chinese labels."""

from toilet_api.kernel import codes
from toilet_api.kernel.codes import Code, code_list

SHARED_DATASETS = code_list(
    "shared_dataset",
    "共享数据集",
    "Dataset for sharing",
    [
        Code("households", "农户与户厕", "Households with their toilets: a row for each toilet"),
        Code("toilets", "户厕（不含农户个人信息）", "Toilets, without anybody's personal data"),
        Code("visits", "摸排记录", "Survey visits"),
        Code("problems", "问题台账数据", "Problems, with the work on them"),
        Code("tasks", "整改任务", "Rectification tasks"),
        Code("close_outs", "销号记录", "Close-outs"),
        Code("divisions", "区划", "Divisions"),
    ],
)
SHARING_TYPES = code_list(
    "sharing_type",
    "共享类型",
    "Sharing type",
    [
        Code("unconditional", "无条件共享", "Unconditional"),
        Code("on_approval", "有条件共享", "On approval"),
        Code("not_shared", "不予共享", "Not shared"),
    ],
)
SENSITIVITIES = code_list(
    "data_sensitivity",
    "敏感程度",
    "Sensitivity",
    [
        Code("general", "一般", "General"),
        Code("on_duty", "工作人员姓名", "Name of somebody on duty"),
        Code("free_text", "自由文字（可能含个人信息）", "Free text, which may hold personal data"),
        Code("personal", "个人信息（脱敏）", "Personal data, masked"),
        Code("sensitive", "敏感个人信息（脱敏）", "Sensitive personal data, masked"),
    ],
)
UPDATE_FREQUENCIES = code_list(
    "update_frequency",
    "更新周期",
    "Update frequency",
    [
        Code("real_time", "实时", "In real time"),
        Code("daily", "每日", "Daily"),
        Code("weekly", "每周", "Weekly"),
        Code("monthly", "每月", "Monthly"),
        Code("quarterly", "每季度", "Quarterly"),
        Code("yearly", "每年", "Yearly"),
        Code("irregular", "不定期", "Irregularly"),
    ],
)
REQUEST_STATES = code_list(
    "dataset_request_state",
    "共享申请状态",
    "State of a request for data",
    [
        Code("requested", "待答复", "Waits for an answer"),
        Code("approved", "已同意", "Approved"),
        Code("refused", "不同意", "Refused"),
        Code("withdrawn", "已撤回", "Withdrawn"),
    ],
)
GRANT_STATES = code_list(
    "dataset_grant_state",
    "共享授权状态",
    "State of a grant of data",
    [
        Code("active", "有效（以截止日期为限）", "Holds, up to its last day"),
        Code("revoked", "已撤销", "Revoked"),
    ],
)

SharedDataset = codes.field(SHARED_DATASETS)
SharingType = codes.field(SHARING_TYPES)
Sensitivity = codes.field(SENSITIVITIES)
UpdateFrequency = codes.field(UPDATE_FREQUENCIES)
RequestState = codes.field(REQUEST_STATES)
GrantState = codes.field(GRANT_STATES)
