"""What can go wrong with an import beside its file."""

from toilet_api.kernel.errors import ProblemType

BAD_FORM = ProblemType(
    "import_bad_form", 422, "表单参数有误，或与查询参数不一致", "A form field is not valid, or contradicts the query"
)
INTERRUPTED = ProblemType(
    "import_interrupted", 500, "导入中断，没有写入任何记录，请重新上传", "The import broke off; nothing was written"
)
