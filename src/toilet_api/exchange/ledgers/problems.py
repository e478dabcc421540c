"""Why a whole file is refused. Each kind of bad file has an error of its own."""

from toilet_api.kernel.errors import ProblemType

_READABLE = "接口约定：导入文件须能完整读取（docs/imports.md）"
_LIMITS = "接口约定：导入文件的上限，超出即退回，不截断（docs/imports.md）"
_HEADER = "接口约定：导入按表头对应列，不猜（docs/imports.md）"
_IN_PARTS = ("请分成几个文件上传。", "Split it into several files.")

EMPTY_FILE = ProblemType(
    "import_empty_file",
    422,
    "文件是空的",
    "The file is empty",
    _READABLE,
    ("请核对选中的文件，重新上传。", "Check which file was chosen, and send it again."),
)
UNKNOWN_FORMAT = ProblemType(
    "import_unknown_format",
    415,
    "不是 CSV、XLSX、XLS、ODS、NDJSON 或 Parquet 文件",
    "Neither CSV, XLSX, XLS, ODS, NDJSON nor Parquet",
    _READABLE,
    ("请另存为 XLSX 或 CSV 后上传。", "Save it as XLSX or CSV, and send that."),
)
WRONG_ENCODING = ProblemType(
    "import_wrong_encoding",
    422,
    "文件编码既不是 UTF-8 也不是 GB18030",
    "Encoded neither in UTF-8 nor in GB18030",
    _READABLE,
    ("请另存为 UTF-8 编码，或存为 XLSX 后上传。", "Save it in UTF-8, or as XLSX, and send that."),
)
NUL_BYTES = ProblemType(
    "import_nul_bytes",
    422,
    "文本文件中有 NUL 或控制字符",
    "The text holds NUL or control characters",
    _READABLE,
    ("请从原系统重新导出，或存为 XLSX 后上传。", "Export it anew where it comes from, or save it as XLSX."),
)
BAD_CSV = ProblemType(
    "import_bad_csv",
    422,
    "CSV 的引号或分列不成立",
    "The quoting of the CSV is broken",
    _READABLE,
    ("请核对答复所指的行，或存为 XLSX 后上传。", "Check the line that the answer names, or save it as XLSX."),
)
BAD_NDJSON = ProblemType(
    "import_bad_ndjson",
    422,
    "NDJSON 的某一行不成立",
    "A line of the NDJSON isn't one flat JSON object",
    _READABLE,
    (
        "请改正答复所指的行：每行一个 JSON 对象，不嵌套。",
        "Correct the line that the answer names: one flat object a line.",
    ),
)
CORRUPT_WORKBOOK = ProblemType(
    "import_corrupt_workbook",
    422,
    "工作簿已损坏或不完整，无法读取",
    "The workbook is damaged or incomplete",
    _READABLE,
    ("请在 Excel 或 WPS 中打开并另存，再上传。", "Open it in a spreadsheet program, save it anew, and send that."),
)
ENCRYPTED_WORKBOOK = ProblemType(
    "import_encrypted_workbook",
    422,
    "工作簿设有密码，请取消密码后再传",
    "The workbook is protected by a password",
    _READABLE,
    ("请取消打开密码后另存，再上传。", "Take its password off, save it, and send that."),
)
ZIP_BOMB = ProblemType(
    "import_zip_bomb",
    422,
    "工作簿解压后过大，或压缩比异常",
    "The workbook unpacks to too much, or is packed abnormally",
    _LIMITS,
    (
        "请把数据复制到新工作簿（不带整列格式），或存为 CSV 后上传。",
        "Copy the data to a new workbook without formats of whole columns, or save it as CSV.",
    ),
)
TOO_MANY_ROWS = ProblemType("import_too_many_rows", 422, "行数超过上限", "Too many rows", _LIMITS, _IN_PARTS)
TOO_MANY_COLUMNS = ProblemType(
    "import_too_many_columns",
    422,
    "列数超过上限",
    "Too many columns",
    _LIMITS,
    (
        "请删去与台账无关的列；CSV 请核对分隔符。",
        "Delete columns that are none of the ledger's; check a CSV's separator.",
    ),
)
TOO_MANY_CELLS = ProblemType(
    "import_too_many_cells",
    422,
    "有内容的单元格分布过广",
    "The cells with values lie too far apart to be read",
    _LIMITS,
    ("请删去远处的零散内容，或存为 CSV 后上传。", "Delete stray values far from the table, or save it as CSV."),
)
TOO_MANY_SHEETS = ProblemType("import_too_many_sheets", 422, "工作表过多", "Too many sheets", _LIMITS, _IN_PARTS)
HIDDEN_LEDGER = ProblemType(
    "import_hidden_ledger",
    422,
    "隐藏的工作表里有台账，请取消隐藏或删除后再传",
    "A hidden sheet holds a ledger; show it or delete it, then send the file again",
    "接口约定：导入不漏一行，隐藏的台账须先说明去留（docs/imports.md）",
    ("请取消隐藏，或删除该工作表。", "Show the sheet, or delete it."),
)
HEADER_NOT_FOUND = ProblemType(
    "import_header_not_found",
    422,
    "没有找到表头行",
    "No header row was found",
    _HEADER,
    (
        "请在数据上方写一行表头，或用 mapping 按列指明（如 “C:”）。",
        "Put a header above the rows, or name the columns by mapping (as “C:”).",
    ),
)
COLUMN_MISSING = ProblemType(
    "import_column_missing",
    422,
    "缺少必需的列",
    "A required column is missing",
    _HEADER,
    (
        "请补上答复所列的列，或用 mapping 指明是哪一列。",
        "Add the columns that the answer lists, or say by mapping which they are.",
    ),
)
COLUMN_AMBIGUOUS = ProblemType(
    "import_column_ambiguous",
    422,
    "有两列都像同一个字段，请用 mapping 指明",
    "Two columns claim one field; say which by mapping",
    _HEADER,
    (
        "请用 mapping 指明取哪一列，另一列写 null。",
        "Say by mapping which column is meant, and null for the other.",
    ),
)
BAD_MAPPING = ProblemType(
    "import_bad_mapping",
    422,
    "mapping 参数有误",
    "The mapping is not valid",
    _HEADER,
    (
        "请写成 JSON 对象：表头或列（“C:”）对应字段，null 为不取。",
        "Write a JSON object: heading, or column as “C:”, to field; null skips it.",
    ),
)
FILE_PROBLEMS = (
    EMPTY_FILE,
    UNKNOWN_FORMAT,
    WRONG_ENCODING,
    NUL_BYTES,
    BAD_CSV,
    BAD_NDJSON,
    CORRUPT_WORKBOOK,
    ENCRYPTED_WORKBOOK,
    ZIP_BOMB,
    TOO_MANY_COLUMNS,
    TOO_MANY_CELLS,
    BAD_MAPPING,
)
"""What can be told of any file before it is opened."""

HEADER_PROBLEMS = (
    HEADER_NOT_FOUND,
    COLUMN_MISSING,
    COLUMN_AMBIGUOUS,
    HIDDEN_LEDGER,
    TOO_MANY_ROWS,
    TOO_MANY_SHEETS,
)
"""What only an opened file tells: the upload answers it for a small file, the job ends `failed` for a large one."""
