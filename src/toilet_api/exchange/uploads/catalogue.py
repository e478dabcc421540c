"""The states of an upload."""

from toilet_api.kernel.codes import Code, code_list

UPLOAD_STATES = code_list(
    "upload_state",
    "上传状态",
    "State of an upload",
    [
        Code("open", "上传中", "parts are awaited"),
        Code("complete", "已传完", "all of it is stored; an import can read it"),
        Code("cancelled", "已取消", "cancelled; what was stored goes away"),
    ],
)
