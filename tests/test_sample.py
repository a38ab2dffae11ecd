"""The sample city: real enough to show, and built without a Problem by both programs."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import lxml.html
import pytest

from sitegen import build as building
from sitegen import config, frontmatter, ledger, records, signing
from sitegen.model import Article, Interpretation, Message, Policy
from sitegen.outcome import Report
from sitegen.render.adapter import Engine
from sitegen.signing import Desk
from tests.cities import NOW, ROOT


@pytest.fixture(scope="module")
def built(sample: Path) -> Report:
    return building.build(config.load(sample / "mkdocs.yml"), now=NOW)


@pytest.fixture(scope="module")
def desk(sample: Path) -> Desk:
    return Desk.open(config.load(sample / "mkdocs.yml"))


@pytest.fixture(scope="module")
def articles(desk: Desk) -> list[Article]:
    found = [standing.article for standing in desk.standings([desk.tree.root])]
    assert None not in found
    return [article for article in found if article is not None]


def test_the_sample_builds_without_a_problem(built: Report) -> None:
    assert [problem.as_json() for problem in built.problems] == []
    assert built.pending == 0


def test_the_sample_is_a_whole_city(desk: Desk, articles: list[Article]) -> None:
    """第二条, 第十八条(一), 第二十条(二): functions, contacts, rule-books; enough to show every kind of page."""
    departments = [site for site in desk.tree.sites.values() if site.kind == "department"]
    counties = [site for site in desk.tree.sites.values() if site.kind == "county"]
    assert len(departments) >= 8
    assert len(counties) >= 1
    for site in desk.tree.sites.values():
        assert all((site.leader, site.department, site.person, site.liaison)), site.path
    for site in departments:
        columns = [column for column in desk.tree.columns.values() if column.site == site.path]
        assert 4 <= len(columns) <= 8, site.path
    assert len(articles) >= 150
    kinds = {article.kind for article in articles}
    assert kinds == {"article", "policy", "interpretation", "service", "message", "leader", "page"}
    rule_books = {article.id for article in articles if article.column == "glzd"}
    assert rule_books == {"aqgl", "czgc", "gblc", "jcyj", "yjxy", "sjbh"}
    assert any(column.lang == "en" for column in desk.tree.columns.values())
    assert any(column.kind == "topic" for column in desk.tree.columns.values())
    assert any(path.endswith(".pdf") for article in articles for path in article.assets)
    assert any(path.endswith(".png") for article in articles for path in article.assets)


def test_every_interpretation_and_its_policy_name_each_other(articles: list[Article]) -> None:
    policies = {article.id for article in articles if isinstance(article.details, Policy)}
    interpreted = {i for a in articles if isinstance(a.details, Interpretation) for i in a.details.interprets}
    assert interpreted <= policies
    assert interpreted


def shingles(text: str) -> set[str]:
    plain = re.sub(r"\s+", "", text)
    return {plain[i : i + 5] for i in range(len(plain) - 4)}


def test_articles_are_written_and_not_stamped_out(articles: list[Article]) -> None:
    """No two share more than half of their 5-character shingles; the median body has at least 400 characters."""
    sets = {article.path: shingles(article.body) for article in articles}
    alike = [(a, b) for a, b in combinations(sets, 2) if len(sets[a] & sets[b]) > min(len(sets[a]), len(sets[b])) / 2]
    assert alike == []
    lengths = [len(re.findall(r"[\u4e00-\u9fff]", article.body)) for article in articles if article.lang != "en"]
    assert statistics.median(lengths) >= 400


def test_every_column_holds_something(desk: Desk, articles: list[Article]) -> None:
    """No 空白栏目 (STANDARDS §2.1 V4)."""
    filled = {article.column for article in articles}
    parents = {path.rpartition("/")[0] for path in desk.tree.columns}
    sites = set(desk.tree.sites)
    empty = [p for p in desk.tree.columns if p not in filled and p not in parents and p.rpartition("/")[0] not in sites]
    assert [p for p in desk.tree.columns if p not in filled and not _has_below(p, desk)] == []
    assert empty == []


def _has_below(column: str, desk: Desk) -> bool:
    return any(path.startswith(column + "/") for path in (*desk.tree.columns, *desk.tree.sites))


@pytest.mark.needs("git")
def test_stock_mkdocs_gives_every_article_the_same_body(
    sample: Path, built: Report, desk: Desk, articles: list[Article]
) -> None:
    """The dialect has one definition: `mkdocs build` and `sitegen build` agree byte for byte on page.content."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", str(sample / "mkdocs.yml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    engine = Engine(sample / "mkdocs.yml", lambda path: path in desk.tree.files)
    compared = 0
    for article in articles:
        body = engine.body(article.path, article.body).html
        file = article.url.lstrip("/")
        stock = (sample / "build/mkdocs" / file).read_text(encoding="utf-8")
        ours = (sample / "build/site" / file).read_text(encoding="utf-8")
        for page in (stock, ours):
            before, found, after = page.partition(body)
            assert found, article.path
            assert re.search(r'<div class="md-typeset gov-body[^"]*">\n$', before), article.path
            assert after.startswith("\n</div>"), article.path
        assert 'content="noindex"' in stock
        assert "预览" in stock
        compared += 1
    assert compared == len(articles)


_FOOTER = (
    ("党政机关", "Party and government website"),
    ("网站标识码", "Site code"),
    ("ICP备案编号", "ICP registration"),
    ("公安机关备案", "Public security registration"),
    ("主办单位", "Sponsor"),
    ("找错", "Report an error"),
    ("适老化", "Accessibility"),
    ("网站地图", "Site map"),
    ("0000-", "0000-"),
)
"""What the foot of a page names, in Chinese and in English."""


def test_every_page_carries_identity_and_the_site_tags(sample: Path, built: Report) -> None:
    site = sample / "build/site"
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 300
    for path in pages:
        page = path.read_text(encoding="utf-8")
        for name in ("SiteName", "SiteDomain", "SiteIDCode", "Url"):
            assert re.search(rf'<meta name="{name}" content="[^"]+"', page), (path, name)
        footer = page[page.index("<footer") :]
        for items in _FOOTER:
            assert items[page.startswith('<!doctype html>\n<html lang="en"')] in footer, (path, items)
        assert len(re.findall(r"<h1\b", page)) == 1, path
        scripts = set(re.findall(r"<script[^>]*>", page)) - {'<script type="application/ld+json">'}
        assert all(
            re.fullmatch(r'<script (type="module" )?src="/assets/\w+\.\w+\.js"( defer)?>', tag) for tag in scripts
        ), (path, scripts)
        assert not re.search(r"\sstyle=|\son\w+=", page), path


def _foreign(page: lxml.html.HtmlElement) -> list[str]:
    """Words of a page that a voice would read in the wrong language: Chinese in English, and links the other way."""
    found = []
    for element in page.iter("*"):
        lang = next(iter(element.xpath("ancestor-or-self::*[@lang][1]/@lang")), "")
        outer = next(iter(element.xpath("ancestor::*[@lang][1]/@lang")), "")
        texts = [(text, lang) for text in [element.text]] + [(element.tail, outer)]
        texts += [(element.get(name), lang) for name in ("alt", "title", "placeholder", "aria-label")]
        for text, spoken in texts:
            if element.tag not in {"script", "style"} and re.search("[\u4e00-\u9fff]", text or ""):
                found += [] if spoken.startswith("zh") else [str(text)]
        if (
            element.tag == "a"
            and lang.startswith("zh")
            and re.fullmatch("[A-Z][a-z]+( [A-Za-z]+)+", element.text or "")
        ):
            found.append(str(element.text))
    return found


def test_words_in_another_language_say_so(sample: Path, built: Report) -> None:
    """Names and numbers that stay Chinese on a page in English, and the English column where Chinese pages link it."""
    pages = {path: lxml.html.fromstring(path.read_bytes()) for path in (sample / "build/site").rglob("*.html")}
    assert [page.get("lang") for page in pages.values()].count("en") >= 4
    assert {str(path): found for path, page in pages.items() if (found := _foreign(page))} == {}


def test_no_service_of_the_sample_stands_twice(articles: list[Article]) -> None:
    """Two guides to one matter would differ in time limit and papers, and a citizen would believe the wrong one."""
    names = sorted(re.sub("[（(].*?[）)]", "", a.title) for a in articles if a.kind == "service")
    assert len(names) >= 25
    assert [name for name in names if names.count(name) > 1] == []


def test_no_page_of_the_sample_asks_another_host_for_anything(sample: Path, built: Report) -> None:
    for path in (sample / "build/site").rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:img|link rel="stylesheet"|script|iframe)[^>]+(?:src|href)="([^"]+)"', page)
        assert [url for url in loaded if "//" in url] == [], path


def test_every_internal_link_of_the_sample_has_an_answer(sample: Path, built: Report) -> None:
    from urllib.parse import unquote, urljoin, urlsplit

    site = sample / "build/site"
    dead = set()
    for path in site.rglob("*.html"):
        base = "http://x/" + path.relative_to(site).as_posix()
        for link in re.findall(r'(?:href|src)="([^"]+)"', path.read_text(encoding="utf-8")):
            target = urlsplit(urljoin(base, link.replace("&amp;", "&")))
            if target.netloc != "x" or target.scheme != "http":
                continue
            file = site / unquote(target.path).lstrip("/")
            if not (file / "index.html" if target.path.endswith("/") else file).is_file():
                dead.add((path.relative_to(site).as_posix(), link))
    assert sorted(dead)[:10] == []


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ("hdjl/class_zx.html", lambda details: isinstance(details, Message) and details.message_type == "咨询"),
        ("zcjd/class_wd.html", lambda details: isinstance(details, Interpretation) and details.form == "问答"),
        ("zcwj/class_jtys.html", lambda details: isinstance(details, Policy) and "交通运输" in details.subject),
    ],
)
def test_a_class_of_a_column_lists_its_texts_and_no_others(
    sample: Path, built: Report, articles: list[Article], page: str, named: Callable[[object], bool]
) -> None:
    folder = page.rpartition("/")[0]
    expected = {one.url for one in articles if one.column == folder and named(one.details)}
    text = (sample / "build/site" / page).read_text(encoding="utf-8")
    assert expected
    assert set(re.findall(rf'href="(/{folder}/\d{{6}}/[^"]+)"', text)) == expected


def test_the_home_page_names_a_piece_of_news_once(sample: Path, built: Report) -> None:
    """As its headline, beside its large picture or in the list of news."""
    page = lxml.html.fromstring((sample / "build/site/index.html").read_bytes())
    [headline] = page.findall(".//section[@class='hl w']/h2/a")
    picture = page.findall(".//section[@class='pics']/ul/li/a")[0]
    listed = page.findall(".//div[@class='news']/section[1]/ul/li/a")
    assert len(listed) >= 4
    assert len({link.get("href") for link in (headline, picture, *listed)}) == 2 + len(listed)


def test_no_page_says_the_same_twice(sample: Path, built: Report) -> None:
    """Examples of a service group, matters of older people, and the columns of a county that its bar names already."""
    site = sample / "build/site"
    home, elder, county = (
        lxml.html.fromstring((site / path / "index.html").read_bytes()) for path in ("", "modes/elder", "qx/qinghe")
    )
    places = [span for group in ("tiles", "life") for span in home.findall(f".//*[@class='{group}']//span[@class='m']")]
    examples = [str(span.text).split("、") for span in places]
    assert len(examples) >= 10
    assert [names for names in examples if len(set(names)) < len(names)] == []
    matters = {
        "".join(map(str, span.itertext())) for span in elder.findall(".//ul[@class='elders']//span[@class='t wk']")
    }
    assert (len(matters), {"结婚登记", "生育津贴"} & matters) == (6, set())
    assert [i.get("id") for i in elder.iter("input") if i.get("name") == "gov-mode" and "checked" in i.attrib] == [
        "gov-elder"
    ]
    assert len(county.findall(".//nav[@class='nav']//li")) >= 4
    assert county.findall(".//nav[@class='menu row']") == []


def test_the_front_matter_of_the_sample_is_plain(desk: Desk) -> None:
    for source in desk.sources.values():
        _, found = frontmatter.parse(source.text or "", source.path, frontmatter.ARTICLE_KEYS)
        assert found == [], source.path


def test_signing_a_signed_article_again_is_refused(sample: Path, desk: Desk, articles: list[Article]) -> None:
    path = desk.tree.root / articles[0].path
    given, problems = signing.decide(desk, [path], person="portal-bianji", at=NOW)
    assert given == []
    assert [p.code for p in problems] == ["review-complete"]


def test_the_samples_reviews_hold_in_its_own_history() -> None:
    """`sitegen review verify` on the checkout, with what git knows: nothing to tell; the sample declares why its verdicts
    are older than their commits (`commit_days` in _records/rules.yml)."""
    said = subprocess.run(
        [sys.executable, "-m", "sitegen", "review", "verify", "--json"], cwd=ROOT, capture_output=True, check=False
    )
    told = json.loads(said.stdout)
    assert (said.returncode, told["problems"]) == (0, [])


def test_a_reprint_of_the_sample_is_signed_with_keys_that_ssh_keygen_verifies(tmp_path: Path) -> None:
    """三审 and 保密审查 of a reprint, by three people; the repository holds their public keys only."""
    people, _problems = records.load(ROOT / "content")
    entries = [one for one in ledger.read(ROOT / "content", "xwdt")[0] if one.article == "t20261113_1007"]
    assert [(one.stage, one.proof is not None and one.proof.secrecy) for one in entries] == [
        ("edit", False), ("review", True), ("sign", False),
    ]  # fmt: skip
    for one in entries:
        assert one.proof is not None
        [key] = people.people[one.person].keys
        (tmp_path / "signers").write_text(f"{one.person} {key.line}\n", "utf-8")
        armour = "\n".join(re.findall(".{1,70}", one.proof.signature))
        (tmp_path / "signature").write_text(
            f"-----BEGIN SSH SIGNATURE-----\n{armour}\n-----END SSH SIGNATURE-----\n", "utf-8"
        )
        command = ["ssh-keygen", "-Y", "verify", "-n", "sitegen-review", "-I", one.person]
        command += ["-f", str(tmp_path / "signers"), "-s", str(tmp_path / "signature")]
        message = ledger.message_of(one)
        assert subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0
        assert subprocess.run(command, input=message + b" ", capture_output=True, check=False).returncode != 0
    private = subprocess.run(
        ["git", "grep", "-lI", "BEGIN OPENSSH PRIVATE KEY", "--", "content"], cwd=ROOT, check=False
    )
    assert private.returncode == 1
