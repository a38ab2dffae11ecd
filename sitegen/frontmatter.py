"""Front matter: a source's first lines as a plain mapping, or Problems that say which line to write instead.

Editors know Markdown but no YAML, so the four mistakes they make (full-width colon, second colon, tab, open quote)
are recognised before the YAML parser sees them, each with the corrected line to paste.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import yaml

from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, Severity
from sitegen.text import _

# The same block that MkDocs recognises (mkdocs.utils.meta), so that both see the same body.
_OPENING = re.compile(r"-{3}[ \t]*\n")
_CLOSING = re.compile(r"\n(?:\.{3}|-{3})[ \t]*\n")
_KEY_LINE = re.compile(r"^([^\s:：#\-\[{\"'][^:：]*)([:：])(.*)$")

# Lines whose meaning in YAML is beyond doubt and in which no editor's mistake can hide. They name what is allowed,
# never what is not: any other sign or form sends the whole block to the YAML parser (100 µs an article against 10).
_BEGINS = "0-9A-Za-z\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e\u2014\u2018-\u201d\u2026\u00b7"
_ITEM = rf"[{_BEGINS}][{_BEGINS} _./()+\-]*+"
_IN_QUOTES = rf"[{_BEGINS} _./()+,;=%&?!*@:#'\[\]{{}}\-]*+"
_PLAIN_LINE = re.compile(
    r"^([A-Za-z_\u4e00-\u9fff][0-9A-Za-z_\u4e00-\u9fff]{0,63}):(?: *| +(?:"  # key:
    rf"([{_BEGINS}](?:[{_BEGINS} _./()+,;=%&?!*@\-]++|:(?=[{_BEGINS}/]))*+)"  # words, 9:00, https://…
    rf"|\"({_IN_QUOTES})\" *|\[ *({_ITEM}(?:, *{_ITEM})*+)\] *))\n",  # "…", [a, b]
    re.MULTILINE,
)
_HARMLESS = 4000
"""Characters of front matter that cannot hurt the YAML parser, however they are nested; real ones have 500."""
_NULLS = frozenset({"null", "Null", "NULL"})
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r")
_INVISIBLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML cannot hold in any spelling (XML 1.0 §2.2), so that no feed could tell of it."""

ALIASES: Mapping[str, str] = {
    "类型": "kind",
    "标题": "title",
    "发布时间": "date",
    "日期": "date",
    "来源": "source",
    "作者": "author",
    "关键词": "keywords",
    "摘要": "description",
    "图片": "image",
    "文号": "doc_number",
    "发文字号": "doc_number",
    "索引号": "index_number",
    "发文机关": "issuer",
    "成文日期": "written_on",
    "施行日期": "effective_on",
    "主题分类": "subject",
    "有效性": "validity",
    "替代": "replaces",
    "被替代": "replaced_by",
    "解读": "interprets",
    "解读形式": "form",
    "事项类型": "item_type",
    "服务对象": "audience",
    "办事主题": "theme",
    "人生事件": "life_event",
    "法定时限": "legal_limit",
    "承诺时限": "promised_limit",
    "收费": "fee",
    "办理地点": "place",
    "办理时间": "hours",
    "咨询电话": "phone",
    "投诉电话": "complaint_phone",
    "留言类型": "message_type",
    "来信人": "from",
    "来信时间": "received_on",
    "答复时间": "replied_on",
    "答复单位": "replied_by",
    "职务": "position",
    "分工": "duties",
    "排序": "order",
    "定时发布": "publish_at",
    "到期时间": "expire_at",
    "转载自": "reprint_of",
    "原文时间": "original_at",
    "推送自": "pushed_from",
    "归档自": "migrated_from",
    "下线网站": "retires",
    "繁体": "traditional",
    "个人信息说明": "personal_data",
}

ARTICLE_KEYS = frozenset(ALIASES.values()) | {"lang", "archived_copy"}
SECTION_KEYS = frozenset(
    (
        "kind title short_name description keywords unit sponsor operator domain site_id_code icp police "
        "address hours phone email hotline leader department person liaison parent_name parent_url class "
        "function owner cadence_days content_spec signer order holds classes first lang approval_ref nav require_signatures "
        "messages_url traditional pictures title_en centre_badge centre_url report_badge access_badge access_url"
    ).split()
)

Value = str | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """`values`: key → text or list of texts, aliases resolved. `lines`: key → line in the file, from 1."""

    values: Mapping[str, Value]
    lines: Mapping[str, int]
    body: str


@dataclass(slots=True)
class _Findings:
    path: str
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        code: str,
        line: int | None,
        message: str,
        remedy: str,
        key: str | None = None,
        severity: Severity = "error",
    ) -> None:
        self.problems.append(
            Problem(path=self.path, line=line, code=code, severity=severity, key=key, message=message, remedy=remedy)
        )


def normalise(data: bytes) -> str:
    """Source text without BOM, with LF. Raises UnicodeDecodeError."""
    text = data.decode()
    if text.startswith("\ufeff"):
        text = text[1:]
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def parse(text: str, path: str, known: Iterable[str]) -> tuple[FrontMatter | None, list[Problem]]:
    """Front matter and body of a normalised source; None with at least one error when it cannot be used."""
    found = _Findings(path)
    if _holds_invisible(text):
        _report_invisible(text, found)
        return None, found.problems
    text_lf = text if text.endswith("\n") else text + "\n"
    opening = _OPENING.match(text_lf)
    closing = _CLOSING.search(text_lf, opening.end()) if opening else None
    if opening is None or closing is None:
        _report_missing_block(text, found)
        return None, found.problems
    block = text_lf[opening.end() : closing.start() + 1]
    parsed = _read_plain_lines(block)
    if parsed is None:
        _look_for_common_mistakes(block.split("\n"), found)
        if found.problems:
            return None, found.problems
        parsed = _parse_yaml(block, found)
    if parsed is None:
        return None, found.problems
    values, places = _resolve_keys(parsed, frozenset(known), found)
    if any(problem.severity == "error" for problem in found.problems):
        return None, found.problems
    return FrontMatter(values=values, lines=places, body=text[closing.end() :].lstrip("\n")), found.problems


def _read_plain_lines(block: str) -> list[tuple[str, int, Value]] | None:
    """What `_parse_yaml` would answer, when every line is one that needs no YAML parser; else None."""
    rows = _PLAIN_LINE.findall(block)
    if len(rows) != block.count("\n"):
        return None
    result: list[tuple[str, int, Value]] = []
    for line, (key, plain, quoted, listed) in enumerate(rows, start=2):
        if listed:
            result.append((key, line, [item.strip() for item in listed.split(",")]))
        else:
            value = (plain or quoted).strip()
            result.append((key, line, "" if plain and value in _NULLS else value))
    return result


def quoted(value: str) -> str:
    """A front matter value as sitegen.frontmatter reads it back: quoted where YAML would see something else."""
    value = " ".join(value.split())
    if not value:
        return '""'
    if re.search(r"[:#\"'\\\[\]{}&*!|>%@`]|^[\-?,=<~]", value) or re.fullmatch(
        r"(?i)[\d.+\-_:]+|true|false|yes|no|null|on|off|~", value
    ):
        plain = re.match(r"^(?:https?://[^\s#\"'\\]+|/[^\s#\"'\\:]*|\d{4}-\d{2}-\d{2} \d{2}:\d{2})$", value)
        return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def body_of(text: str) -> str:
    """The body of a normalised source whose front matter was parsed before."""
    text_lf = text if text.endswith("\n") else text + "\n"
    opening = _OPENING.match(text_lf)
    closing = _CLOSING.search(text_lf, opening.end()) if opening else None
    return text[closing.end() :].lstrip("\n") if closing else text


def _holds_invisible(text: str) -> bool:
    """As `_INVISIBLE.search`, at half its price for a Chinese text."""
    data = text.encode()
    return len(data.translate(None, _CONTROL)) != len(data) or b"\xef\xbf\xbe" in data or b"\xef\xbf\xbf" in data


def _report_invisible(text: str, found: _Findings, line: int | None = None, key: str | None = None) -> None:
    if match := _INVISIBLE.search(text):
        found.add(
            "control-character",
            line or text.count("\n", 0, match.start()) + 1,
            _("the line holds a sign that nobody can see ({sign})").format(sign=f"U+{ord(match[0]):04X}"),
            _("write the line anew, without the sign"),
            key=key,
        )


def _report_missing_block(text: str, found: _Findings) -> None:
    if re.match(r"^-{3}[ \t]*\n", text):
        found.add(
            "front-matter-open",
            1,
            _("the front matter has no closing line ---"),
            _("put a line with only --- after the last key"),
        )
    else:
        found.add(
            "front-matter-missing",
            1,
            _("the file does not begin with a line ---"),
            _("begin the file with: {lines}").format(lines="--- / title: … / date: 2026-11-22 09:30 / source: … / ---"),
        )


def _look_for_common_mistakes(lines: list[str], found: _Findings) -> None:
    for number, line in enumerate(lines, start=2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if "\t" in line:
            found.add(
                "front-matter-tab",
                number,
                _("the line holds a tab"),
                _("write: {line}").format(line=" ".join(part.strip(" ") for part in line.split("\t")).strip()),
            )
            continue
        match = _KEY_LINE.match(line)
        if match is None:
            continue
        key, colon, rest = match.group(1).rstrip(" "), match.group(2), match.group(3)
        value = rest.strip()
        if colon == "：":
            found.add(
                "front-matter-full-width-colon",
                number,
                _("the colon after the key is full-width (：)"),
                _("write: {line}").format(line=f"{key}: {_quoted_if_needed(value)}"),
                key=key,
            )
        elif value and not rest.startswith(" "):
            found.add(
                "front-matter-no-space",
                number,
                _("there is no space after the colon"),
                _("write: {line}").format(line=f"{key}: {value}"),
                key=key,
            )
        elif value[:1] in {'"', "'"}:
            if len(value) < 2 or not re.search(rf"{value[0]}\s*(#.*)?$", value[1:]):
                body = value[1:].replace('"', "”")
                found.add(
                    "front-matter-open-quote",
                    number,
                    _("a quotation mark is opened and never closed"),
                    _("write: {line}").format(line=f'{key}: "{body}"'),
                    key=key,
                )
        elif re.search(r":(\s|$)", value) and not value.startswith(("[", "{", "|", ">")):
            found.add(
                "front-matter-second-colon",
                number,
                _("the value holds a colon and must stand in quotation marks"),
                _("write: {line}").format(line=f"{key}: {_quoted_if_needed(value)}"),
                key=key,
            )


def _quoted_if_needed(value: str) -> str:
    return '"' + value.replace('"', "”") + '"' if re.search(r":(\s|$)|^[\[{&*!|>%@`#\"']|\s#", value) else value


def _parse_yaml(block: str, found: _Findings) -> list[tuple[str, int, Value]] | None:
    try:
        deep = _line_nested_too_deeply(block) if len(block) > _HARMLESS else None
        root = yaml.compose(block, Loader=yaml.CSafeLoader) if deep is None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        found.add(
            "front-matter-yaml",
            mark.line + 2 if mark else 1,
            _("cannot be read: {error}").format(error=getattr(error, "problem", None) or error),
            _("write one `key: value` a line; put a value with special signs in quotation marks"),
        )
        return None
    if deep is not None:
        _report_nested(deep, None, found)
        return None
    if not isinstance(root, yaml.MappingNode):
        found.add(
            "front-matter-yaml",
            2,
            _("the block holds no `key: value` lines"),
            _("write: {line}").format(line="title: …"),
        )
        return None
    result: list[tuple[str, int, Value]] = []
    for key_node, value_node in root.value:
        line = key_node.start_mark.line + 2
        value = _plain(value_node)
        if not isinstance(key_node, yaml.ScalarNode) or value is None:
            _report_nested(line, str(key_node.value), found)
            continue
        result.append((key_node.value.strip(), line, value))
        _report_invisible(as_text(value), found, line, str(key_node.value).strip())  # a YAML escape can write one
    return result


def _report_nested(line: int, key: str | None, found: _Findings) -> None:
    found.add(
        "front-matter-nested",
        line,
        _("a value here is a text or a list of texts"),
        _("write the value on one line"),
        key=key,
    )


def _line_nested_too_deeply(block: str) -> int | None:
    """The file's line on which lists stand in lists a hundred deep: 60,000 × `- ` ends the process in `yaml.compose`,
    which recurses in C, and 1,000,000 × `[` takes it hours. The parser's events come one by one.
    """
    depth = 0
    for event in yaml.parse(block, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > 100:
            return event.start_mark.line + 2 if event.start_mark else 1
    return None


def _plain(node: yaml.Node) -> Value | None:
    """Scalars keep the text that stands in the file: 0000000001 stays ten digits and 12:30 is no number."""
    if isinstance(node, yaml.ScalarNode):
        empty = node.tag == "tag:yaml.org,2002:null"
        return "" if empty else str(node.value).strip()
    if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
        return [str(item.value).strip() for item in node.value]
    return None


def _resolve_keys(
    parsed: list[tuple[str, int, Value]], known: frozenset[str], found: _Findings
) -> tuple[dict[str, Value], dict[str, int]]:
    values: dict[str, Value] = {}
    places: dict[str, int] = {}
    for written, line, value in parsed:
        key = ALIASES.get(written, written)
        if key in values:
            found.add(
                "front-matter-duplicate-key",
                line,
                _("{key} stands twice (first on line {first})").format(key=written, first=places[key]),
                _("delete line {line} or line {first}").format(line=line, first=places[key]),
                key=key,
            )
            continue
        if key not in known:
            near = _nearest_key(written, known)
            found.add(
                "front-matter-unknown-key",
                line,
                _("the key {key} is not known").format(key=written),
                _("did you mean {key}?").format(key=near) if near else _("delete the line"),
                key=written,
                severity="warning",
            )
            continue
        values[key] = value
        places[key] = line
    return values, places


@functools.lru_cache(maxsize=256)
def _nearest_key(written: str, known: frozenset[str]) -> str:
    """The key that was meant, or empty: 0.35 ms to find, and a whole folder of migrated texts has the same one."""
    near = difflib.get_close_matches(written, sorted(known | set(ALIASES)), n=1)
    return near[0] if near else ""


_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
# A date has 8 to 11 signs; without that bound a line of T costs minutes.
_MOMENT = re.compile(r"(\S{8,11}?)(?:[ T]+(\d{1,2})[:：](\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:?\d{2})?)?")


def as_text(value: Value | None) -> str:
    return "、".join(value) if isinstance(value, list) else (value or "")


def as_list(value: Value | None) -> tuple[str, ...]:
    """Lists and `a, b，c、d` alike."""
    if value is None:
        return ()
    parts = value if isinstance(value, list) else re.split(r"[,，、;；]", value)
    return tuple(part.strip() for part in parts if part.strip())


def parse_date(text: str) -> date:
    """`2026-11-22`, `2026/11/22` or `2026年11月22日`. Raises ValueError."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return date(int(match[1]), int(match[2]), int(match[3]))


def parse_moment(text: str) -> tuple[datetime, bool]:
    """(aware moment, whether a time of day was written); without an offset it is Asia/Shanghai. Raises ValueError."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    day = parse_date(match[1])
    if not 1900 <= day.year <= 2200:
        raise ValueError(text)
    moment = datetime(day.year, day.month, day.day, int(match[2] or 0), int(match[3] or 0), int(match[4] or 0))
    zone = datetime.fromisoformat(f"2000-01-01T00:00{match[5]}").tzinfo if match[5] else SHANGHAI
    return moment.replace(tzinfo=zone).astimezone(SHANGHAI), match[2] is not None
