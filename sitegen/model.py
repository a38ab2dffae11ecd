"""The nouns: identity, section (portal, county, department, column, topic), article, and what is special to its kind."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

SiteKind = Literal["portal", "county", "department"]
FUNCTIONS = ("信息发布", "解读回应", "办事服务", "互动交流")
CLASSES = (
    "概况信息",
    "机构职能",
    "负责人信息",
    "政务动态",
    "政策文件",
    "通知公告",
    "信息公开",
    "数据发布",
    "政策解读",
    "回应关切",
    "办事服务",
    "互动交流",
)
ARTICLE_KINDS = ("article", "policy", "interpretation", "service", "message", "leader", "page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A portal, a county's portal or a department section: an identity with columns below it (第二条, 第五条)."""

    path: str
    """Folder under content/, empty for the portal."""
    kind: SiteKind
    title: str
    short_name: str
    description: str
    keywords: tuple[str, ...]
    unit: str
    sponsor: str
    operator: str
    id_code: str
    """网站标识码"""
    icp: str
    police: str
    """公安备案"""
    address: str
    hours: str
    phone: str
    email: str
    hotline: str
    leader: str
    department: str
    person: str
    liaison: str
    parent_name: str
    parent_url: str
    signed_from: date | None = None
    """Verdicts from this day on need a signature (`require_signatures`); None: none does."""
    nav: tuple[str, ...]
    """Columns of the primary navigation, as paths below the site; empty: all of them."""
    messages_url: str
    """Of the portal: where the message service answers, a root-relative path that ends in `/`; empty: there is none."""
    title_en: str
    """What pages in English call it; may be empty."""
    centre_url: str
    """Where the badge 党政机关 leads (STANDARDS §2.6); empty: nowhere."""
    access_url: str
    """Where 适老化与无障碍 leads: the statement of the site."""
    badges: Mapping[str, str]
    """`centre` 党政机关, `report` 找错, `access` 适老化与无障碍 → its picture, a path under content/."""
    pictures: bool
    """Of the portal: whether pictures are cleaned and offered in several sizes (`sitegen/pictures.py`)."""
    traditional: bool
    """Of the portal: whether everything is also published in Traditional characters, under `/zh-hant/`."""
    body: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column or a topic; its class, owner, cadence and content are the 内容保障责任分解表 (第十八条(三))."""

    path: str
    kind: Literal["column", "topic"]
    site: str
    """Path of the site it belongs to."""
    title: str
    description: str
    keywords: tuple[str, ...]
    class_name: str
    function: str
    owner: str
    cadence_days: int
    content_spec: str
    signer: str
    order: int
    holds: str
    classes: tuple[str, ...]
    """By which its list can be narrowed (公告, 通告, …), in this order; empty: by none."""
    first: tuple[str, ...]
    """File names without `.md`: what its list begins with, in this order; empty: the newest."""
    lang: str
    body: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """News, notices and standing pages have nothing beyond what every article has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """公文要素."""

    doc_number: str
    index_number: str
    issuer: str
    written_on: date
    effective_on: date | None
    subject: tuple[str, ...]
    validity: str
    replaces: str
    replaced_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    interprets: tuple[str, ...]
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    item_type: str
    audience: str
    theme: str
    life_event: str
    legal_limit: str
    promised_limit: str
    fee: str
    place: str
    hours: str
    phone: str
    complaint_phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    message_type: str
    sender: str
    received_on: date
    replied_on: date
    replied_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    position: str
    duties: str
    order: int


Details = Plain | Policy | Interpretation | Service | Message | Leader
DETAILS = (Plain, Policy, Interpretation, Service, Message, Leader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One version of one source that may be published."""

    id: str
    """Stable id: the file's stem."""
    path: str
    """Source under content/."""
    column: str
    kind: str
    title: str
    date: datetime
    """发布时间, aware, Asia/Shanghai."""
    source: str
    author: str
    keywords: tuple[str, ...]
    description: str
    image: str
    """Path under content/ or empty."""
    lang: str
    publish_at: datetime | None
    expire_at: datetime | None
    migrated_from: str
    """Target URI of the archived page this text came from (第十五条: relating archived and current)."""
    archived_copy: str
    traditional: tuple[str, ...]
    """Phrases that its Traditional counterpart writes its own way: `干细胞=幹細胞`."""
    retires: str
    """Of a migration notice (第十二条(三)): the id of the site that goes offline."""
    details: Details
    body: str
    assets: Mapping[str, str]
    """Local images and attachments: path under content/ → SHA-256 (`sha256:…`)."""
    linked: tuple[str, ...]
    """Every local file it names, whether it stands there or not."""
    digest: str
    """As the review ledger binds it (docs/FORMATS.md §1.2)."""
    blob: str
    reprint_of: str = ""
    """Of a reprint: the URL of the original (第十九条(三))."""
    original_at: datetime | None = None
    """When the original was published, aware."""
    pushed_from: str = ""
    """The system that pushed the text here, reviewed."""

    @property
    def url(self) -> str:
        return url_of(self.path)


VALIDITY = "有效性："
"""So begins the trait that says whether a policy is in force."""
_BRACKETS_AT_END = re.compile(r"(?:（[^（）]*）|\([^()]*\))\s*$")


def traits_of(article: Article) -> tuple[str, ...]:
    """By what a column's classes find an article: its 主题分类, its 有效性, form or kind of message, then its title without
    brackets at its end, whose last word is its 文种."""
    title = " ".join(_BRACKETS_AT_END.sub("", article.title).split())
    match article.details:
        case Policy(subject=subject, validity=validity):
            return (*subject, f"{VALIDITY}{validity}", title)
        case Interpretation(form=form):
            return (form, title)
        case Message(message_type=message_type):
            return (message_type, title)
    return (title,)


def is_of_class(traits: str, name: str) -> bool:
    """`traits`: those of `traits_of`, a line each."""
    return name in traits.splitlines() or traits.endswith(name)


def url_of(source: str) -> str:
    """`jyj/tzgg/202611/t1.md` → `/jyj/tzgg/202611/t1.html`; a folder's index.md → `/jyj/`."""
    if source == "index.md" or source.endswith("/index.md"):
        return "/" + source.removesuffix("index.md")
    return "/" + source.removesuffix(".md") + ".html"


def file_of(url: str) -> str:
    """The file of a release that answers for a root-relative URL."""
    return url[1:] + "index.html" if url.endswith("/") else url[1:]


_LINK_TEXT = re.compile(r"\[([^\]\[]{1,300})\]\(<?([^)\s>]{1,500})")


def link_texts(body: str) -> dict[str, str]:
    """File name → text of the link that leads to it."""
    return {posixpath.basename(path): text for text, path in _LINK_TEXT.findall(body)}
