"""第十五条: which present article an archived page is related to, how that is known, and that a person has the last word."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive import decision, store
from archive.__main__ import main as program
from archive.migration import current, likeness, related
from archive.migration.likeness import Text
from archive.publishing import published
from sitegen.likeness import normal
from tests.archive.test_publish_site import index_of, tourism, write

__all__ = ["tourism"]
OLD = "http://old.example/"
WORDS = "为进一步加强全市旅游市场监管，规范旅游经营行为，保护旅游者合法权益，根据有关法律法规，结合本市实际，制定本实施意见。各区县、各部门应当按照职责分工抓好落实，每年年底前报送执行情况，市旅游局负责督促检查。"


def like(archived: Text, now: Text) -> list[tuple[str, float]]:
    found = likeness.find([archived], [now])
    return [(one.how, one.score) for one in found.get(archived.name, ())]


def old(**more: Any) -> Text:
    return Text(**{"name": OLD + "1.htm", "title": "关于加强旅游市场监管的实施意见", "words": WORDS, **more})


def new(**more: Any) -> Text:
    return Text(**{"name": "zcwj/1.md", "title": "另一个很不一样的题目", "words": "别的话。", **more})


def test_a_page_is_related_by_migration_number_title_and_words_in_this_order() -> None:
    day = date(2012, 3, 9)
    assert like(old(), new(migrated_from=OLD + "1.htm")) == [("migration", 1.0)]
    assert like(old(doc_number="示政办发〔2012〕8号"), new(doc_number="示政办发[2012]8号")) == [("doc-number", 0.95)]
    same = {"title": "关于加强旅游市场监管的实施意见"}
    assert like(old(day=day), new(day=day, **same)) == [("title-and-day", 0.9)]
    assert like(old(day=day), new(day=date(2020, 1, 1), **same)) == [("title", 0.7)]
    assert like(old(), new(words=WORDS)) == [("text", 1.0)]
    assert like(old(), new(words="完全不同的内容。" * 20)) == []
    assert like(old(title="通知"), new(title="通知")) == []


def test_the_surest_reason_is_told() -> None:
    both = new(words=WORDS, migrated_from=OLD + "1.htm", title="关于加强旅游市场监管的实施意见")
    assert like(old(), both) == [("migration", 1.0)]


def test_titles_differ_by_punctuation_and_width_alone_are_the_same() -> None:
    assert normal("关于“一窗通办”的公告（２０１９）") == normal("关于 一窗通办 的公告(2019)")


def test_a_text_with_a_few_words_changed_is_found_among_many_and_nothing_else_is() -> None:
    chance = random.Random(5)  # noqa: S311 (a test that is the same every time)
    letters = [chr(0x4E00 + number) for number in range(2000)]
    texts = ["".join(chance.choices(letters, k=300)) for _ in range(300)]
    archived = [Text(name=f"{OLD}{number}", title="", words=text) for number, text in enumerate(texts)]
    present = [
        Text(name=f"x/{number}.md", title="", words=text[:140] + "改" + text[141:]) for number, text in enumerate(texts)
    ]
    found = likeness.find(archived, present)
    assert {name: [one.current for one in likes] for name, likes in found.items()} == {
        f"{OLD}{number}": [f"x/{number}.md"] for number in range(300)
    }


def test_the_estimated_score_is_near_the_true_share_of_common_pieces() -> None:
    chance = random.Random(7)  # noqa: S311 (a test that is the same every time)
    letters = [chr(0x4E00 + number) for number in range(3000)]
    one = "".join(chance.choices(letters, k=600))
    other = one[:500] + "".join(chance.choices(letters, k=100))

    def pieces(text: str) -> set[str]:
        return {text[place : place + 4] for place in range(len(text) - 3)}

    true = len(pieces(one) & pieces(other)) / len(pieces(one) | pieces(other))
    [(how, score)] = like(old(words=one, title=""), new(words=other))
    assert how == "text"
    assert abs(score - true) < 0.15


def test_words_are_read_through_the_marks_of_markdown() -> None:
    read = current.plain("## 题\n\n**重点**见[附件](a.pdf)。\n\n| 甲 | 乙 |\n| --- | --- |\n\n![图](b.png)\n")
    assert normal(read) == "题重点见附件甲乙图"


# --- the old tourism site


@pytest.fixture
def project(tourism: Path, tmp_path: Path) -> Path:
    shutil.copytree(tourism / "content", tmp_path / "content")
    shutil.copytree(tourism / "build/public", tmp_path / "build/public")
    write(
        tmp_path,
        "whlyj/zcwj/201503/t20150320_1.md",
        "---\ntitle: 关于加快自驾车旅居车营地建设的实施意见\ndate: 2015-03-20 08:00\nsource: 市府办\n---\n\n现予公布。\n",
    )
    (tmp_path / "build/site/whlyj/zcwj/201503").mkdir(parents=True)
    (tmp_path / "build/site/whlyj/zcwj/201503/t20150320_1.html").write_text("live", encoding="utf-8")
    return tmp_path


CAMP = "http://lyj.example.gov.cn/zcfg/201503/t20150318_1372.html"


def related_of(project: Path, tourism: Path) -> tuple[list[related.Related], list[str]]:
    found, problems = related.relations(
        store.open_capture(tourism / "build/archive", "lyj"),
        decision.load(project / "content", "lyj"),
        content=project / "content",
        build=project / "build",
    )
    return found, [f"{problem.code} {problem.key}" for problem in problems]


def test_an_old_policy_is_related_to_the_present_article_of_its_title(project: Path, tourism: Path) -> None:
    found, problems = related_of(project, tourism)
    assert problems == []
    assert [(one.target_uri, one.source, one.how, one.live) for one in found] == [
        (CAMP, "whlyj/zcwj/201503/t20150320_1.md", "title", True)
    ]


def test_what_a_person_decided_takes_the_place_of_what_was_found(project: Path, tourism: Path) -> None:
    file = project / "content/_archive/lyj.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}related:\n  {CAMP}: []\n", encoding="utf-8")
    assert related_of(project, tourism) == ([], [])
    other = "http://lyj.example.gov.cn/jqjs/qls.htm"
    file.write_text(f"{text}related:\n  {other}: [whlyj/zcwj/201503/t20150320_1.md]\n", encoding="utf-8")
    found, _problems = related_of(project, tourism)
    assert {(one.target_uri, one.how, one.score) for one in found} == {(other, "decided", 1.0), (CAMP, "title", 0.7)}
    assert file.read_text(encoding="utf-8").startswith(text)


def test_a_decision_for_an_article_that_is_not_there_is_told(project: Path, tourism: Path) -> None:
    file = project / "content/_archive/lyj.yml"
    file.write_text(file.read_text(encoding="utf-8") + f"related:\n  {CAMP}: [whlyj/nothing.md]\n", encoding="utf-8")
    _found, problems = related_of(project, tourism)
    assert [one.split() for one in problems] == [["related-article-missing", f"related.{CAMP}"]]


def test_relate_writes_what_is_live_into_the_index_and_a_dry_run_does_not(project: Path, tourism: Path) -> None:
    def relate(*more: str) -> dict[str, Any]:
        ended = CliRunner().invoke(
            program,
            ["relate", "lyj", "--json", *more, "--content", str(project / "content"), "--public", str(project / "build/public"), "--store", str(tourism / "build/archive")],
        )  # fmt: skip
        assert ended.exit_code == 0, ended.output
        said: dict[str, Any] = json.loads(ended.stdout)
        return said

    def shown() -> list[dict[str, Any]]:
        return [one for page in index_of(project)["pages"] for one in page["related"]]

    assert [one["how"] for one in relate("--dry-run")["related"]] == ["title"]
    assert shown() == []
    relate()
    assert shown() == [
        {
            "source": "whlyj/zcwj/201503/t20150320_1.md",
            "url": "/whlyj/zcwj/201503/t20150320_1.html",
            "title": "关于加快自驾车旅居车营地建设的实施意见",
            "how": "title",
            "score": 0.7,
        }
    ]
    index = published.newest_index(project / "build/public", "lyj")
    assert published.update_related(index, {}) is True
