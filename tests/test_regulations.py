"""Real input: 300 administrative regulations as published by others, built as a column, none altered in meaning."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import lxml.html
import pytest

from sitegen import clock, content, ledger
from sitegen.ledger import STAGES
from tests.cities import NOW, SHARED, TinyCity

REAL = SHARED / "real" / "regulations"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the law texts are not part of the repository")


def visible_in_source(text: str) -> str:
    """The words of a Markdown text: comments and signs of structure removed, everything else kept."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^#{1,6}\s+", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*\|?[\s:|-]*-{2,}[\s:|-]*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*[-*]\s+", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(\*\*|__|`)", "", text).replace("|", "").replace("\\", "")
    return re.sub(r"\s+", "", html.unescape(text))


def visible_in_page(body: str) -> str:
    """What a reader sees, the numbers of ordered lists included."""
    body = re.sub(r"<ol(?: start=\"(\d+)\")?>(.*?)</ol>", _numbered, body, flags=re.DOTALL)
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", body)))


def _numbered(match: re.Match[str]) -> str:
    number = int(match[1] or 1) - 1
    parts = re.split(r"<li>", match[2])
    return parts[0] + "".join(f"{number + i}.{part}" for i, part in enumerate(parts[1:], start=1))


@pytest.fixture(scope="module")
def laws(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyCity, dict[str, str]]:
    """The texts as a column: front matter from index.json, ledgers by the city's people, bodies untouched."""
    city = TinyCity(tmp_path_factory.mktemp("laws") / "city")
    city.column("flfg", "法律法规", "信息公开", "信息发布", 60)
    bodies: dict[str, str] = {}
    for number, entry in enumerate(json.loads((REAL / "index.json").read_text(encoding="utf-8")), start=1):
        body = (REAL / entry["file"]).read_text(encoding="utf-8")
        day = entry["date"].replace("-", "")
        path = f"flfg/{day[:6]}/t{day}_{number}.md"
        head = f'---\ntitle: "{entry["title"]}"\ndate: {entry["date"]} 09:00\nsource: 国务院\n---\n\n'
        data = (head + body).replace("\r\n", "\n").encode()
        city.put(path, data)
        bodies[path] = body
        at = clock.parse_moment(entry["date"]) + timedelta(hours=6)
        for stage, person in zip(STAGES, ("portal-bianji", "portal-shenhe", "portal-qianfa"), strict=True):
            at = max(at, clock.parse_moment("2020-01-02")) + timedelta(minutes=20)
            ledger.append(
                city.content,
                "flfg",
                day[:6],
                ledger.Entry(
                    article=Path(path).stem,
                    stage=stage,
                    person=person,
                    at=at,
                    verdict="pass",
                    reason="",
                    digest=content.digest(data, {}),
                    blob=content.git_blob(data),
                    assets={},
                    place="",
                ),
            )
    return city, bodies


def test_every_law_is_published_and_none_is_altered(laws: tuple[TinyCity, dict[str, str]]) -> None:
    city, bodies = laws
    report = city.build(now=NOW, jobs=2)
    assert [problem.as_json() for problem in report.problems] == []
    assert len(bodies) == 300
    for path, body in bodies.items():
        page = city.page(path.removesuffix(".md") + ".html")
        document = lxml.html.document_fromstring(page)
        shown = next(element for element in document.iter("div") if "gov-body" in (element.get("class") or ""))
        assert visible_in_page(lxml.html.tostring(shown, encoding="unicode")) == visible_in_source(body), path
        assert "INFO END" not in page, path


def test_a_list_keeps_the_numbers_of_its_source(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", body="3. 三\n4. 四")
    city.build()
    assert '<ol start="3">' in city.page("xwdt/202611/t20261120_1.html")
