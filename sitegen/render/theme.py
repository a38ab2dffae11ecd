"""The theme under our own jinja2: what is equal on many pages is rendered once, the rest for each page.

MkDocs gives its themes the same jinja2.Environment (theme.get_env()) with two filters and a translation extension
that our kinds do not use; taking it from MkDocs would cost its import and its settings in every new process. The
preview of `mkdocs build` goes on using MkDocs' own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

PARTS = 128
"""How many parts of frames a process keeps. Pages come in the order of their addresses: a handful are in use at a time."""

_SHARED: Mapping[str, tuple[str, ...]] = {
    "header": ("portal", "site", "nav"),
    "footer": ("site", "footer_groups", "footer_links"),
    "menu": ("menu",),
}
"""Part of the frame (a template in partials/) → what it shows of the values that many pages share."""

_REPORT_URL = Markup("<report-url>")
"""Where 找错 with the page's own address goes. Escaped text has no `<`, so no value of a frame can hold this mark."""

EDITION_URL = Markup("<edition-url>")
"""Where the page's counterpart in the other edition is linked, in the same way."""

_NAMED = frozenset({"portal", "county", "department"})
"""Kinds whose h1 is the name in the header."""

_WORDS = (
    "关于 印发 公布 发布 开展 做好 加强 促进 推进 推动 支持 进一步 贯彻 落实 废止 修改 修订 调整 同意 批准 转发 举行 举办 召开 "
    "部署 启动 完成 实现 提高 建设 改造 保障 实施 管理 服务 治理 整治 保护 利用 规范 优化 完善 申请 办理 登记 缴费 "
    "人民政府 市政府 县政府 区政府 政府 办公室 常务会议 全体会议 专题会议 会议 教育局 民政局 财政局 统计局 交通运输局 "
    "生态环境局 住房城乡建设局 卫生健康委员会 人力资源社会保障局 医疗保障局 行政审批局 文化旅游局 公安局 "
    "行政审批服务局 住房和城乡建设局 人力资源和社会保障局 文化和旅游局 旅游局 "
    "办法 规定 细则 条例 方案 计划 规划 意见 措施 若干 通知 公告 通告 决定 批复 清单 名单 目录 指南 要点 报告 解读 图解 "
    "暂行 试行 行动 工作 事项 项目 工程 资金 补助 补贴 政策 制度 体系 机制 标准 情况 结果 信息 公开 征求 草案 "
    "网站 变更 文化遗产 代表性 城市 农村 城乡 居民 群众 企业 市场 社区 老旧小区 小区 学校 学生 幼儿园 医院 养老 托育 医疗保险 医疗 社会保险 社保 "
    "就业 住房 公积金 公租房 交通 公交 道路 停车场 停车 机动车 车辆 供暖 供热 供水 用水 电动自行车 自行车 垃圾 环境 空气 质量 "
    "冬季 夏季 春季 秋季 年度 上半年 下半年 期间 之间 以来 前三季度 一季度 全市 全区 全县 我市 市区 "
    "安全 生产 消防 应急 防火 防汛 森林 重点 重大 普惠 基本 公共 个人 高效 办成 一件事 最新 如何 怎样 怎么 哪些 多少 什么 "
    "和 与 及 以及 并 将 为 在 对 从 至"
).split()
_BY_FIRST: dict[str, tuple[str, ...]] = {
    first: tuple(sorted((word for word in _WORDS if word[0] == first), key=len, reverse=True))
    for first in {word[0] for word in _WORDS}
}
_NUMBER = re.compile(r"[0-9][0-9.,:%％—～~-]*(?:[年月日号时点分个件所家条项万亿元人次公里米天批届期]+)?")
_YEAR = re.compile(r"〔[0-9]{4}〕[0-9]*号?")
_OPENING = frozenset("《“（‘「〔(")
_CLOSING = frozenset("》”）’」〕、，：；。！？)—")
_CLINGING = _CLOSING | frozenset("的了等类稿性 ")
"""Never at the beginning of a line."""


class Theme:
    """`folder` is the theme; `compiled`: a folder where compiled templates outlive the process, or None.

    Whatever stands in `folder` when a template is first used holds for the life of this object.
    """

    def __init__(self, folder: Path, compiled: Path | None) -> None:
        self._environment = _Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=CompiledTemplates(compiled) if compiled else None,
        )
        self._environment.filters["phrases"] = phrases
        self._parts: dict[tuple[object, ...], list[str]] = {}

    def page(self, gov: Mapping[str, Any], body_html: str, shared: Mapping[str, str]) -> str:
        """One whole page. Raises jinja2.TemplateError.

        `shared`: key of `gov` → the name of its value. Two pages that give the same names get the same frame, so a
        name means one value for the life of this object; a part that shows a value without a name is not kept.
        """
        return self._environment.get_template(f"kinds/{gov['template']}.html").render(
            gov=gov,
            page={"content": Markup(body_html)},  # noqa: S704 (sanitised by our extension)
            frame=_Frame(self, gov, shared),
        )

    def part(self, name: str, own: _Own, gov: Mapping[str, Any], shared: Mapping[str, str]) -> list[str]:
        """HTML, in pieces where the page's own report address goes between."""
        try:
            key = (name, own, *[shared[key] for key in _SHARED[name]])
        except KeyError:
            return self._new_part(name, own, gov)
        pieces = self._parts.get(key)
        if pieces is None:
            pieces = self._new_part(name, own, gov)
            while len(self._parts) >= PARTS:
                del self._parts[next(iter(self._parts))]
            self._parts[key] = pieces
        return pieces

    def _new_part(self, name: str, own: _Own, gov: Mapping[str, Any]) -> list[str]:
        """The template sees nothing that is not in the part's key."""
        values = own._asdict() | {key: gov[key] for key in _SHARED[name]}
        values["report_url"] = _REPORT_URL if own.report_url else None
        if "site" in values:
            values["site"] = {**values["site"], "report_url": values["report_url"]}
        return self._environment.get_template(f"partials/{name}.html").render(gov=values).split(_REPORT_URL)


class _Own(NamedTuple):
    """What the frame shows of the page's own values: few, and the same on nearly all pages of a site."""

    lang: str
    report_url: bool
    named: bool
    search_url: str | None
    modes: tuple[tuple[str, str], ...]
    mode: str | None


class _Frame:
    """What surrounds a page's content, by the name of the part; rendered when the page's template asks for it.

    A call and no mapping: what goes wrong in `frame["header"]` jinja2 takes for a missing key, and writes nothing.
    """

    def __init__(self, theme: Theme, gov: Mapping[str, Any], shared: Mapping[str, str]) -> None:
        self._theme = theme
        self._gov = gov
        self._shared = shared
        self._report_url = _escaped(gov["report_url"] or "")
        self._own = _Own(
            gov["lang"],
            bool(gov["report_url"]),
            gov["template"] in _NAMED,
            gov["search_url"],
            tuple([(mode["title"], mode["url"]) for mode in gov["modes"]]),
            gov.get("mode"),
        )

    def __call__(self, part: str) -> Markup:
        pieces = self._theme.part(part, self._own, self._gov, self._shared)
        text = self._report_url.join(pieces)
        if EDITION_URL in text:
            text = text.replace(EDITION_URL, _escaped(self._gov["edition_url"]))
        return Markup(text)  # noqa: S704 (all of it is escaped)


def phrases(title: str) -> Markup:
    """A title breaks between its words, never inside 文号, a number with its unit or a name we know.

    The style sheet forbids all other breaks (`word-break: keep-all`), but for a phrase longer than the line.
    """
    if len(title) <= 12 or title.isascii():
        return escape(title)
    parts, start, end = [], 0, len(title)
    for place in _word_ends(title):
        before, after = title[place - 1], title[place]
        alone = place - start == 1 or end - place == 1
        if not alone and before not in _OPENING and before != " " and after not in _CLINGING:
            parts.append(title[start:place])
            start = place
    parts.append(title[start:])
    return Markup("<wbr>".join(map(_escaped, parts)))  # noqa: S704 (each part is escaped)


def _word_ends(title: str) -> list[int]:
    """Where words that we know begin and end, in order, but for the title's own ends."""
    ends, place, last = [], 0, len(title)
    while place < last:
        sign, size = title[place], 0
        if sign in _BY_FIRST:
            for word in _BY_FIRST[sign]:
                if title.startswith(word, place):
                    size = len(word)
                    break
        elif "0" <= sign <= "9" and (number := _NUMBER.match(title, place)):
            size = number.end() - place
        elif sign == "〔" and (year := _YEAR.match(title, place)):
            place = year.end()  # 示政发〔2026〕18号 stays in one piece
            ends.append(place)
            continue
        if size or sign in _OPENING:
            ends.append(place)
        place += size or 1
        if size or sign in _CLOSING:
            ends.append(place)
    return [end for end in dict.fromkeys(ends) if 0 < end < last]


# --- jinja2, cheaper -------------------------------------------------------------------------------------------------


class _Template(jinja2.Template):
    """A template that writes text with `_escaped`; the result is the same without it, only later."""

    @classmethod
    def from_code(
        cls,
        environment: jinja2.Environment,
        code: Any,
        globals: MutableMapping[str, Any],
        uptodate: Any = None,
    ) -> jinja2.Template:
        template = super().from_code(environment, code, globals, uptodate)
        template.root_render_func.__globals__["escape"] = _escaped
        return template


class _Environment(jinja2.Environment):
    template_class = _Template

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A dict, not a ChainMap: every render and every import walks through it, which took 10 µs each time."""
        return {**self.globals, **(d or {})}


_special = re.compile("[&<>\"']").search


def _escaped(value: object) -> str:
    """What markupsafe.escape gives, without a Markup object for each: 230 of them were half of a page's time."""
    if type(value) is not str:
        return value if type(value) is Markup else str(escape(value))
    if _special(value) is None:
        return value
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("'", "&#39;").replace('"', "&#34;")


class CompiledTemplates(jinja2.BytecodeCache):
    """Compiled templates on disk, for a process that renders one page. What is missing or damaged is compiled again.

    A file is the SHA-256 of the rest, then jinja2's own form, which names the Python version and the template's
    digest. Loading it runs it, so it lies with the build's state, where only the builder writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            data = self._file(bucket).read_bytes()
        except OSError:
            return
        if hashlib.sha256(data[32:]).digest() == data[:32]:
            bucket.bytecode_from_string(data[32:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        data = bucket.bytecode_to_string()
        path = self._file(bucket)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.open")
        with contextlib.suppress(OSError):  # a full disk only costs the time to compile again
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(hashlib.sha256(data).digest() + data)
            temporary.replace(path)

    def _file(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}-{jinja2.__version__}"
