"""What can go wrong with an import of records as a whole."""

from toilet_api.kernel.errors import ProblemType

IMPORTER_INACTIVE = ProblemType(
    "importer_inactive",
    403,
    "上传人的账号已锁定或删除，没有写入任何记录",
    "The account of whoever uploaded the file is locked or removed; nothing was written",
    "接口约定：导入以上传人的身份和权限执行",
    ("请由有权限的在岗人员重新上传。", "Have somebody upload it again whose account is active."),
)
