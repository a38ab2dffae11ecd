"""The public pages of supervision: quarterly inspection results (第二十条(三)) and annual work reports (第十九条(七)).

Each is made of its record alone, once a person wrote `published_on` into it; beside it stand CSV and JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sitegen.inspection.journal import Quarter
from sitegen.model import file_of
from sitegen.pages.frame import Frame, column_meta
from sitegen.pages.values import Data, Document, Page, Recipe
from sitegen.reports import annual
from sitegen.reports.annual import AUTOMATIC, Report, Value

FOLDER = "supervision"
HOME = f"/{FOLDER}/"
_CRUMBS: list[tuple[str, str | None]] = [("首页", "/"), ("网站监管", HOME)]
_ORDINAL = {"1": "一", "2": "二", "3": "三", "4": "四"}


def recipes(frame: Frame) -> Iterator[tuple[Recipe, str, Any]]:
    """(recipe, URL, what its bytes follow from). Nothing where nothing is published."""
    quarters, reports = public(frame)
    if not quarters and not reports:
        return
    names = [[q.name for q in quarters], [r.name for r in reports]]
    yield ("supervision",), HOME, names
    for quarter in quarters:
        told = [names, quarter.raw]
        yield ("inspection", quarter.name), url_of_quarter(quarter), told
        for ending in ("csv", "json"):
            yield ("inspection-data", quarter.name, ending), _data_url(url_of_quarter(quarter), ending), told
    for report in reports:
        earlier = _before(report, reports)
        told = [names, annual.dump(report), annual.dump(earlier) if earlier else ""]
        yield ("annual", report.name), url_of_report(report), told
        for ending in ("csv", "json"):
            yield ("annual-data", report.name, ending), _data_url(url_of_report(report), ending), told


def public(frame: Frame) -> tuple[list[Quarter], list[Report]]:
    """What a person published, newest first."""
    quarters = [one for one in frame.city.quarters if one.published_on is not None]
    reports = [one for one in frame.city.reports if one.published_on is not None]
    return quarters[::-1], sorted(reports, key=lambda one: (-one.year, one.site))


def url_of_quarter(quarter: Quarter) -> str:
    return f"{HOME}inspection-{quarter.name.lower()}.html"


def url_of_report(report: Report) -> str:
    return f"{HOME}annual-{report.name}.html"


def _data_url(url: str, ending: str) -> str:
    return url.removesuffix("html") + ending


def title_of_quarter(quarter: Quarter) -> str:
    return f"{quarter.name[:4]}年第{_ORDINAL[quarter.name[5]]}季度政府网站检查结果"


def title_of_report(report: Report) -> str:
    return f"政府网站工作年度报表（{report.year}年度）"


def make(frame: Frame, recipe: Recipe) -> Page | Document:
    quarters, reports = public(frame)
    match recipe:
        case ("supervision",):
            return _home(frame, quarters, reports)
        case ("inspection", name):
            return _inspection(frame, _named(quarters, name), quarters)
        case ("inspection-data", name, ending):
            quarter = _named(quarters, name)
            return Document(
                file=file_of(_data_url(url_of_quarter(quarter), ending)), data=_inspection_data(quarter, ending)
            )
        case ("annual", name):
            return _annual(frame, _named(reports, name), reports)
        case ("annual-data", name, ending):
            report = _named(reports, name)
            return Document(file=file_of(_data_url(url_of_report(report), ending)), data=_annual_data(report, ending))
    raise ValueError(recipe)


def _named(listed: Sequence[Any], name: str) -> Any:
    return next(one for one in listed if one.name == name)


def _home(frame: Frame, quarters: Sequence[Quarter], reports: Sequence[Report]) -> Page:
    return frame.page(
        HOME,
        "supervision",
        "网站监管",
        frame.city.portal,
        {
            "quarters": [_entry(title_of_quarter(q), url_of_quarter(q), q.published_on) for q in quarters],
            "reports": [
                {**_entry(title_of_report(r), url_of_report(r), r.published_on), "site": frame.city.sites[r.site].title}
                for r in reports
                if r.site in frame.city.sites
            ],
        },
        crumbs=[("首页", "/"), ("网站监管", None)],
        meta=column_meta("网站监管", "政府网站季度检查结果和工作年度报表"),
    )


def _entry(title: str, url: str, day: Any) -> Data:
    return {"title": title, "url": url, "date": str(day)}


# --- the quarter -----------------------------------------------------------------------------------------------------


def _inspection(frame: Frame, quarter: Quarter, quarters: Sequence[Quarter]) -> Page:
    raw = quarter.raw
    sites = [_site_row(one, raw["findings"]) for one in raw["sites"]]
    failed = [one for one in sites if not one["passed"]]
    url = url_of_quarter(quarter)
    names = Counter(str(one["name"]) for one in raw["findings"])
    return frame.page(
        url,
        "inspection",
        title_of_quarter(quarter),
        frame.city.portal,
        {
            "inspection": {
                "from": str(raw["from"]),
                "until": str(raw["until"]),
                "published_on": str(quarter.published_on),
                "by": frame.city.records.unit_name(frame.city.portal.unit),
                "document": str(raw["document"]),
                "population": int(raw["population"]),
                "checked": int(raw["checked"]),
                "passed": len(sites) - len(failed),
                "failed": len(failed),
                "findings": len(raw["findings"]),
                "mended": sum(1 for one in raw["findings"] if one.get("mended_on")),
                "sites": sites,
                "failed_sites": failed,
                "findings_by_site": [{"title": one["title"], "findings": one["list"]} for one in sites if one["list"]],
            },
            "bars": _bars(sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))),
            "downloads": _downloads(url, "问题明细"),
            "others": [
                _entry(title_of_quarter(q), url_of_quarter(q), q.published_on) for q in quarters if q != quarter
            ],
        },
        crumbs=[*_CRUMBS, ("检查结果", None)],
        meta=column_meta("网站监管", "政府网站季度检查结果"),
    )


def _site_row(one: Any, findings: Any) -> Data:
    mine = [f for f in findings if f["site"] == one["site"]]
    return {
        "title": str(one["title"]),
        "unit": str(one.get("unit") or ""),
        "passed": bool(one["passed"]),
        "score": None if one.get("score") is None else f"{float(one['score']):g}",
        "vetoes": [str(name) for name in one.get("vetoes") or ()],
        "count": len(mine),
        "open": sum(1 for f in mine if not f.get("mended_on")),
        "texts": int(one.get("texts") or 0),
        "list": [
            {"name": str(f["name"]), "message": str(f["message"]), "by": str(f.get("by") or ""),
             "mended_on": str(f.get("mended_on") or "")}
            for f in mine
        ],
    }  # fmt: skip


def _inspection_data(quarter: Quarter, ending: str) -> bytes:
    raw = quarter.raw
    if ending == "json":
        return _json({"quarter": quarter.name, **raw})
    titles = {one["site"]: one["title"] for one in raw["sites"]}
    rows = [
        [
            titles.get(f["site"], f["site"]),
            f["indicator"],
            f["name"],
            f["message"],
            f["unit"],
            f.get("by"),
            f.get("mended_on") or "",
        ]
        for f in raw["findings"]
    ]
    return _csv(["网站", "指标", "指标名称", "问题", "责任单位", "整改期限", "整改完成"], rows)


# --- the year --------------------------------------------------------------------------------------------------------


def _annual(frame: Frame, report: Report, reports: Sequence[Report]) -> Page:
    values, earlier = report.values, _before(report, reports)
    url = url_of_report(report)
    site = frame.city.sites.get(report.site, frame.city.portal)
    return frame.page(
        url,
        "annual",
        title_of_report(report),
        frame.city.portal,
        {
            "annual": {
                "year": report.year,
                "before": earlier.year if earlier else None,
                "site": site.title,
                "id_code": _said(values.get("id_code"), ""),
                "published_on": str(report.published_on),
                "figures": [
                    {"label": label, "value": _said(values.get(key), ""), "unit": unit}
                    for label, key, unit in (
                        ("独立用户访问", "visitors", "个"), ("总访问量", "visits", "次"),
                        ("信息发布", "published", "条"), ("留言办结", "messages_answered", "条"),
                    )
                    if key in values
                ],
                "sections": [
                    {
                        "title": title,
                        "rows": [
                            {
                                "label": f"{cell.title}（{cell.unit}）" if cell.unit else cell.title,
                                "value": _said(values.get(cell.key), "—"),
                                "earlier": _said(earlier.values.get(cell.key), "—") if earlier else None,
                                "automatic": AUTOMATIC if cell.key in report.computed else "",
                                "number": cell.kind == "number",
                            }
                            for cell in cells
                        ],
                    }
                    for title, cells in annual.sections()
                ],
                "months": _months(report.months),
            },
            "bars": _bars(sorted((pair for pair in report.columns if pair[1]), key=lambda pair: (-pair[1], pair[0]))),
            "downloads": _downloads(url, "年度报表数据"),
            "others": [_entry(title_of_report(r), url_of_report(r), r.published_on) for r in reports if r != report],
        },
        crumbs=[*_CRUMBS, ("年度报表", None)],
        meta=column_meta("网站监管", "政府网站工作年度报表"),
    )  # fmt: skip


def _before(report: Report, reports: Sequence[Report]) -> Report | None:
    return next((one for one in reports if one.site == report.site and one.year == report.year - 1), None)


def _said(value: Value | None, nothing: str) -> str:
    if value is None:
        return nothing
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{value:,}" if isinstance(value, (int, float)) else value


def _months(counts: Sequence[int]) -> Data | None:
    """Twelve bars as numbers of an SVG: 40 wide each, 120 high at most; every bar labelled."""
    if not any(counts):
        return None
    top = max(counts)
    in_tens_of_thousands = top >= 100_000
    return {
        "unit": "万次" if in_tens_of_thousands else "次",
        "total": f"{sum(counts):,}",
        "label": "；".join(f"{n}月 {count:,}" for n, count in enumerate(counts, 1)),
        "bars": [
            {"x": 8 + 40 * n, "y": 140 - round(120 * count / top), "height": round(120 * count / top),
             "month": n + 1, "value": f"{count / 10_000:.1f}" if in_tens_of_thousands else f"{count:,}", "last": n == 11}
            for n, count in enumerate(counts)
        ],
    }  # fmt: skip


def _annual_data(report: Report, ending: str) -> bytes:
    values = report.values
    if ending == "json":
        return _json({"year": report.year, "site": report.site, "values": dict(values), "computed": sorted(report.computed),
                      "columns": dict(report.columns), "months": list(report.months)})  # fmt: skip
    rows = [
        [title, cell.title, cell.unit, _plain(values.get(cell.key)), AUTOMATIC if cell.key in report.computed else ""]
        for title, cells in annual.sections()
        for cell in cells
    ]
    return _csv(["类别", "指标", "单位", "数值", "来源"], rows)


def _plain(value: Value | None) -> str:
    return "" if value is None else _said(value, "").replace(",", "") if not isinstance(value, str) else value


# --- what both have --------------------------------------------------------------------------------------------------


def _bars(pairs: Sequence[tuple[str, int]], most: int = 12) -> list[Data]:
    """Rows of a chart: `percent` of the longest, of 2, so that the style sheet names fifty widths."""
    top = max((count for _name, count in pairs), default=0)
    return [
        {"title": name, "count": count, "percent": max(2, round(50 * count / top) * 2)} for name, count in pairs[:most]
    ]


def _downloads(url: str, title: str) -> list[Data]:
    return [
        {"title": title, "url": _data_url(url, ending), "type": ending.upper(), "note": note}
        for ending, note in (("csv", "表格软件可打开"), ("json", "机器可读"))
    ]


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """With a mark of UTF-8 for the table programs that want one; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([f"'{cell}" if str(cell)[:1] in "=+-@\t" and str(cell) else str(cell or "") for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
