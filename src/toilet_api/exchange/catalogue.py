"""The importer's vocabulary: states, outcomes, rules that correct, reasons that reject, rules that ignore a row."""

from toilet_api.kernel.codes import Code, code_list

IMPORT_STATES = code_list(
    "import_state",
    "导入状态",
    "State of an import",
    [
        Code("queued", "排队中", "waiting"),
        Code("running", "处理中", "running"),
        Code("succeeded", "已完成", "finished; the report says what became of each row"),
        Code("failed", "失败（未写入任何记录）", "failed; nothing was written"),
        Code("cancelled", "已取消（未写入任何记录）", "cancelled; nothing was written"),
    ],
)

ROW_OUTCOMES = code_list(
    "import_outcome",
    "行处理结果",
    "What became of a row",
    [
        Code("created", "新增", "a household was created"),
        Code("updated", "更新", "a household was changed"),
        Code("unchanged", "无变化", "already registered; nothing was changed"),
        Code("rejected", "拒绝", "not taken; the faults are listed"),
    ],
)

ON_CONFLICT = code_list(
    "import_on_conflict",
    "与已有记录不同时",
    "What to do where a registered household differs",
    [
        Code("fail", "拒绝该行", "reject the row"),
        Code("skip", "保留已有记录", "keep what is registered"),
        Code("update", "用本行更新", "update from the row"),
    ],
)

CORRECTIONS = code_list(
    "import_rule",
    "导入更正规则",
    "Rules by which an import corrects a cell",
    [
        Code("invisible", "去掉看不见的字符", "characters that can't be seen were taken out"),
        Code("full_width", "全角转半角", "full-width characters became half-width"),
        Code("excel_text", '去掉 Excel 的文本写法 ="…"', 'Excel\'s way to write a text, ="…", was taken off'),
        Code("code_format", "去掉区划代码中的空格和引号", "blanks and quotes were taken out of a division's code"),
        Code("merged_cell", "按合并单元格补全", "filled in from a merged cell"),
        Code(
            "filled_down", "同列只在每段首行填写，按上文补全", "given at the head of a block only; filled in from there"
        ),
        Code("ditto", "“同上”按上一行补全", "“as above” was filled in from the row above"),
        Code("default_village", "没有村列，按所选村填入", "no village column: the village chosen for the import"),
        Code("sheet_village", "没有村列，按工作表名或标题填入", "no village column: named by the sheet or its title"),
        Code("address_village", "没有村列，村名取自住址", "no village column: named by the address"),
        Code("village_suffix", "村名后缀不同，按区划名称对应", "the name of the village differs in its ending"),
        Code("village_path", "村名前带有上级名称", "the name of the village has higher divisions before it"),
        Code("village_group", "村名后的小组移入地址", "the group behind the village's name went to the address"),
        Code("division_successor", "原区划已变更，对应到现区划", "a former division; resolved to its successor"),
        Code("name_spaces", "去掉姓名中的空格", "blanks within a name were taken out"),
        Code("name_dot", "姓名中的间隔号统一为“·”", "the dot within a name became “·”"),
        Code("name_remark", "姓名后的括注移入备注", "a remark in brackets behind the name went to the note"),
        Code("id_spaces", "去掉身份证号码中的空格", "blanks within the ID number were taken out"),
        Code("id_lower_x", "身份证号码末位 x 改为大写", "the x at the end of the ID number became upper case"),
        Code("id_apostrophe", "去掉身份证号码前的引号", "the apostrophe before the ID number was taken out"),
        Code("id_separators", "去掉身份证号码中的连接符", "separators within the ID number were taken out"),
        Code("id_15_to_18", "15 位身份证号码升为 18 位", "an ID number of 15 digits became one of 18"),
        Code(
            "no_id_number",
            "没有身份证号码，按姓名和住址（电话）登记",
            "no ID number; registered by name and address or phone",
        ),
        Code("two_phones", "一格多个电话，全部保留", "several phones in a cell; all are kept"),
        Code("phone_format", "去掉电话中的空格、连接符、国家代码", "blanks, hyphens or +86 were taken out of a phone"),
        Code("phone_remark", "电话旁的文字移入备注", "words beside a phone went to the note"),
        Code("phone_none", "电话写作“无”，按空处理", "a phone written as “none” became empty"),
        Code("mode_synonym", "改厕方式按同义词对应", "the mode was recognised by a synonym"),
        Code("mode_ticked", "按打勾的列确定改厕方式", "the mode was taken from the column that is ticked"),
        Code("two_modes", "一格两种改厕方式，登记为两个厕所", "two modes in a cell: two toilets"),
        Code("two_modes_same", "同一改厕方式写了两次", "one mode written twice"),
        Code("year_text", "年份按文字识别", "the year was read from text"),
        Code("year_two_digits", "两位年份补全", "a year of two digits was completed"),
        Code("year_chinese", "中文数字年份", "a year in Chinese numerals"),
        Code("year_date", "由日期取年月", "year and month of a date"),
        Code("year_serial", "由 Excel 日期序号取年月", "year and month of an Excel date serial"),
        Code("year_month_unclear", "月份不明确，只取年份", "the month isn't clear; only the year was taken"),
        Code("year_none", "年份写作“无”，按空处理", "a year written as “none” became empty"),
        Code("led_by_synonym", "牵头部门按同义词对应", "who led was recognised by a synonym"),
        Code("led_by_none", "牵头部门写作“无”，按空处理", "who led, written as “none”, became empty"),
        Code("money_format", "金额去掉单位和千分位", "unit and separators were taken out of an amount"),
        Code("money_ten_thousand", "金额由万元换算", "an amount in units of 10,000 yuan was converted"),
        Code("money_none", "金额写作“无”，按空处理", "an amount written as “none” became empty"),
        Code("family_size_text", "人口数去掉文字", "words were taken out of the number of people"),
        Code("dwelling_state_synonym", "住房状态按同义词对应", "the state of the dwelling was recognised by a synonym"),
        Code("address_joined", "组别与门牌号合为住址", "group and house number were joined to an address"),
        Code("note_joined", "多列备注合并", "several columns of notes were joined"),
        Code("none_as_empty", "写作“无”或“/”，按空处理", "a cell that says “none” became empty"),
    ],
)

REASONS = code_list(
    "import_reason",
    "导入拒绝原因",
    "Reasons for which a row is rejected",
    [
        Code("no_name", "没有户主姓名", "no name of the head of household"),
        Code("bad_name", "户主姓名不成立", "not a name"),
        Code(
            "id_missing",
            "没有身份证号码，姓名加住址或电话也不足以识别",
            "no ID number, nor enough else to tell the household",
        ),
        Code(
            "id_float",
            "身份证号码已被 Excel 变成浮点数，后几位已丢失",
            "Excel turned the ID number into a float; digits are lost",
        ),
        Code("id_check", "身份证号码校验不通过（GB 11643）", "the ID number fails GB 11643"),
        Code("bad_village", "村不在本次导入的范围内，或查无此村", "no such village within the scope of the import"),
        Code("ambiguous_village", "有多个同名村，请加乡镇列或用代码", "several villages of that name"),
        Code("bad_township", "乡镇与村不符，或查无此乡镇", "the township doesn't fit the village, or there is none"),
        Code("bad_county", "县（市、省）与村不符", "the county, city or province doesn't fit the village"),
        Code("bad_mode", "改厕方式无法识别", "the mode of the toilet isn't recognised"),
        Code("bad_year", "改厕年份不成立", "not a year in which it can have been built"),
        Code("bad_led_by", "牵头部门无法识别", "who led isn't recognised"),
        Code("bad_money", "金额不成立", "not an amount of money"),
        Code("money_below_fen", "金额小于一分，不四舍五入", "less than a fen; money isn't rounded"),
        Code("bad_phone", "电话号码不成立", "not a phone number"),
        Code("phone_float", "电话号码已被 Excel 变成浮点数", "Excel turned the phone into a float"),
        Code("bad_family_size", "家庭人口不成立", "not a number of people"),
        Code("bad_dwelling_state", "住房状态无法识别", "the state of the dwelling isn't recognised"),
        Code("text_too_long", "内容过长（不截断）", "too long; nothing is cut off"),
        Code("formula_without_value", "公式没有保存结果", "a formula without a stored result"),
        Code(
            "shifted_columns", "本行比表头多出单元格，列可能错位", "more cells than headings; columns may have shifted"
        ),
        Code("dup", "与本文件前面的行重复", "the same household as an earlier row of the file"),
        Code("conflict", "与已登记的农户不同", "differs from the household that is registered"),
    ],
)

IGNORED = code_list(
    "import_ignored",
    "不计入的行",
    "Rows that are not households",
    [
        Code("blank", "空行", "blank"),
        Code("title", "标题、填报单位", "title above the header"),
        Code("header", "表头", "header"),
        Code("repeated_header", "重复的表头", "the header again"),
        Code("column_numbers", "栏次", "numbers of the columns"),
        Code("serial_only", "只有序号", "only a serial number"),
        Code("total", "小计、合计", "subtotal or total"),
        Code("empty_form", "预先编号、填好村名而未填农户的行", "numbered and with its village, but nobody entered"),
        Code("signature", "填表人、审核人、盖章、日期等落款", "signatures, seals and dates"),
        Code("page", "页码", "a page's number"),
        Code("note", "注、说明", "notes"),
        Code("other_sheet", "不是台账的工作表", "a sheet that is no ledger"),
    ],
)
