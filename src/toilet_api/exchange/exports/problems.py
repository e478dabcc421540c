"""What can go wrong with an export."""

from toilet_api.kernel.errors import ProblemType

_CONVENTION = "接口约定：导出"

EXPORT_FORMAT_UNFIT = ProblemType(
    "export_format_unfit",
    422,
    "该内容不能导出为此格式",
    "This dataset is not exported in that format",
    _CONVENTION,
    ("请改用 expected 所列的格式。", "Choose a format that `expected` lists."),
)
EXPORT_TOO_WIDE = ProblemType(
    "export_too_wide",
    422,
    "打印用表格按县、乡镇或村导出",
    "Tables to be printed are made for a county, a township or a village",
    "工作方案 四（二）4：县、乡、村三级逐级汇总",
    ("请用 division 指明县、乡镇或村。", "Name a county, township or village by `division`."),
)
EXPORT_EXPIRED = ProblemType(
    "export_expired",
    410,
    "导出文件已按期删除",
    "The file was removed at the end of its time",
    _CONVENTION,
    ("请重新导出。", "Export it again."),
)
EXPORT_INTERRUPTED = ProblemType(
    "export_interrupted",
    500,
    "导出中断，没有生成文件",
    "The export broke off; there is no file",
    _CONVENTION,
    ("请重新导出；仍然出错请告知导出编号。", "Export it again; if it stays, tell us the export's id."),
)
EXPORT_CELL_TOO_LONG = ProblemType(
    "export_cell_too_long",
    422,
    "有内容超过 Excel 单元格的长度上限",
    "A value is longer than a cell of Excel can be",
    _CONVENTION,
    ("请改用 CSV、NDJSON 或 Parquet 导出。", "Export it as CSV, NDJSON or Parquet."),
)
