"""The theme's contract: a page follows from its own values alone, whatever was rendered before it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from markupsafe import Markup, escape

from sitegen.render import theme
from sitegen.render.theme import Theme, phrases
from tests.cities import ROOT

FOLDER = ROOT / "themes/gov"
STAMP = {
    "label": "已歸檔",
    "archived_on": "2026-11-01",
    "captured_at": "2026-10-01 10:00:00",
    "original_url": "http://old.example/?a=1&b=2",
    "reason": "并入本门户",
    "unit": "示例市教育局",
    "approval": "示政发〔2026〕1号",
    "successor": {"title": "现在的页面", "url": "/xwdt/"},
    "catalogue_url": "/archive/old/",
}


def site(path: str, title: str, **other: object) -> dict[str, object]:
    keys = (
        "id_code icp police sponsor operator address hours phone email hotline parent_name parent_url "
        "leader department person liaison title_en centre_url access_url"
    )
    return {
        **dict.fromkeys(keys.split(), ""),
        "title": title,
        "short_name": title,
        "url": f"/{path}/" if path else "/",
        "domain": f"www.example.gov.cn/{path}".rstrip("/"),
        "kind": "department" if path else "portal",
        "badges": {},
        "hotline": "12345",
        "report_url": "",
        **other,
    }


PORTAL = site("", "示例市人民政府", parent_url="https://www.province.example/", parent_name="示例省人民政府")
SCHOOLS = site("jyj", "示例市教育局")


def article(url: str, of: Mapping[str, object] = PORTAL, **other: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """`gov` of an article (docs/THEME.md) and the names of what it shares."""
    report_url = f"https://report.example/?a=1&url={url}"
    gov: dict[str, Any] = {
        "template": "article",
        "title": "标题",
        "document_title": f"标题 - {of['title']}",
        "url": url,
        "canonical": f"https://www.example.gov.cn{url}",
        "lang": "zh-Hans-CN",
        "meta": [["SiteName", of["title"]], ["Url", url]],
        "json_ld": None,
        "open_graph": [["og:title", "标题"]],
        "alternates": [],
        "mode": None,
        "breadcrumb": [{"title": "首页", "url": "/"}, {"title": "正文", "url": None}],
        "notices": [],
        "search_url": None,
        "modes": [],
        "report_url": report_url,
        "archived": None,
        "article": {
            **dict.fromkeys(("author", "updated", "migrated_from", "archived_copy"), None),
            "title": "示例市人民政府办公室关于印发《示例办法》的通知",
            "date": "2026-11-20",
            "date_time": "2026-11-20 09:30",
            "datetime": "2026-11-20T09:30+08:00",
            "source": "示例市人民政府办公室",
            "keywords": ["甲", "乙"],
            "attachments": [],
        },
        "related": [],
        "previous": None,
        "next": None,
        "qr": None,
        "contents": [],
        "portal": PORTAL,
        "site": {**of, "report_url": report_url},
        "nav": [{"title": "首页", "url": "/", "current": False}],
        "menu": [{"title": "通知公告", "url": f"{of['url']}tzgg/", "current": True}],
        "footer_groups": [{"title": "县区", "links": [{"title": "甲县", "url": "/jia/"}]}],
        "footer_links": [{"title": "关于", "url": "/about/"}],
        "assets": {"style": "/assets/gov.css", "script": "/assets/gov.js"},
        **other,
    }
    shared = {
        "portal": "site:",
        "site": f"site:{of['url']}",
        "nav": "nav::",
        "menu": f"menu:{of['url']}",
        "footer_groups": "footer:groups",
        "footer_links": "footer:links",
        "assets": "assets",
    }
    return gov, shared


def test_a_page_is_the_same_whatever_was_rendered_before_it() -> None:
    """Two sites, two languages, with and without the stamp, with and without 找错, a home and its articles."""
    pages = [
        article(f"{of['url']}{number}.html", of, lang=lang, archived=archived)
        for number in range(2)
        for of in (PORTAL, SCHOOLS)
        for lang in ("zh-Hans-CN", "en")
        for archived in (None, STAMP)
    ]
    pages.append(article("/a.html", search_url="/search"))
    pages.append(article("/b.html", modes=[{"title": "繁體", "url": "/hant/"}]))
    pages.append(article("/c.html", notices=[{"label": "公告", "text": "停机维护", "url": None, "link": None}]))
    pages.append(article("/d.html", report_url=None, site={**PORTAL, "report_url": None}))
    pages.append(article("/", template="department", blocks=[]))
    pages.append(article("/e.html", template="page"))
    pages.append(article("/jyj/e.html", SCHOOLS, template="page"))
    engine = Theme(FOLDER, None)
    together = [engine.page(gov, "<p>正文</p>", shared) for gov, shared in pages + pages]
    alone = [Theme(FOLDER, None).page(gov, "<p>正文</p>", {}) for gov, _ in pages]
    assert together == alone + alone
    assert len(set(alone)) == len(alone)


def test_the_frame_speaks_the_language_of_the_page() -> None:
    engine = Theme(FOLDER, None)
    for lang, words in (
        ("zh-Hans-CN", ("主导航", "主办单位", "栏目导航")),
        ("en", ("Main navigation", "Sponsor", "Sections")),
    ):
        gov, shared = article("/1.html", site("", "示例市人民政府", sponsor="甲"), lang=lang, template="page")
        page = engine.page(gov, "", shared)
        assert [word for word in words if word not in page] == []


def test_names_that_stay_chinese_on_a_page_in_english_say_so() -> None:
    """The voice of a screen reader changes with them: whose site it is, numbers of registration, source, notices."""
    mine = site(
        "jyj", "教育局", icp="示ICP备1号", police="示公网安备1号", sponsor="教育局", address="人民路", hours="全天"
    )
    notice = {"label": "公告", "text": "停机维护", "url": "/a.html", "link": "查看"}
    gov, shared = article("/1.html", mine, lang="en", document_title="T", title="T", notices=[notice], breadcrumb=[])
    gov["article"] |= {"title": "T", "author": "甲", "keywords": []}
    gov["open_graph"], gov["meta"] = [], []
    page = lxml.html.fromstring(Theme(FOLDER, None).page(gov, "", shared))
    said = [e for e in page.iter("*") if re.search("[\u4e00-\u9fff]", f"{e.text} {e.get('aria-label')}")]
    assert len(said) >= 12
    languages = {e: next(one.get("lang", "") for one in (e, *e.iterancestors()) if one.get("lang")) for e in said}
    assert [e.text for e, lang in languages.items() if not lang.startswith("zh")] == []


def test_each_page_reports_its_own_address() -> None:
    """第二十四条: 「我为政府网站找错」 opens with the page one was looking at."""
    engine = Theme(FOLDER, None)
    for url in ("/1.html", "/2.html"):
        gov, shared = article(url)
        page = engine.page(gov, "", shared)
        assert page.count(f'href="https://report.example/?a=1&amp;url={url}"') == 2  # header and footer
        assert page.count("https://report.example/") == 2


@pytest.mark.parametrize("text", ["<report-url>", "\x00", "{{ frame('header') }}", "</main>"])
def test_no_text_of_a_site_can_stand_for_something_of_ours(text: str) -> None:
    """Neither a body nor a name is searched for marks: a body stands as it came, a name escaped."""
    engine = Theme(FOLDER, None)
    mine = site("x", f"示例{text}局", sponsor=text, address=text)
    gov, shared = article("/x/1.html", mine, title=text)
    body = f"<p>{text}</p>"
    page = engine.page(gov, body, shared)
    assert page == Theme(FOLDER, None).page(gov, body, {})
    assert f'<div class="md-typeset gov-body">\n{body}\n</div>' in page
    assert page.replace(body, "").count("<report-url>") == 0
    assert f">示例{escape(text)}局</a>" in page
    assert page.count("https://report.example/") == 2


def test_what_is_kept_does_not_grow_with_the_city() -> None:
    engine = Theme(FOLDER, None)
    for number in range(theme.PARTS):
        gov, shared = article(f"/d{number}/1.html", site(f"d{number}", f"示例市第{number}局"))
        assert f"示例市第{number}局</a>" in engine.page(gov, "", shared)
    assert len(engine._parts) == theme.PARTS


def test_a_part_of_the_frame_sees_only_what_it_is_kept_by(tmp_path: Path) -> None:
    """A footer that asked for the page's title would show the first page's title on all; it gets none."""
    folder = shutil.copytree(FOLDER, tmp_path / "gov")
    (folder / "partials/footer.html").write_text('<footer>[{{ gov["title"] }}]</footer>', encoding="utf-8")
    gov, shared = article("/1.html", title="不该出现")
    assert "<footer>[]</footer>" in Theme(folder, None).page(gov, "", shared)


def test_a_part_that_fails_fails_the_page(tmp_path: Path) -> None:
    """A page without its header must not be published in silence."""
    folder = shutil.copytree(FOLDER, tmp_path / "gov")
    (folder / "partials/header.html").write_text("{{ 1 + gov['lang'] }}", encoding="utf-8")
    gov, shared = article("/1.html")
    with pytest.raises(TypeError):
        Theme(folder, None).page(gov, "", shared)
    del gov["nav"]
    with pytest.raises(KeyError):
        Theme(FOLDER, None).page(gov, "", shared)


@pytest.mark.parametrize("value", ["a", "<&>\"'", "", None, 7, Markup("<b>"), ["<"], True])
def test_text_is_escaped_as_jinja_does(value: object) -> None:
    assert theme._escaped(value) == str(escape(value))


def test_a_title_breaks_between_its_phrases() -> None:
    assert phrases("示例市人民政府") == "示例市人民政府"
    assert phrases("Notice of the <office> of the city") == "Notice of the &lt;office&gt; of the city"
    assert phrases("关于印发《示例<市>办法》的通知") == ("关于<wbr>印发<wbr>《示例&lt;市&gt;<wbr>办法》的<wbr>通知")
    assert phrases("关于做好2026—2027年采暖季供热保障工作的通知") == (
        "关于<wbr>做好<wbr>2026—2027年<wbr>采暖季<wbr>供热<wbr>保障<wbr>工作的<wbr>通知"
    )
    assert phrases("关于示例市行政审批服务局网站变更域名的公告") == (
        "关于<wbr>示例市<wbr>行政审批服务局<wbr>网站<wbr>变更<wbr>域名的<wbr>公告"
    )
    assert phrases("示政发〔2026〕18号文件的政策解读") == "示政发〔2026〕18号<wbr>文件的<wbr>政策<wbr>解读"


# --- compiled templates ----------------------------------------------------------------------------------------------


def rendered(folder: Path, compiled: Path | None) -> str:
    gov, shared = article("/1.html")
    return Theme(folder, compiled).page(gov, "<p>正文</p>", shared)


def test_compiled_templates_may_vanish_or_rot(tmp_path: Path) -> None:
    """They only save time: deleted, cut off, altered or not writable, the page is the same."""
    compiled = tmp_path / "state/templates"
    expected = rendered(FOLDER, None)
    assert rendered(FOLDER, compiled) == expected
    files = sorted(compiled.iterdir())
    assert len(files) > 5
    good = {path.name: path.read_bytes() for path in files}
    for damage in (
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data.replace(b"class=", b"klass="),
    ):
        for path in files:
            path.write_bytes(damage(good[path.name]))
        assert rendered(FOLDER, compiled) == expected
        assert {path.name: path.read_bytes() for path in compiled.iterdir()} == good
    shutil.rmtree(compiled)
    assert rendered(FOLDER, compiled) == expected
    shutil.rmtree(compiled)
    compiled.write_text("a file where the folder should be", encoding="utf-8")
    assert rendered(FOLDER, compiled) == expected


def test_a_second_process_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rendered(FOLDER, tmp_path)

    def compile_again(*_: object, **__: object) -> None:
        pytest.fail("a template was compiled again")

    monkeypatch.setattr(theme._Environment, "compile", compile_again)
    assert rendered(FOLDER, tmp_path) == expected


def test_a_changed_template_is_compiled_again(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "gov")
    compiled = tmp_path / "templates"
    before = rendered(folder, compiled)
    count = len(list(compiled.iterdir()))
    template = folder / "partials/footer.html"
    template.write_text(template.read_text(encoding="utf-8").replace("<footer", "<footer data-new"), encoding="utf-8")
    assert rendered(folder, compiled) == before.replace("<footer", "<footer data-new")
    assert len(list(compiled.iterdir())) == count


def test_a_page_without_markdown_starts_no_mkdocs() -> None:
    """A process that renders one list page must not pay for MkDocs."""
    code = "import sitegen.render.worker, sys; print({'mkdocs', 'markdown', 'material'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
