"""What an export is told by: datasets, formats, states, whether personal data is masked."""

from toilet_api.kernel.codes import Code, code_list

EXPORT_DATASETS = code_list(
    "export_dataset",
    "导出内容",
    "What is exported",
    [
        Code("households", "农户与户厕", "households with their toilets: a row for each toilet"),
        Code("visits", "摸排记录", "survey visits"),
        Code("problems", "问题台账数据", "problems, with the work on them"),
        Code("close_outs", "销号记录", "close-outs"),
        Code("users", "用户账号", "accounts of people"),
        Code("divisions", "区划", "divisions"),
        Code("survey_form", "农村户厕问题摸排调查表", "the survey form, a sheet for each village; to be printed"),
        Code("problem_ledger", "农村户厕问题台账", "the problem ledger; to be printed"),
        Code("rectification_ledger", "农村户厕问题整改台账", "the rectification ledger; to be printed"),
    ],
)
EXPORT_FORMATS = code_list(
    "export_format",
    "文件格式",
    "Format of the file",
    [
        Code("csv", "CSV", "CSV, UTF-8, Chinese headings"),
        Code("xlsx", "Excel 工作簿", "Excel workbook"),
        Code("ndjson", "NDJSON", "a JSON object a line, English names, codes as codes"),
        Code("parquet", "Parquet", "Parquet, English names, typed columns"),
    ],
)
EXPORT_STATES = code_list(
    "export_state",
    "导出状态",
    "State of an export",
    [
        Code("queued", "排队中", "waiting"),
        Code("running", "处理中", "running"),
        Code("succeeded", "已完成", "finished; the file can be downloaded"),
        Code("failed", "失败", "failed; there is no file"),
        Code("cancelled", "已取消", "cancelled; there is no file"),
    ],
)
PERSONAL = code_list(
    "export_personal",
    "个人信息",
    "Personal data in the file",
    [
        Code("masked", "脱敏", "masked"),
        Code("plain", "明文（须有权限和目的，留痕）", "plain: needs the permission and a purpose, and leaves a trace"),
    ],
)
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
