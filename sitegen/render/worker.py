"""Specs in, files of the staged tree out; only digests and facts go back over the pipe."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import orjson

from sitegen import crew, files, frontmatter, pages, pictures
from sitegen.city import City
from sitegen.content import git_blob
from sitegen.errors import Problem
from sitegen.model import file_of
from sitegen.output import put
from sitegen.pages import Document, Frame, Page, Spec, traditional
from sitegen.pictures import Derived, Studio
from sitegen.render import qr
from sitegen.render.adapter import Engine
from sitegen.render.body import Body, Heading
from sitegen.render.theme import EDITION_URL
from sitegen.search import tables
from sitegen.search.texts import of_article
from sitegen.state.rows import Made
from sitegen.state.shelf import BROKEN, Shelf
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.render.traditional import Traditional

_BODY_FACTS = {"body_key", "start", "length", "headings", "reads", "anchors", "anchor_links"}
_PICTURED = frozenset({"portal", "county", "department", "column", "leader"})
"""Kinds of page that show pictures of what they list, or of whom they are about."""
_NO_BODY = Body(html="", headings=(), reads={}, anchors=(), anchor_links=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all pages of one build have in common. `city` is a city but for its articles: those are asked of the
    database at `state`, which each process opens for itself."""

    root: Path
    config_file: Path
    state: Path
    city: Callable[..., City]
    assets: Mapping[str, str]
    engine: str
    """Digest of all that turns the same data into other bytes."""
    dialect: str
    """Digest of all that turns the same Markdown into another body."""
    staged: Path
    base: Path | None
    """The tree in which unchanged bodies, and pages whose bytes turn out the same, are found."""
    plain: frozenset[str]
    """Paths under content/ beyond articles and their attachments that may be linked: sections and their files."""
    spool: Path | None = None
    """Where the texts of pages are laid down for the search while it has no base; None: it has one."""
    direct: bool = True
    """Whether Markdown that is known to be simple is rendered without Python-Markdown."""


class Shop:
    """One process at work: its engine, its view of the state, its frame of shared values."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.shelf = Shelf.open(setup.state)
        self._studio = Studio(setup.root / "build" / "pictures")
        self._knows_pages = self.shelf.has_pages()
        self.basket = tables.Basket(setup.spool) if setup.spool is not None else None
        city = setup.city(articles=self.shelf)
        self.frame = Frame(city=city, assets=setup.assets, engine=setup.engine)
        self.engine = Engine(
            setup.config_file, self._may_link, setup.state.parent, direct=setup.direct, dialect=setup.dialect
        )

    def _may_link(self, path: str) -> bool:
        return path in self.setup.plain or self.shelf.is_published(path)

    def data(self, job: Job) -> None:
        """What the page is about, and where its Markdown is."""
        if job.twin is not None:
            return
        page = pages.make(self.frame, job.spec.recipe)
        if isinstance(page, Document):
            data = self._traditional.feed(page.data) if job.is_traditional else page.data
            job.made = self._written(job.spec, job.spec.file, data)
        else:
            job.page = page

    def body(self, job: Job) -> None:
        if job.twin is None:
            job.body, job.body_key = self._body(job.page, file_of(job.page.url))

    def values(self, job: Job) -> None:
        """All that the template sees."""
        if job.twin is not None:
            return
        page, body = job.page, job.body
        gov = {**page.gov, **{key: self.frame.shared[name] for key, name in page.shared.items()}}
        gov["contents"] = [{"title": h.title, "anchor": h.anchor} for h in body.headings if h.level <= 2]
        gov["site"] = {**gov["site"], "report_url": gov["report_url"]}
        gov["qr"] = qr.svg(str(gov["canonical"]))
        if gov["template"] in _PICTURED:
            self._offer_pictures(gov)
        if self.frame.city.portal.traditional and traditional.has(page.url) and gov["lang"] != "en":
            self._name_both_editions(gov)
        job.gov = gov

    def _name_both_editions(self, gov: dict[str, Any]) -> None:
        base = self.frame.city.site_url.rstrip("/")
        others = [pair for pair in gov.get("alternates", ()) if pair[0] != "zh-Hans"]
        gov["edition_url"] = traditional.PREFIX + gov["url"]
        gov["alternates"] = [["zh-Hans", gov["canonical"]], ["zh-Hant", base + gov["edition_url"]], *others]
        gov["modes"] = [{"title": "繁體", "url": EDITION_URL}, *gov["modes"]]

    def html(self, job: Job) -> None:
        if job.twin is None:
            if job.page.pictures and "<img" in job.body.html:
                job.body = replace(job.body, html=self._with_pictures(job.page, job.body.html))
            job.html = self.engine.page(job.gov, job.body.html, job.page.shared)

    def _offer_pictures(self, gov: dict[str, Any]) -> None:
        """Items are shared by many pages: what gets offers is a copy."""
        for name in ("pictures", "items"):
            if gov.get(name):
                gov[name] = self._offered(gov[name])
        if gov["template"] == "leader":
            [gov["article"]] = self._offered([gov["article"]])
        elif gov["template"] != "portal" and gov.get("blocks"):
            gov["blocks"] = [{**block, "items": self._offered(block["items"])} for block in gov["blocks"]]

    def _offered(self, items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "offers": self._offers(item["picture"])} if "picture" in item else item for item in items]

    def _offers(self, picture: tuple[str, str, str] | None) -> list[tuple[str, str]]:
        if picture is None:
            return []
        path, digest, place = picture
        return pictures.offers(path, digest, self._derived(digest, place))

    def _derived(self, digest: str, place: str) -> Derived:
        return self._studio.derive(digest, lambda: files.read(f"{self.setup.root}/{place}"))

    def _with_pictures(self, page: Page, html: str) -> str:
        """Outside the body that `mkdocs build` gives, too: what is made of a picture is no matter of its Markdown."""

        def find(source: str) -> tuple[str, str, Derived] | None:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), unquote(source)))
            if path not in page.pictures:
                return None
            digest, place = page.pictures[path]
            return path, digest, self._derived(digest, place)

        return pictures.in_body(html, find)

    def file(self, job: Job) -> None:
        if job.is_traditional:
            job.made = self._traditional_page(job, job.twin or job)
            return
        data, inner = job.html.encode(), job.body.html.encode()
        start = data.find(inner) if inner else 0
        job.made = self._written(job.spec, job.spec.file, data, job.page, job.body, job.body_key, start, len(inner))
        recipe = job.spec.recipe
        if self.basket is not None and recipe[0] == "article" and not recipe[1].retired:
            text = of_article(self.shelf.facts(recipe[1].path), job.spec.file, job.body.html)
            self.basket.put(recipe[1].path, job.made.digest, text)

    def _traditional_page(self, job: Job, twin: Job) -> Made:
        """The counterpart of a page that was just rendered. Its links are questioned with those of the page."""
        if not twin.html:
            raise ValueError(_("its Simplified page could not be rendered"))
        text = self._traditional.page(twin.html, twin.page.url, twin.page.phrases)
        return self._written(job.spec, job.spec.file, text.encode())._replace(reads=twin.body.reads)

    @cached_property
    def _traditional(self) -> Traditional:
        from sitegen.render.traditional import Traditional

        return Traditional(self.frame.city.site_url, self.frame.city.phrases)

    def _written(
        self,
        spec: Spec,
        file: str,
        data: bytes,
        page: Page | None = None,
        body: Body = _NO_BODY,
        body_key: str = "",
        start: int = 0,
        length: int = 0,
    ) -> Made:
        shared = put(self.setup.staged, file, data, self.setup.base)
        return Made(
            file=file,
            section=spec.section,
            key=spec.key,
            digest=hashlib.sha256(data).hexdigest(),
            source=spec.source,
            reads=body.reads,
            anchors=body.anchors,
            anchor_links=body.anchor_links,
            problems=tuple(_unbound(page, body.reads) if page is not None else ()),
            body_key=body_key,
            start=start,
            length=length,
            headings=tuple((h.title, h.anchor, h.level) for h in body.headings),
            markdown=(body.fallback or "direct") if body_key else "",
            shared=shared,
        )

    def _body(self, page: Page, file: str) -> tuple[Body, str]:
        """The body and the name of what it is made of. One that the last release shows is taken from there."""
        if not page.source:
            return _NO_BODY, ""
        text, blob = page.body, page.blob
        if page.place:
            try:
                data = files.read(f"{self.setup.root}/{page.place}")
                source = frontmatter.normalise(data)
            except (OSError, UnicodeDecodeError) as error:
                raise SourceChanged(page.place) from error
            if git_blob(data) != blob and git_blob(source.encode()) != blob:
                raise SourceChanged(page.place)
            text = frontmatter.body_of(source)
        key = f"{self.setup.dialect} {page.source} {blob or git_blob(text.encode())}"
        return self._kept_body(file, key) or self.engine.body(page.source, text), key

    def _kept_body(self, file: str, key: str) -> Body | None:
        """The body as it stands in the last release, when nothing that it is made of has changed since."""
        if self.setup.base is None or not self._knows_pages:
            return None
        known = self.shelf.body_of(file)
        if known is None:
            return None
        digest, facts = known
        made = orjson.loads(facts)
        if not made.keys() >= _BODY_FACTS:  # damaged in a way that is JSON still
            return None
        if made["body_key"] != key or any(self._may_link(path) != found for path, found in made["reads"].items()):
            return None
        try:
            data = files.read(f"{self.setup.base}/{file}")
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != digest:
            return None
        html = data[made["start"] : made["start"] + made["length"]].decode()
        if "<img" in html:  # it stands there with what was made of its pictures
            return None
        return Body(
            html=html,
            headings=tuple(
                Heading(title=title, anchor=anchor, level=level) for title, anchor, level in made["headings"]
            ),
            reads=made["reads"],
            anchors=tuple(made["anchors"]),
            anchor_links=tuple((path, anchor) for path, anchor in made["anchor_links"]),
            fallback="kept",
        )


class SourceChanged(Exception):  # noqa: N818 (it is caught as what happened)
    """A source is not what was judged a moment ago."""


def _unbound(page: Page, reads: Mapping[str, bool]) -> list[Problem]:
    """Files that an article links in a way that its review does not see: found while rendering, so nothing slips by."""
    if not page.place:
        return []
    return [
        Problem(
            path=f"content/{page.source}",
            code="attachment-unbound",
            message=_("it links to content/{path} in a form that the review does not cover").format(path=path),
            remedy=_("write the link as [text](file.pdf)"),
        )
        for path, found in reads.items()
        if found and not path.endswith(".md") and path not in page.files
    ]


@dataclass(slots=True)
class Job:
    """One page on its way; each stage fills in what the next one needs, until it is `made`."""

    spec: Spec
    page: Page = field(init=False)
    body: Body = _NO_BODY
    body_key: str = ""
    gov: dict[str, Any] = field(init=False)
    html: str = ""
    made: Made | None = None
    twin: Job | None = None
    """Of a page in Traditional: the same page in Simplified, when it is rendered in the same batch."""

    @property
    def is_traditional(self) -> bool:
        return bool(self.spec.recipe[0] == traditional.RECIPE)


class Rendered(NamedTuple):
    """`made`: in the order of the specs; `early`: texts that were laid down for the search on the way."""

    made: list[Made]
    early: list[tables.Early]


def render(specs: Sequence[Spec]) -> Rendered:
    """A page that cannot be rendered comes back without a digest and with a Problem.

    A batch goes through stage by stage: code that is used fifty times in a row stays in the processor's caches, which
    makes a page a sixth cheaper than taking each through all stages. Raises OSError when the disk refuses,
    SourceChanged when a source was edited since it was judged, BROKEN when the state is damaged.
    """
    shop = _shop(crew.common())
    shop.shelf.read_ahead([spec.source for spec in specs if spec.source])
    jobs = [Job(spec) for spec in specs]
    by_file = {job.spec.file: job for job in jobs if job.spec.file.endswith(".html")}
    for job in jobs:
        if job.is_traditional:
            job.twin = by_file.get(job.spec.file.removeprefix(f"{traditional.PREFIX[1:]}/"))
    for stage in (shop.data, shop.body, shop.values, shop.html, shop.file):
        for job in jobs:
            if job.made is None:
                _one(stage, job)
    early = shop.basket.take() if shop.basket is not None else []
    return Rendered([job.made for job in jobs if job.made is not None], early)


def _one(stage: Callable[[Job], None], job: Job) -> None:
    try:
        stage(job)
    except (OSError, SourceChanged, *BROKEN):
        raise
    except Exception as error:  # one page must not stop the other 99,999; what went wrong is told
        job.made = failed(
            job.spec,
            "render-failed",
            _("the page could not be rendered: {error}").format(error=f"{type(error).__name__}: {error}"),
            _("look at the template or the Markdown named here; the page's last version stays online"),
        )


def crashed(specs: Sequence[Spec]) -> Rendered:
    """What is known of pages that end every process which renders them."""
    message = _("rendering this page ended the worker process")
    remedy = _("look for something extreme in the source; the page's last version stays online")
    return Rendered([failed(spec, "render-crashed", message, remedy) for spec in specs], [])


def failed(spec: Spec, code: str, message: str, remedy: str) -> Made:
    place = f"content/{spec.source}" if spec.source else f"/{spec.file}"
    problem = Problem(path=place, code=code, message=message, remedy=remedy)
    return Made(file=spec.file, section=spec.section, key="", digest="", source=spec.source, problems=(problem,))


_open: Shop | None = None


def _shop(setup: Setup) -> Shop:
    """This process's shop for the build it serves."""
    global _open
    if _open is None or _open.setup is not setup:
        close()
        _open = Shop(setup)
    return _open


def close() -> None:
    """End with the state file; a process that lives longer than one build calls this after each."""
    global _open
    if _open is not None:
        _open.shelf.close()
        _open = None
