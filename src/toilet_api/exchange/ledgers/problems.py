"""Why a whole file is refused. Each kind of bad file has an error of its own."""

from toilet_api.kernel.errors import ProblemType

EMPTY_FILE = ProblemType("import_empty_file", 422, "文件是空的", "The file is empty")
UNKNOWN_FORMAT = ProblemType(
    "import_unknown_format", 415, "不是 CSV、XLSX 或 XLS 文件", "Neither CSV, nor XLSX, nor XLS"
)
WRONG_ENCODING = ProblemType(
    "import_wrong_encoding", 422, "文件编码既不是 UTF-8 也不是 GB18030", "Encoded neither in UTF-8 nor in GB18030"
)
NUL_BYTES = ProblemType(
    "import_nul_bytes", 422, "文本文件中有 NUL 或控制字符", "The text holds NUL or control characters"
)
BAD_CSV = ProblemType("import_bad_csv", 422, "CSV 的引号或分列不成立", "The quoting of the CSV is broken")
CORRUPT_WORKBOOK = ProblemType(
    "import_corrupt_workbook", 422, "工作簿已损坏或不完整，无法读取", "The workbook is damaged or incomplete"
)
ENCRYPTED_WORKBOOK = ProblemType(
    "import_encrypted_workbook", 422, "工作簿设有密码，请取消密码后再传", "The workbook is protected by a password"
)
ZIP_BOMB = ProblemType(
    "import_zip_bomb",
    422,
    "工作簿解压后过大，或压缩比异常",
    "The workbook unpacks to too much, or is packed abnormally",
)
TOO_MANY_ROWS = ProblemType("import_too_many_rows", 422, "行数超过上限", "Too many rows")
TOO_MANY_COLUMNS = ProblemType("import_too_many_columns", 422, "列数超过上限", "Too many columns")
TOO_MANY_CELLS = ProblemType(
    "import_too_many_cells", 422, "有内容的单元格分布过广", "The cells with values lie too far apart to be read"
)
TOO_MANY_SHEETS = ProblemType("import_too_many_sheets", 422, "工作表过多", "Too many sheets")
HIDDEN_LEDGER = ProblemType(
    "import_hidden_ledger",
    422,
    "隐藏的工作表里有台账，请取消隐藏或删除后再传",
    "A hidden sheet holds a ledger; show it or delete it, then send the file again",
)
HEADER_NOT_FOUND = ProblemType("import_header_not_found", 422, "没有找到表头行", "No header row was found")
COLUMN_MISSING = ProblemType("import_column_missing", 422, "缺少必需的列", "A required column is missing")
COLUMN_AMBIGUOUS = ProblemType(
    "import_column_ambiguous",
    422,
    "有两列都像同一个字段，请用 mapping 指明",
    "Two columns claim one field; say which by mapping",
)
BAD_MAPPING = ProblemType("import_bad_mapping", 422, "mapping 参数有误", "The mapping is not valid")
FILE_PROBLEMS = (
    EMPTY_FILE,
    UNKNOWN_FORMAT,
    WRONG_ENCODING,
    NUL_BYTES,
    BAD_CSV,
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
