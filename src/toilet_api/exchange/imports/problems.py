"""What can go wrong with an import beside its file."""

from toilet_api.kernel.errors import ProblemType

BAD_FORM = ProblemType(
    "import_bad_form",
    422,
    "表单参数有误，或与查询参数不一致",
    "A form field is not valid, or contradicts the query",
    "接口约定：导入参数（docs/imports.md）",
    ("请改正 errors 所列的参数；同一参数只写一处。", "Correct what `errors` lists; give each parameter in one place."),
)
INTERRUPTED = ProblemType(
    "import_interrupted", 500, "导入中断，没有写入任何记录，请重新上传", "The import broke off; nothing was written"
)
SYNONYM_EXISTS = ProblemType(
    "import_synonym_exists",
    409,
    "该区划已有这个表头词",
    "The division has this heading already",
    "接口约定：并发与重试",
    ("请修改已有的表头词（existing_id）。", "Change the one that there is (existing_id)."),
)
ROWS_REJECTED = ProblemType(
    "import_rows_rejected",
    422,
    "有被拒绝的行，按“全部或全不”方式没有写入任何记录",
    "Some rows were rejected; as all or nothing was asked for, nothing was written",
    "接口约定：导入方式 all_or_nothing",
    (
        "请按报告改正被拒绝的行后重新上传，或改用 mode=row_by_row。",
        "Correct the rows that the report rejects and upload it again, or use mode=row_by_row.",
    ),
)
