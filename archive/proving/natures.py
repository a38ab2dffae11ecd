"""四性检测: what the proof found, told as 真实性, 完整性, 可用性 and 安全性 (DA/T 70), for people and as JSON.

The four natures are the standard's; its list of single checks could not be read here. Checks that stand for it from
memory are marked as not verified, and nothing that was not looked at is called passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from importlib import resources
from typing import Literal

from archive.proving.evidence import Name
from archive.proving.proof import Proof
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem

Nature = Literal["真实性", "完整性", "可用性", "安全性"]
Result = Literal["通过", "未通过", "未到时", "未检测"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check of the report. `counted`: what of `Proof.looked_at` it went through, `records` and `urls` being the
    proof's own; `codes`: prefixes of the Problem codes that fail it; `aspect`: whether it is due yet; without
    `counted` it was not looked at, and `how` says what people have to do. `known`: read in a source, not remembered."""

    nature: Nature
    title: str
    how: str
    counted: str = ""
    codes: tuple[str, ...] = ()
    aspect: Name = "captured"
    known: bool = True


RULES: tuple[Rule, ...] = (
    Rule(
        nature="真实性",
        title="文件未被改动",
        how="逐个重算清单内文件的 SHA-256，核对清单与站点记录、与上一次采集的衔接",
        counted="listed",
        codes=("verify-file", "verify-chain", "proof-manifest", "capture-manifest"),
    ),
    Rule(
        nature="真实性",
        title="记录与摘要一致",
        how="逐条重读 WARC 记录，重算块摘要和载荷摘要",
        counted="records",
        codes=("warc-", "verify-record", "verify-original", "verify-request", "verify-unreadable", "verify-no-warc"),
    ),
    Rule(
        nature="真实性",
        title="副本文字与记录一致",
        how="分别从记录和副本读出可见文字，去掉归档标记后逐字比较",
        counted="texts",
        codes=("proof-text",),
        aspect="stamped",
    ),
    Rule(
        nature="真实性",
        title="图片和文件与记录一致",
        how="副本旁的原图、原文件与记录内容逐字节比较摘要",
        counted="originals",
        codes=("proof-original",),
        aspect="stamped",
    ),
    Rule(
        nature="真实性",
        title="副本未被改动",
        how="发布目录和线上版本的每个文件与发布索引的摘要比较",
        counted="files",
        codes=("proof-copy-changed", "proof-copy-unknown"),
        aspect="stamped",
    ),
    Rule(
        nature="真实性",
        title="归档标记和机读元数据",
        how="「已歸檔」、归档时间在页首，标题有标记，机读元数据与记录相同（第十五条）",
        counted="stamps",
        codes=("proof-copy-unstamped", "proof-title", "proof-facts"),
        aspect="stamped",
    ),
    Rule(
        nature="完整性",
        title="每个网址都有结果",
        how="清单内每个网址已采集、已转向、按决定排除或原站已无内容，且有记录为证",
        counted="urls",
        codes=("verify-not-fetched", "verify-no-", "verify-url-failed", "frontier-"),
    ),
    Rule(
        nature="完整性",
        title="没有遗漏的网址",
        how="已采集页面所链接的站内网址都在清单内",
        counted="urls",
        codes=("verify-orphan",),
    ),
    Rule(
        nature="完整性",
        title="索引与记录对应",
        how="每条应答在索引内，每条索引指向一条应答",
        counted="records",
        codes=("verify-index",),
    ),
    Rule(
        nature="完整性",
        title="副本齐全",
        how="发布索引内的文件都在，每个应有副本的网址都有副本",
        counted="files",
        codes=("proof-copy-missing", "proof-index", "archive-not-published"),
        aspect="stamped",
    ),
    Rule(
        nature="完整性",
        title="旧网址都有去向",
        how="对照表逐个网址有一行，去向在允许的主机上并且可以打开，服务器配置与对照表一致",
        counted="addresses",
        codes=("proof-unmapped", "proof-target", "proof-redirects-differ", "redirects-"),
        aspect="mapped",
    ),
    Rule(
        nature="完整性",
        title="公告写明去向",
        how="门户公告可以打开，写明网站名称、归档目录和每个栏目的去向（第十二条）",
        counted="columns",
        codes=("proof-notice", "proof-banner"),
        aspect="announced",
    ),
    Rule(
        nature="可用性",
        title="记录可以读出",
        how="逐条解压并读到末尾，续存记录能找到原记录",
        counted="records",
        codes=("warc-", "original-missing", "record-missing"),
    ),
    Rule(
        nature="可用性",
        title="文字没有乱码",
        how="副本中没有替换字符（原页面自身损坏的除外）",
        counted="texts",
        codes=(),
        aspect="stamped",
    ),
    Rule(
        nature="可用性",
        title="链接可以打开",
        how="副本中的链接、图片、样式都指向存在的文件",
        counted="links",
        codes=("proof-link",),
        aspect="links",
    ),
    Rule(nature="可用性", title="办公文件和版式文件可以打开", how="用相应软件抽查打开", known=False),
    Rule(
        nature="安全性",
        title="副本不含可执行内容",
        how="副本中没有脚本、事件属性、插件、可提交的表单，没有外部资源，外部链接先经过提示页",
        counted="harmless",
        codes=("proof-copy-active",),
        aspect="stamped",
    ),
    Rule(nature="安全性", title="恶意代码扫描", how="用单位的杀毒软件扫描采集目录，结果附后", known=False),
    Rule(nature="安全性", title="保密审查", how="按单位的保密审查制度办理，结果附后", known=False),
    Rule(nature="安全性", title="备份与存储介质", how="确认异地备份和介质状态，结果附后", known=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the report."""

    rule: Rule
    looked_at: int
    result: Result
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "nature": self.rule.nature,
            "check": self.rule.title,
            "how": self.rule.how,
            "looked_at": self.looked_at,
            "result": self.result,
            "from_standard": self.rule.known,
            "problems": [problem.as_json() for problem in self.problems],
        }


def checks(proof: Proof) -> list[Check]:
    """Every check with its result, in the order of the report; a Problem that no rule names fails a check of its own."""
    counts = {**proof.looked_at, "records": proof.records, "urls": proof.urls}
    not_due = {aspect.name for aspect in proof.aspects if aspect.not_due}
    found = [_check(rule, counts, rule.aspect in not_due, proof.problems) for rule in RULES]
    told = {id(problem) for check in found for problem in check.problems}
    rest = tuple(problem for problem in proof.problems if id(problem) not in told and problem.severity == "error")
    if rest:
        other = Rule(nature="完整性", title="其他问题", how="检测中发现的其他问题")
        found.append(Check(rule=other, looked_at=len(rest), result="未通过", problems=rest))
    return found


def _check(rule: Rule, counts: dict[str, int], early: bool, problems: Iterable[Problem]) -> Check:
    ours = tuple(one for one in problems if one.code.startswith(rule.codes)) if rule.codes else ()
    number = counts.get(rule.counted, 0)
    result: Result = "通过"
    if any(problem.severity == "error" for problem in ours):
        result = "未通过"
    elif early:
        result = "未到时"
    elif not rule.counted or not number:
        result = "未检测"
    elif rule.title == "文字没有乱码" and counts.get("replaced", 0):
        result = "未通过"
    return Check(rule=rule, looked_at=number, result=result, problems=ours)


def as_json(proof: Proof, *, name: str, now: datetime) -> dict[str, object]:
    return {
        "format": "four-natures/1",
        "site": name,
        "capture": proof.capture,
        "at": now.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "coverage": proof.coverage,
        "orphans": list(proof.orphans),
        "checks": [check.as_json() for check in checks(proof)],
    }


def summary(proof: Proof, on: date) -> dict[str, object]:
    """What the catalogue tells citizens: numbers and results by check, without the addresses of what failed."""
    told = [check.as_json() for check in checks(proof)]
    return {
        "on": on.isoformat(),
        "coverage": proof.coverage,
        "urls": proof.urls,
        "records": proof.records,
        "orphans": len(proof.orphans),
        "aspects": [
            {"name": one.name, "looked_at": one.looked_at, "proven": one.proven, "due": not one.not_due}
            for one in proof.aspects
        ],
        "checks": [{key: value for key, value in check.items() if key != "problems"} for check in told],
    }


def html(proof: Proof, *, name: str, unit: str, approval: str, now: datetime) -> str:
    """The report as one file that needs nothing else, for the screen and for paper."""
    found = checks(proof)
    style = (resources.files("archive") / "templates" / "natures.css").read_text(encoding="utf-8")
    natures: tuple[Nature, ...] = ("真实性", "完整性", "可用性", "安全性")
    facts = {
        "网站": name,
        "采集": proof.capture,
        "主管单位": unit,
        "批准文件": approval,
        "检测时间": f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）",
        "网址": f"{proof.urls} 个，证明 {proof.coverage:g} %，遗漏 {len(proof.orphans)} 个",
    }
    listed = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in facts.items())
    failed = sum(check.result == "未通过" for check in found)
    passed = sum(check.result == "通过" for check in found)
    waiting = len(found) - failed - passed
    verdict = "有检测项未通过" if failed else "已检测的各项全部通过"
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>四性检测报告：{escape(name)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>网页档案四性检测报告</h1>\n<dl>{listed}</dl>\n"
        f'<p class="verdict {"bad" if failed else "good"}"><b>{verdict}</b>'
        f"<span>通过 {passed} 项 · 未通过 {failed} 项 · 未检测或未到时 {waiting} 项</span></p>\n"
        + "".join(_section(nature, [check for check in found if check.rule.nature == nature]) for nature in natures)
        + "<footer><p>依据 DA/T 70 的真实性、完整性、可用性、安全性。标注“未核实”的检测项凭记忆列出，未与标准原文核对，"
        "使用前请对照标准。“未检测”表示本工具没有检测该项，需要人工完成。</p></footer>\n</main>\n</body>\n</html>\n"
    )


_CLASSES: dict[Result, str] = {"通过": "good", "未通过": "bad", "未到时": "early", "未检测": "open"}


def _section(nature: str, found: Sequence[Check]) -> str:
    rows = "".join(_row(check) for check in found)
    return (
        f"<section>\n<h2>{nature}</h2>\n<table>\n<thead><tr><th>检测项</th><th>检测内容</th><th>数量</th><th>结果</th></tr>"
        f"</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )


def _row(check: Check) -> str:
    doubt = "" if check.rule.known else ' <i class="doubt">未核实</i>'
    shown = "".join(
        f"<li><code>{escape(problem.code)}</code> {escape(problem.key or '')} {escape(problem.path)}："
        f"{escape(problem.message)}</li>"
        for problem in check.problems[:20]
    )
    more = len(check.problems) - 20
    rest = f"<li>另有 {more} 项，见 JSON 报告</li>" if more > 0 else ""
    problems = f"<ul>{shown}{rest}</ul>" if shown else ""
    return (
        f'<tr><th scope="row">{escape(check.rule.title)}{doubt}</th><td>{escape(check.rule.how)}{problems}</td>'
        f'<td class="number" data-label="数量">{check.looked_at if check.rule.counted else "—"}</td>'
        f'<td><span class="result {_CLASSES[check.result]}">{check.result}</span></td></tr>\n'
    )
