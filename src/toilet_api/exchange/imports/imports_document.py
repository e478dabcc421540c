"""The tables of docs/imports.md.

`python -m toilet_api.exchange.imports.imports_document docs/imports.md` writes them anew.
"""

import sys
from pathlib import Path

from toilet_api.exchange.imports.catalogue import IMPORT_KINDS
from toilet_api.exchange.imports.problems import BAD_FORM, INTERRUPTED, ROWS_REJECTED
from toilet_api.exchange.ledgers.catalogue import CORRECTIONS, IGNORED, REASONS
from toilet_api.exchange.ledgers.heading_words import SYNONYMS
from toilet_api.exchange.ledgers.headings import FIELDS
from toilet_api.exchange.ledgers.problems import FILE_PROBLEMS, HEADER_PROBLEMS
from toilet_api.exchange.records.columns import KINDS
from toilet_api.exchange.records.problems import IMPORTER_INACTIVE
from toilet_api.kernel.codes import CodeList
from toilet_api.kernel.errors import TOO_LARGE

START = "<!-- from here on written by toilet_api.exchange.imports.imports_document -->\n"
_HEADINGS_SHOWN = 8


def _codes(title: str, column: str, codes: CodeList) -> str:
    lines = [f"\n## {title}\n\n| {column} | 中文 | English |\n|---|---|---|\n"]
    lines += [f"| `{code.code}` | {code.zh} | {code.en} |\n" for code in codes.codes]
    return "".join(lines)


def _fields() -> str:
    lines = [
        "\n## 字段与表头 / Fields and headings\n\n| field | 中文 | English | 表头（前几个） The first headings |\n"
    ]
    lines.append("|---|---|---|---|\n")
    for name, (zh, en) in FIELDS.items():
        words = SYNONYMS[name].split()
        shown = "、".join(words[:_HEADINGS_SHOWN]) + (f" …（{len(words)}）" if len(words) > _HEADINGS_SHOWN else "")
        lines.append(f"| `{name}` | {zh} | {en} | {shown} |\n")
    return "".join(lines)


_USES = {"write": "读取 taken", "check": "核对 compared", "pass": "不读取 not read"}


def _kinds() -> str:
    """The columns of the other kinds; what is only known in order to be left alone is named in one line."""
    lines = ["\n## 其他种类的列 / Columns of the other kinds\n"]
    for kind, columns in KINDS.items():
        lines.append(f"\n### {IMPORT_KINDS.label(kind)} `kind={kind}`\n\n")
        lines.append("| field | 表头 Headings | English | 用途 Use |\n|---|---|---|---|\n")
        lines += [
            f"| `{one.field}` | {'、'.join(one.words)} | {one.en} | {_USES[one.use]} |\n"
            for one in columns
            if one.use != "pass"
        ]
        known = "、".join(one.zh for one in columns if one.use == "pass")
        lines.append(f"\n{_USES['pass']}: {known}\n")
    return "".join(lines)


def _problems() -> str:
    lines = [
        "\n## 整个文件被拒绝 / Why a whole file is refused\n\n| code | status | 中文 | English |\n|---|---|---|---|\n"
    ]
    every = (TOO_LARGE, *FILE_PROBLEMS, BAD_FORM, *HEADER_PROBLEMS, ROWS_REJECTED, IMPORTER_INACTIVE, INTERRUPTED)
    lines += [f"| `{one.code}` | {one.status} | {one.zh} | {one.en} |\n" for one in every]
    return "".join(lines)


def tables() -> str:
    """Everything below the marker."""
    return (
        START
        + _fields()
        + _kinds()
        + _codes("更正规则 / Rules that correct", "`rule`", CORRECTIONS)
        + _codes("拒绝原因 / Reasons that reject", "`reason`", REASONS)
        + _codes("不计入的行 / Rows that are no household", "`rule`", IGNORED)
        + _problems()
    )


def main() -> None:
    """Rewrite the tables of the page that is named."""
    page = Path(sys.argv[1])
    page.write_text(page.read_text("utf-8").partition(START)[0] + tables(), "utf-8")


if __name__ == "__main__":
    main()
