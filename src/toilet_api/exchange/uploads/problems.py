"""What can go wrong with a resumable upload."""

from toilet_api.kernel.errors import ProblemType

_RULE = "接口约定：断点续传（docs/uploads.md）"

OFFSET_MISMATCH = ProblemType(
    "upload_offset_mismatch",
    409,
    "Upload-Offset 与已存字节数不同",
    "Upload-Offset is not where the stored bytes end",
    _RULE,
    ("请从答复中的 offset 处继续发送。", "Go on from the offset that the answer names."),
)
CHECKSUM_MISMATCH = ProblemType(
    "upload_checksum_mismatch",
    422,
    "内容与校验和不符，未保留",
    "The content does not match its checksum; nothing of it was kept",
    _RULE,
    (
        "请重发这一部分；整个文件不符时请取消后重传。",
        "Send the part again; if it is the whole file, cancel and begin anew.",
    ),
)
PART_TOO_LONG = ProblemType(
    "upload_part_too_long",
    422,
    "这一部分超出了声明的文件大小，未保留",
    "The part reaches beyond the size that was declared; nothing of it was kept",
    _RULE,
    ("请核对 size_bytes；不符时取消后重传。", "Check size_bytes; if it is wrong, cancel and begin anew."),
)
NOT_COMPLETE = ProblemType(
    "upload_not_complete",
    409,
    "上传尚未完成",
    "The upload is not complete",
    _RULE,
    ("请先传完全部内容，再使用。", "Send the rest of it first, then use it."),
)
CONTENT_LOST = ProblemType(
    "upload_content_lost",
    410,
    "已存的内容已丢失，不能继续",
    "What was stored is lost; the upload can't go on",
    _RULE,
    ("请新建上传，从头发送。", "Begin a new upload, from its first byte."),
)
TOO_MANY_OPEN = ProblemType(
    "upload_too_many_open",
    409,
    "未完成的上传过多",
    "Too many uploads are open",
    _RULE,
    ("请先传完或取消已有的上传。", "Complete or cancel some of them first."),
)
