"""Search finds every substring and nothing else, in the browser's engine and in the service, and both say the same."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitegen import serve
from sitegen.interaction.desk import Desks
from sitegen.search import folding, refresh, segment, server, shards
from sitegen.search.database import Asked, Reader, Row, Writer
from sitegen.search.service import Service
from sitegen.search.shards import KINDS, VALIDITIES
from sitegen.search.texts import Text, is_old, weight
from tests.cities import NOW, ROOT, SHARED, TinyCity
from tests.test_archived import STAMP, many_pages, publish

LAWS = SHARED / "real" / "regulations"
SCRIPT = ROOT / "themes" / "gov" / "assets" / "search.js"
_CHARACTERS = "通知公告停車场收费aB1２，。〔〕 \n\"%'*𠮷é"
_TEXTS = st.text(_CHARACTERS, min_size=0, max_size=40)
_DOCUMENTS = st.lists(st.tuples(st.text(_CHARACTERS, min_size=1, max_size=12), _TEXTS), min_size=1, max_size=8)


def asked_of(site: Path, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the browser's engine answers."""
    command = ["node", str(ROOT / "tests" / "search_engine.mjs"), str(SCRIPT), str(site)]
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def write_site(site: Path, documents: list[tuple[str, str]], layers: list[str]) -> None:
    """Files of /search/ for documents (title, body), newest first; `layers`: the segment of each: a, d or z."""
    segments: list[dict[str, Any]] = []
    for name in sorted(set(layers)):
        numbers = [number for number, layer in enumerate(layers) if layer == name]
        made = [_document(number, *documents[number]) for number in numbers]
        bits = 2 if name == "d" else None
        shown = [_text(number, *documents[number]).facts for number in numbers]
        for file, data in (*segment.index_files(made, bits), *segment.facts_files(shown)):
            path = site / "search" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        folded = [_text(number, *documents[number]).folded for number in numbers]
        units = sum(len(text.encode("utf-16-le")) // 2 for text in folded)
        facts = {"path": name, "docs": len(made), "bits": segment.bits_for(units) if bits is None else bits}
        facts |= {"archived": int(name == "z"), "columns": ["xwdt"], "sites": [""], "kinds": KINDS}
        facts |= {"validities": VALIDITIES, "years": [["2026", 0]]}
        if name == "d":
            before = [number for number, layer in enumerate(layers) if layer == "a"]
            facts["at"] = [sum(other < number for other in before) for number in numbers]
        segments.append(facts)
    manifest = {"format": "3", "segments": segments, "columns": {}, "sites": {}}
    (site / "search").mkdir(parents=True, exist_ok=True)
    (site / "search" / "index.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(folding.VARIANTS_FILE, site / "search" / "variants.txt")
    bodies = {f"/{number}": body for number, (_title, body) in enumerate(documents)}
    (site / "pages.json").write_text(json.dumps(bodies), encoding="utf-8")


def _text(number: int, title: str, body: str) -> Text:
    facts = (title, str(number), "2026-11-22 09:30", "xwdt", "article", "", "", "", weight(body), is_old(title + body))
    return Text(title=title, number="", body=body, facts=facts, column="xwdt", kind="article", validity="")


def _document(number: int, title: str, body: str) -> segment.Document:
    return segment.Document(title=title, body=body)


def write_database(path: Path, documents: list[tuple[str, str]], layers: list[str]) -> None:
    writer = Writer(path)
    rows = [
        Row(path=f"{number:04}", digest="", stamp=-number, archived=layer == "z", site="", year="2026",
            text=_text(number, *document))
        for number, (document, layer) in enumerate(zip(documents, layers, strict=True))
    ]  # fmt: skip
    writer.update([*rows, *rows], [], lambda: "1")  # each is replaced once
    writer.close()


def expected(documents: list[tuple[str, str]], layers: list[str], query: str, scope: str) -> list[int]:
    """By plain comparison: title, phrase, date; what is archived after what is current."""
    terms, phrase = folding.terms(query), folding.phrase(query)
    found: list[tuple[int, int, int]] = []
    for number, (title, body) in enumerate(documents):
        parts = [folding.fold(title), folding.fold(body)]
        archived = layers[number] == "z"
        if not terms or (scope != "all" and archived != (scope == "archive")):
            continue
        if all(any(term in part for part in parts) for term in terms):
            in_title = all(term in parts[0] for term in terms)
            together = len(terms) > 1 and any(phrase in part for part in parts)
            found.append((0 if in_title else 1 if together else 2, int(archived), number))
    return [number for _rank, _archived, number in sorted(found)]


@pytest.mark.needs("node")
@settings(max_examples=12)
@given(_DOCUMENTS, st.data())
def test_both_faces_find_what_a_plain_comparison_finds_in_the_same_order(
    documents: list[tuple[str, str]], data: st.DataObject
) -> None:
    layers = data.draw(st.lists(st.sampled_from("aaadz"), min_size=len(documents), max_size=len(documents)))
    whole = "".join(title + body for title, body in documents)
    queries = data.draw(st.lists(st.text(_CHARACTERS, min_size=2, max_size=6), min_size=2, max_size=4))
    for _ in range(8):
        start, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(2, 12))
        queries.append(whole[start : start + length])
    scopes = data.draw(
        st.lists(st.sampled_from(["now", "archive", "all"]), min_size=len(queries), max_size=len(queries))
    )
    with tempfile.TemporaryDirectory() as folder:
        write_site(Path(folder), documents, layers)
        write_database(Path(folder) / "search.sqlite", documents, layers)
        reader = Reader(Path(folder) / "search.sqlite")
        questions = [
            {"query": query, "options": {"scope": scope}, "all": True}
            for query, scope in zip(queries, scopes, strict=True)
        ]
        for query, scope, answer in zip(queries, scopes, asked_of(Path(folder), questions), strict=True):
            wanted = expected(documents, layers, query, scope)
            assert [int(hit["url"][1:]) for hit in answer["hits"]] == wanted, query
            assert answer["count"] == {"number": len(wanted), "sure": True}, query
            terms = folding.terms(query)
            if terms:
                asked = Asked(terms=terms, phrase=folding.phrase(query), scope=scope, filters={})
                found = reader.find(asked, 100)
                assert [int(facts[1]) for facts, _body, _archived in found.hits] == wanted, query
                assert found.count == len(wanted)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folding.fold(folding.fold(text)) == folding.fold(text)
    assert folding.placed(text, len(text) * 20)[0] == folding.fold(text)


@pytest.mark.needs("node")
def test_the_browser_folds_and_parses_as_the_service_does(tmp_path: Path) -> None:
    write_site(tmp_path, [("标题", "")], ["a"])
    samples = [
        "臺灣 停車場",
        "ＡＢ１２",
        "㎡ ① ﬁ",
        "第 5 条  a b",
        '"通知 公告" x',
        "a 通知 b",
        "“一网”",
        "é İ Σ",
        "\u200b字\ufeff",
        '"',
    ]
    chance = random.Random(7)  # noqa: S311 (not for secrets)
    samples += ["".join(chance.choices(_CHARACTERS + "龍書ｱ\u3000…", k=9)) for _ in range(60)]
    for sample, answer in zip(samples, asked_of(tmp_path, [{"fold": one} for one in samples]), strict=True):
        assert answer["text"] == folding.fold(sample), sample
        assert tuple(answer["terms"]) == folding.terms(sample), sample
        assert answer["phrase"] == folding.phrase(sample), sample


def substrings(chance: random.Random, documents: list[tuple[str, str]], count: int) -> list[str]:
    """Random pieces of 2 to 12 characters of what is published, within and across words, as quoted terms."""
    queries: list[str] = []
    while len(queries) < count:
        text, length = folding.fold("".join(chance.choice(documents))), chance.randint(2, 12)
        start = chance.randrange(max(1, len(text) - length))
        query = text[start : start + length]
        if '"' not in query and len(query.strip()) == len(query) >= 2:
            queries.append(f'"{query}"')
    return queries


def assert_exact(folder: Path, documents: list[tuple[str, str]], queries: list[str]) -> None:
    """Both faces list what a plain comparison finds, in its order, and say how many there are."""
    layers = ["a"] * len(documents)
    write_site(folder, documents, layers)
    write_database(folder / "search.sqlite", documents, layers)
    reader = Reader(folder / "search.sqlite")
    answers = asked_of(folder, [{"query": query, "all": True} for query in queries])
    folded = [(folding.fold(title), folding.fold(body)) for title, body in documents]
    found_any = 0
    for query, answer in zip(queries, answers, strict=True):
        terms, phrase = folding.terms(query), folding.phrase(query)
        ranked = sorted(
            (
                0
                if all(t in parts[0] for t in terms)
                else 1
                if len(terms) > 1 and any(phrase in p for p in parts)
                else 2,
                n,
            )
            for n, parts in enumerate(folded)
            if all(any(t in part for part in parts) for t in terms)
        )
        wanted = [number for _rank, number in ranked]
        assert [int(hit["url"][1:]) for hit in answer["hits"]] == wanted, query
        assert answer["count"] == {"number": len(wanted), "sure": True}, query
        found = reader.find(Asked(terms=terms, phrase=phrase, scope="now", filters={}), 1000)
        assert ([int(facts[1]) for facts, _body, _archived in found.hits], found.count) == (wanted, len(wanted)), query
        found_any += bool(wanted)
    assert found_any > len(queries) // 2


@pytest.mark.needs("node")
def test_random_substrings_of_many_frequent_pairs_are_found_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are lowered so that lists of their own, several files of places, runs and parts come into play."""
    monkeypatch.setattr(segment, "HEAVY", 3)
    monkeypatch.setattr(segment, "FEW", 1)
    monkeypatch.setattr(segment, "PLACES", (4, 40))
    monkeypatch.setattr(segment, "RANGE", 500)
    monkeypatch.setattr(segment, "CHUNK", 400)
    monkeypatch.setattr(segment, "SHARD", 300)
    chance = random.Random(3)  # noqa: S311 (not for secrets)
    documents = [
        (
            "".join(chance.choices("政务公开", k=5)),
            "".join(chance.choices("政务公开信息甲乙丙", k=160)) + f"示政发〔2026〕{number}号，共{number * 977}元",
        )
        for number in range(60)
    ]
    queries = ["公开 信息", "無此", "務公", "〔2026〕7号", *substrings(chance, documents, 100)]
    assert_exact(tmp_path, documents, queries)
    assert len(list((tmp_path / "search" / "a" / "p").iterdir())) > 50


@pytest.mark.needs("node")
@pytest.mark.skipif(not LAWS.is_dir(), reason="the law texts are not part of the repository")
def test_substrings_of_the_laws_are_found_and_nothing_else(tmp_path: Path) -> None:
    """Five hundred of all the laws: `python -m bench.search`."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(LAWS.rglob("*.md"))[:50]]
    documents = [(text.strip().splitlines()[0], text) for text in texts]
    assert_exact(tmp_path, documents, substrings(random.Random(20261122), documents, 100))  # noqa: S311 (not for secrets)


@pytest.mark.needs("node")
def test_a_look_reads_no_more_than_a_reader_waits_for_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """Each of these pages takes 21 KB: six are read at first, then six, then two."""
    documents = [(f"公告{number}", "停车场收费" * 3_500) for number in range(14)]
    write_site(tmp_path, documents, ["a"] * 14)
    first, whole = asked_of(tmp_path, [{"query": "场收费停"}, {"query": "场收费停", "all": True}])
    assert (len(first["hits"]), first["done"]) == (6, False)
    assert [int(hit["url"][1:]) for hit in whole["hits"]] == list(range(14))


def test_the_script_is_small_and_asks_nobody_else() -> None:
    source = SCRIPT.read_bytes()
    assert len(gzip.compress(source, 9)) <= 12_000
    assert b"innerHTML" not in source
    assert b"http" not in source


# --- a city --------------------------------------------------------------------------------------------------------


@pytest.mark.needs("node")
def test_only_what_is_published_is_found(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", "停车场开放", "东城区新建停车场。")
    city.article("xwdt/202611/t20261120_2.md", "供暖", "停车场以外。", extra="expire_at: 2026-11-23 00:00\n")
    city.article("xwdt/202611/t20261120_3.md", "草稿", "停车场草稿。", sign=False)
    city.build()
    city.article("xwdt/202611/t20261120_1.md", "停车场开放", "改动，未经三审的停车场收费。", sign=False)
    city.build()
    both = asked_of(city.site, [{"query": "停車場", "all": True}, {"query": "未经三审"}, {"query": "草稿"}])
    assert [[hit["title"] for hit in answer["hits"]] for answer in both] == [["停车场开放", "供暖"], [], []]
    city.build(now=NOW.replace(day=24))
    (after,) = asked_of(city.site, [{"query": "停车场", "all": True, "facets": True}])
    assert [hit["title"] for hit in after["hits"]] == ["停车场开放"]
    assert after["facets"]["kind"] == {"article": 1}
    assert after["hits"][0]["snippet"] == [["东城区新建", False], ["停车场", True], ["。", False]]


@pytest.mark.needs("node")
def test_documents_are_narrowed_to_those_in_force(city: TinyCity) -> None:
    """By 有效性, in the browser and in the service: each offers what there is, and gives that alone."""
    policy = 'doc_number: 示政发〔2026〕{n}号\nindex_number: "1/2026-{n}"\nissuer: 市政府\nwritten_on: 2026-11-18\nvalidity: {v}\n'
    for number, validity in ((1, "有效"), (2, "废止"), (3, "有效"), (4, "已修改")):
        path = f"zcwj/202611/t20261120_{number}.md"
        city.article(path, f"停车场办法{number}", extra=policy.format(n=number, v=validity))
    city.article("xwdt/202611/t20261120_9.md", "停车场开放")
    city.build()
    server.build(city.project)
    service = Service(Desks(city.project).now, refresh.database(city.project), 0)
    query = "q=%E5%81%9C%E8%BD%A6%E5%9C%BA"
    states: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["停车场办法1", "停车场办法2", "停车场办法3", "停车场办法4", "停车场开放"]),
        ({"validity": "有效"}, ["停车场办法1", "停车场办法3"]),
        ({"validity": "废止"}, ["停车场办法2"]),
        ({"validity": "已修改"}, ["停车场办法4"]),
        ({"validity": "失效"}, []),
    ]
    for filters, titles in states:
        (browser,) = asked_of(city.site, [{"query": "停车场", "options": {"filters": filters}, "all": True}])
        assert sorted(hit["title"] for hit in browser["hits"]) == titles
        found = json.loads(ask(service, "&".join([query, urlencode(filters)]))[2])
        assert sorted(hit["title"] for hit in found["results"]) == titles
    (browser,) = asked_of(city.site, [{"query": "停车场", "facets": True}])
    assert browser["facets"]["validity"] == {"有效": 2, "废止": 1, "已修改": 1}
    offered = ask(service, query, "/search")[2].decode().partition("<h3>有效性</h3>")[2].partition("</section>")[0]
    options = dict(re.findall(r"<span>(\S+)</span><span class=\"n\">(\d)<", offered))
    assert options == {"有效": "2", "废止": "1", "已修改": "1"}


@pytest.mark.needs("node")
def test_an_archived_page_without_a_date_is_of_no_year(city: TinyCity) -> None:
    """The year in which a site was archived says nothing of when its pages were written."""
    pages = many_pages(2)[:2]
    text = '<html><div class="gdz-page">停车场</div></html>'.encode()
    publish(city, "lyj", pages=pages, copies={page["url"].split(f"{STAMP}/")[1]: text for page in pages})
    city.article("xwdt/202611/t20261120_1.md", "停车场开放")
    city.build()
    server.build(city.project)
    question = {"query": "停车场", "options": {"scope": "all", "order": "date"}, "all": True, "facets": True}
    (browser,) = asked_of(city.site, [question])
    assert browser["facets"]["year"] == {"2026": 1, "2012": 1}
    assert [hit["date"][:4] for hit in browser["hits"]] == ["2026", "2012", ""]
    service = Service(Desks(city.project).now, refresh.database(city.project), 0)
    page = ask(service, "q=%E5%81%9C%E8%BD%A6%E5%9C%BA&scope=all", "/search")[2].decode()
    assert re.findall(r"<span>(\d{4})年</span><span class=\"n\">(\d+)<", page) == [("2026", "1"), ("2012", "1")]


@pytest.mark.needs("node")
def test_an_edit_beside_a_large_base_writes_ten_files_and_answers_as_a_clean_build(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shards, "SMALL", 0)
    for number in range(1, 9):
        city.article(
            f"xwdt/202611/t20261120_{number}.md", f"通知{number}", f"第{number}号停车场，共{number * 7}个车位。"
        )
    city.build()
    before = {file: data for file, data in city.released().items() if file.startswith("search/")}
    city.article("xwdt/202611/t20261120_3.md", "通知三", "第3号停车场改为公园。")
    (city.content / "xwdt/202611/t20261120_5.md").unlink()
    city.build()
    after = {file: data for file, data in city.released().items() if file.startswith("search/")}
    assert len([file for file, data in after.items() if before.get(file) != data]) <= 10
    clean = city.copy_sources(tmp_path / "clean")
    clean.build()
    questions = [
        {"query": q, "all": True} for q in ("停车场", "第3号停车", "公园", "通知", "21个车位", "35个", "通知 公园")
    ]
    shown = [
        [[(hit["url"], hit["snippet"]) for hit in answer["hits"]] for answer in asked_of(site, questions)]
        for site in (city.site, clean.site)
    ]
    assert shown[0] == shown[1]
    monkeypatch.setattr(shards, "CHANGED", 0)
    city.article("xwdt/202611/t20261120_4.md", "通知四", "另一处。")
    city.build()
    again = city.copy_sources(tmp_path / "again")
    again.build()
    assert city.released() == again.released()


# --- the service ---------------------------------------------------------------------------------------------------


def ask(
    service: Service, query_string: str, path: str = "/search.json", **environ: str
) -> tuple[int, dict[str, str], bytes]:
    found: list[Any] = []
    base = {"PATH_INFO": path, "QUERY_STRING": query_string, "REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1"}
    body = b"".join(service({**base, **environ}, lambda status, headers: found.append((status, headers))))
    status, headers = found[0]
    return int(status[:3]), dict(headers), body


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TinyCity:
    city = TinyCity(tmp_path_factory.mktemp("search") / "city")
    for number in range(1, 13):
        city.article(f"xwdt/202611/t20261120_{number}.md", f"停车场通知{number}", f"第{number}号<b>停车场</b>。")
    city.article("jyj/tzgg/202611/t20261119_20.md", "招生公告", "学校停车场，示政发〔2026〕7号。")
    city.build()
    server.build(city.project)
    return city


@pytest.fixture
def service(built: TinyCity) -> Service:
    return Service(Desks(built.project).now, refresh.database(built.project), 0)


def test_the_service_answers_in_pages_with_facets_and_without_script(service: Service) -> None:
    status, headers, body = ask(service, "q=%E5%81%9C%E8%BD%A6%E5%9C%BA&page=2", "/search")
    page = body.decode()
    assert status == 200
    assert page.count('<li class="hit">') == 3
    assert "找到 13 条" in page
    assert "<b>停车场</b>" in page
    assert 'type="module"' not in page
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    found = json.loads(ask(service, "q=%E5%81%9C%E8%BB%8A%E5%A0%B4&site=jyj")[2])
    assert [hit["title"] for hit in found["results"]] == ["招生公告"]
    assert json.loads(ask(service, "q=%E3%80%942026%E3%80%957")[2])["count"] == 1


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '" OR 1', "title : x", "a* OR b", "NEAR(a b)", "^ab", "{a}:b", "-ab", "ab AND", "'; drop table document; --",
        "<script>alert(1)</script>", "%00%00", "\0\0", "{{ 7*7 }}", "../../etc/passwd", "\ud800x", "😀😀", "a" * 100, "（" * 100,
    ],
)  # fmt: skip
def test_hostile_queries_are_text_like_any_other(service: Service, query: str) -> None:
    from urllib.parse import quote

    encoded = quote(query, safe="", errors="surrogatepass")
    for path in ("/search", "/search.json"):
        status, _headers, body = ask(service, f"q={encoded}", path)
        assert status == 200
        assert b"<script>alert" not in body or path.endswith("json")


def test_what_is_too_much_is_refused_in_words(built: TinyCity, service: Service) -> None:
    assert ask(service, "q=" + "a" * 1_000_000)[0] == 414
    assert ask(service, "&".join(f"a{n}=1" for n in range(100)))[0] == 400
    assert ask(service, "q=ab", "/search/../etc")[0] == 404
    status, headers, _body = ask(service, "q=ab", REQUEST_METHOD="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert ask(service, "q=ab&page=99999999999999999999&scope=x&order='")[0] == 200
    limited = Service(Desks(built.project).now, refresh.database(built.project), 2)
    assert [ask(limited, "q=ab")[0] for _ in range(3)] == [200, 200, 429]
    assert ask(limited, "q=ab", REMOTE_ADDR="192.0.2.2")[0] == 200
    missing = Service(Desks(built.project).now, built.root / "none.sqlite", 0)
    assert ask(missing, "q=ab")[0] == 503


def test_a_rare_query_costs_the_service_the_same_among_ten_times_the_documents(tmp_path: Path) -> None:
    """SQLite once went through all documents and asked the pairs about each: minutes at 100,000."""
    steps = []
    for count in (100, 1000):
        documents = [("题", f"正文{number}") for number in range(count - 1)] + [("题", "罕见的词")]
        write_database(tmp_path / f"{count}.sqlite", documents, ["a"] * count)
        reader, taken = Reader(tmp_path / f"{count}.sqlite"), [0]

        def step(taken: list[int] = taken) -> int:
            taken[0] += 1
            return 0

        reader._connection.set_progress_handler(step, 1)
        asked = Asked(terms=("罕见",), phrase="罕见", scope="now", filters={})
        assert reader.find(asked, 10).count == 1
        reader.facets(asked)
        steps.append(taken[0])
    assert steps[1] < 2 * steps[0]


def test_before_the_first_release_is_taken_in_nobody_is_told_that_there_is_nothing(built: TinyCity) -> None:
    path = built.root / "young.sqlite"
    Writer(path).close()
    young = Service(Desks(built.project).now, path, 0)
    status, headers, body = ask(young, "q=ab", "/search")
    assert (status, headers["Retry-After"]) == (503, "6")
    assert "搜索数据正在准备" in body.decode()


def test_who_finds_nothing_without_script_is_told_where_else_to_look(service: Service) -> None:
    page = ask(service, "q=%E9%87%8F%E5%AD%90", "/search")[2].decode()
    assert "没有找到“量子”" in page
    assert '从<a href="/sitemap.html">网站地图</a>' in page
    assert "按时间排列" not in page


def test_a_new_release_is_taken_over_and_only_changes_are_indexed(tmp_path: Path) -> None:
    city = TinyCity(tmp_path / "city")
    city.article("xwdt/202611/t20261120_1.md", "甲", "停车场。")
    city.article("xwdt/202611/t20261120_2.md", "乙", "公园。")
    city.build()
    assert server.build(city.project) == 2
    assert server.build(city.project) == 0
    city.article("xwdt/202611/t20261120_1.md", "甲", "改为公园。")
    (city.content / "xwdt/202611/t20261120_2.md").unlink()
    city.build()
    assert server.build(city.project) == 1
    service = Service(Desks(city.project).now, refresh.database(city.project), 0)
    titles = [
        [hit["title"] for hit in json.loads(ask(service, q)[2])["results"]]
        for q in ("q=%E5%85%AC%E5%9B%AD", "q=%E5%81%9C%E8%BD%A6")
    ]
    assert titles == [["甲"], []]


# --- in a browser --------------------------------------------------------------------------------------------------


@pytest.mark.needs("chromium")
def test_a_keyboard_finds_with_script_and_the_page_says_how_without(built: TinyCity) -> None:
    from playwright.sync_api import sync_playwright

    running = serve.server(built.site.resolve(), 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{running.server_address[1]}"
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = browser.new_page()
            told: list[str] = []
            page.on("console", lambda message: told.append(message.text))
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.goto(base + "/search/")
            page.focus("#find-q")
            page.keyboard.type("停車場")
            page.locator("#find-q-titles option").nth(7).wait_for(state="attached")
            page.keyboard.press("Enter")
            page.wait_for_selector(".hit")
            assert page.locator(".hit").count() == 10
            page.focus("[data-more]")
            page.keyboard.press("Enter")
            page.locator(".hit").nth(12).wait_for()
            assert page.locator(".hit").count() == 13
            assert page.evaluate("document.activeElement.closest('.hit') !== null")
            assert "找到 13 条" in page.inner_text("[data-say]")
            for query, said in (("停", "请输入两个以上的字"), ("量子纠缠", "没有找到“量子纠缠”")):
                page.goto(f"{base}/search/?q={query}")
                page.wait_for_selector("[data-help]")
                assert said in page.inner_text("[data-say]")
                assert (
                    page.evaluate(
                        "root => root.querySelector('[data-say]').getBoundingClientRect().x"
                        " - root.querySelector('h1').getBoundingClientRect().x",
                        page.query_selector(".find"),
                    )
                    == 0
                )
            assert told == []
            assert all(url.startswith(base) for url in asked)
            plain = browser.new_context(java_script_enabled=False).new_page()
            plain.goto(base + "/search/?q=x")
            assert plain.is_visible("[data-help] a[href='/sitemap.html']")
            assert not plain.is_visible("[data-more]")
        finally:
            browser.close()
            running.shutdown()
            running.server_close()
