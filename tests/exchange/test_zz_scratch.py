import io, json, openpyxl, pytest
from tests.exchange.upload import *


def chk(b):
    w = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return b + "10X98765432"[sum(int(c) * x for c, x in zip(b, w)) % 11]


N = [0]


def pid():
    N[0] += 1
    return chk(f"360423190101{N[0] % 28 + 1:02}{N[0]:03}")


def wb(sheets, merges=()):
    b = openpyxl.Workbook()
    b.remove(b.active)
    for n, rows in sheets.items():
        s = b.create_sheet(n)
        for r in rows:
            s.append(r)
    for n, m in merges:
        b[n].merge_cells(m)
    o = io.BytesIO()
    b.save(o)
    return o.getvalue()


def show(title, c, drain, content, name, **form):
    a = c.post("/api/v1/imports", files={"file": (name, content)}, data={"dry_run": "true", **form})
    print("\n=====", title, a.status_code)
    if a.status_code != 202:
        print(
            json.dumps(
                {
                    k: v
                    for k, v in a.json().items()
                    if k in ("code", "detail", "missing", "found", "first_row", "columns")
                },
                ensure_ascii=False,
            )[:700]
        )
        return
    drain()
    j = follow(c, a.json()["id"])
    print(j["state"], j["counts"], j.get("problem") and j["problem"].get("detail"))
    for s in j["sheets"]:
        print("  header", s["header_row"], [(x["heading"], x["column"], x["matched_by"]) for x in s["columns"]])
    for r in pages(c, f"/imports/{j['id']}/rows"):
        print(
            "  ",
            r["row"],
            r["outcome"],
            r["village_code"],
            [(x["column"], x["rule"], x.get("value"), x.get("result") or x.get("became")) for x in r["corrections"]],
            [(x["column"], x["reason"], x.get("value")) for x in r["errors"]],
        )


def test_all(as_, drain_jobs):
    c = as_("township_manager")
    d = drain_jobs
    H = ["序号", "村", "户主姓名", "身份证号码", "联系电话", "改厕方式", "改厕年份", "备注"]

    def row(i, **k):
        base = {
            "序号": i,
            "村": "安乐村",
            "户主姓名": "张三丰",
            "身份证号码": pid(),
            "联系电话": "13800000000",
            "改厕方式": "三格",
            "改厕年份": "2024",
            "备注": "",
        }
        base.update(k)
        return [base[h] for h in H]

    show(
        "title+header linebreaks",
        c,
        d,
        wb(
            {
                "a": [
                    ["武宁县石渡乡农村户厕改造台账"],
                    ["填报单位：石渡乡人民政府", "", "", "填报时间：2024年5月"],
                    [
                        "序\n号",
                        "行政村\n名称",
                        "户主 姓名",
                        "身份证号码\n（18位）",
                        "联系电话",
                        "改厕方式（三格式/双瓮式）",
                        "改厕时间(年)",
                        "备注",
                    ],
                ]
                + [row(1), row(2)]
                + [["合计", None, 2], ["填表人：张三", None, None, "审核人：李四"]]
            }
        ),
        "a.xlsx",
    )
    show(
        "sheet per village, no village column",
        c,
        d,
        wb(
            {
                v: [[h for h in H if h != "村"], [x for h, x in zip(H, row(1)) if h != "村"]]
                for v in ("安乐村", "新丰村")
            }
        ),
        "a.xlsx",
    )
    show(
        "title has village",
        c,
        d,
        wb(
            {
                "Sheet1": [
                    ["石渡乡安乐村户厕改造花名册"],
                    [h for h in H if h != "村"],
                    [x for h, x in zip(H, row(1)) if h != "村"],
                ]
            }
        ),
        "a.xlsx",
    )
    show(
        "village in caption row",
        c,
        d,
        wb(
            {
                "Sheet1": [
                    ["户厕改造花名册"],
                    ["行政村：安乐村", "", "填报日期：2024"],
                    [h for h in H if h != "村"],
                    [x for h, x in zip(H, row(1)) if h != "村"],
                ]
            }
        ),
        "a.xlsx",
    )
    show(
        "village merged down",
        c,
        d,
        wb({"a": [H, row(1), row(2, 村=None), row(3, 村=None)]}, [("a", "B2:B4")]),
        "a.xlsx",
    )
    show(
        "village sparse no merge csv",
        c,
        d,
        (
            "\n".join(
                ",".join(str(x) if x is not None else "" for x in r)
                for r in [H, row(1), row(2, 村=None), row(3, 村=None)]
            )
        ).encode("gb18030"),
        "a.csv",
    )
    modes = [
        "三格式",
        "三格化粪池",
        "三格式化粪池厕所",
        "三隔",
        "3格",
        "黑桶",
        "双瓮漏斗式",
        "双翁",
        "双格",
        "水冲",
        "水冲式",
        "管网",
        "完整上下水道",
        "旱厕",
        "无厕",
        "无",
        "沼气池",
        "三联通沼气池式",
        "粪尿分集",
        "双坑交替",
        "深坑",
        "阁楼堆肥",
        "卫生旱厕",
        "三格;双瓮",
        "三格、水冲",
        "四格",
        "一体式",
        "玻璃钢三格",
        "砖砌三格",
        "下水道",
        "公厕",
        "",
        "/",
        "通风改良",
        "集中下水道收集",
        "小三格大集中",
        "单户三格",
        "联户",
        "大三格",
        "传统旱厕",
        "简易厕所",
        "水厕",
        "马桶",
        "三格式（预制）",
        "PE三格",
        "三瓮",
        "真空负压",
        "非卫生厕所",
        "卫生厕所",
        "三级化粪池",
        "化粪池",
        "无害化",
    ]
    show("modes", c, d, wb({"a": [H] + [row(i, 改厕方式=m) for i, m in enumerate(modes)]}), "a.xlsx")
    years = [
        "2024年底前",
        "24年",
        2024.0,
        "2024年",
        "2024/5",
        "2024.05",
        "2024-05-20",
        45000,
        "2013前",
        "2012年以前",
        "不详",
        "",
        "2024年春季",
        "二0二四年",
        "２０２４",
        "2O24",
        "2024年2-3月",
        "2019-2020",
        "2024年新建",
        "去年",
        "19年",
        "2024上半年",
        "2024年第二批",
        "2030",
        "1899",
        "9月",
        "2024、2023",
        "无",
        "未改",
    ]
    show("years", c, d, wb({"a": [H] + [row(i, 改厕年份=m) for i, m in enumerate(years)]}), "a.xlsx")
    phones = [
        "13800000000、13900000000",
        "13800000000 13900000000",
        "13800000000/13900000000",
        "0792-2781234",
        "2781234",
        "+86 13800000000",
        "86-13800000000",
        "138 0000 0000",
        "1380000000",
        "138000000000",
        13800000000.0,
        "无",
        "1.38E+10",
        "13800000000(儿子)",
        "张三13800000000",
        "13800000000，",
        "１３８００００００００",
        "13800000000\n13900000000",
        "1",
    ]
    show("phones", c, d, wb({"a": [H] + [row(i, 联系电话=m) for i, m in enumerate(phones)]}), "a.xlsx")
    ids = [
        pid().lower(),
        pid() + " ",
        "'" + pid(),
        " ".join([pid()[:6], "19010102", "001X"]),
        3.60423190101010e17,
        "3.60423E+17",
        "360423010101001",
        "",
        "无",
        "不详",
        pid()[:17],
        pid() + "1",
        "360423190102310019",
        "36042319010101001×",
        "３６０４２３" + pid()[6:],
        "身份证" + pid(),
        pid() + "（老户）",
        "H12345678",
        "护照E1234567",
        pid() + "\n",
    ]
    show("ids", c, d, wb({"a": [H] + [row(i, 身份证号码=m) for i, m in enumerate(ids)]}), "a.xlsx")
    names = [
        "张 三",
        "张三、李四",
        "张三/李四",
        "张三（李四）",
        "张三 13800000000",
        "欧阳  修",
        "阿卜杜·买买提",
        "张三等3户",
        "村委会",
        "五保户张三",
        "张三(已故)",
        "已拆除",
        "空户",
        "",
        "A",
        "张三丰1",
        "张三之子",
        "*张三",
        "张*",
        "石渡乡敬老院",
    ]
    show("names", c, d, wb({"a": [H] + [row(i, 户主姓名=m) for i, m in enumerate(names)]}), "a.xlsx")
    vs = [
        "安乐",
        "安乐村委会",
        "安乐村民委员会",
        "石渡乡安乐村",
        "江西省九江市武宁县石渡乡安乐村",
        "安乐村一组",
        "安乐村 ",
        "360423208200",
        "360423208200.0",
        360423208200,
        "安楽村",
        "不存在村",
        "新丰",
        "安乐村（新村）",
        "安乐行政村",
    ]
    show("villages", c, d, wb({"a": [H] + [row(i, 村=m) for i, m in enumerate(vs)]}), "a.xlsx")
