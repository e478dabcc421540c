"""How much of a file is read. Beyond these a file is refused, never cut off."""

MIB = 1024 * 1024

UNPACKED_MAX_BYTES = 512 * MIB
"""All parts of a workbook together, unpacked. A sheet of 1,048,576 rows that only carry borders needs about 270 MiB."""
RATIO_FREE_BYTES = 8 * MIB
"""Up to this size a part may be packed as tightly as it likes."""
RATIO_MAX = 250
"""Unpacked bytes per packed byte. Sheets of blank rows reach about 100, deflate itself 1,032."""
ZIP_ENTRIES_MAX = 2_000
SHEETS_MAX = 100
COLUMNS_MAX = 256
"""The widest sheet of the old XLS format; ledgers have 10 to 60 columns."""
CELLS_MAX = 8_000_000
"""Rows times columns up to the last cell with a value: what the reader has to hold in memory."""
CELL_TEXT_MAX = 32_767
"""Excel's own limit of characters in a cell."""
LINE_MAX = 8_388_608
"""Characters of a line of text: 256 cells of the greatest length. A longer one isn't held in memory."""
HEADER_WITHIN_ROWS = 40
"""The header is looked for in the first rows that aren't blank."""
READER_MEMORY_BYTES = 3 * 1024 * MIB
READER_SECONDS = 90
"""The reader of workbooks is a process of its own with these bounds: a damaged file can't take the worker along."""
IGNORED_ROWS_LISTED = 1_000
"""So many rows that are no records are listed one by one; all of them are counted."""
FAULT_VALUE_MAX = 200
"""Characters of a rejected value that a report shows; a longer one is shown with its length."""
