"""The benchmark measures what it says, on a corpus it never touches."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import build, corpus, measure, oldpages, outputs, parity, plot, project, scenarios, stamp, table
from bench.measure import Cost
from bench.scenarios import Run
from sitegen import ledger

ARTICLES = (
    "jyj/tzgg/2024/t20240305_000001.md",
    "jyj/zcwj/2025/t20251224_000004.md",
    "portal/zcjd/2026/t20261212_000002.md",
    "portal/zwdt/2023/t20230102_000000.md",
    "portal/zwdt/2026/t20261228_000003.md",
    "portal/zwdt/2026/t20261228_000005.md",
)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six articles in two sites, laid out as the generator lays them out; one has a picture, one a link."""
    root = tmp_path_factory.mktemp("corpus")
    sites = [["portal", "市人民政府门户网站"], ["jyj", "教育局"]]
    columns = [["zwdt", "政务动态"], ["tzgg", "通知公告"], ["zcwj", "政策文件"], ["zcjd", "政策解读"]]
    _put(root / "sites.json", json.dumps({"sites": sites, "columns": columns}))
    _put(root / "content/index.md", "---\ntitle: 首页\n---\n\n# 首页\n")
    for site, title in sites:
        _put(root / f"content/{site}/_index.md", f"---\ntitle: {title}\n---\n")
        _put(root / f"content/{site}/assets/img01.png", "not really a picture")
        _put(root / f"content/{site}/assets/att01.pdf", "%PDF-1.4\n")
        for column, name in columns:
            _put(root / f"content/{site}/{column}/_index.md", f"---\ntitle: {name}\n---\n")
    for number, path in enumerate(ARTICLES):
        date = f"{path[-18:-14]}-{path[-14:-12]}-{path[-12:-10]}"
        matter = f"title: 标题{number}\ndate: {date}\ncolumn: 栏目\nsite: 网站\nsource: 市政府\nkeywords: [甲, 乙]\n"
        text = f"---\n{matter}description: 说明。\n---\n\n正文{number}。\n"
        _put(root / "content" / path, text)
    with (root / "content" / ARTICLES[0]).open("a") as stream:
        stream.write("\n![现场](../../assets/img01.png)\n\n附件：[标题.pdf](../../assets/att01.pdf)\n")
    with (root / "content" / ARTICLES[2]).open("a") as stream:
        stream.write("\n相关链接：[标题](../../../portal/zwdt/2023/t20230102_000000.md)\n")
    return root


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _digest(root: Path) -> str:
    """Names, sizes, times and contents."""
    hasher = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        facts = path.lstat()
        hasher.update(f"{path} {facts.st_size} {facts.st_mtime_ns} {facts.st_mode}\n".encode())
        hasher.update(path.read_bytes() if path.is_file() else b"")
    return hasher.hexdigest()


def test_a_corpus_is_its_articles_and_nothing_else(six: Path) -> None:
    found = corpus.read(six)
    assert found.articles == ARTICLES
    assert found.sites == {"portal": "市人民政府门户网站", "jyj": "教育局"}
    assert "index.md" not in found.others()
    assert "jyj/assets/att01.pdf" in found.others()


def test_a_subset_is_spread_evenly_and_the_same_every_time() -> None:
    articles = [f"{number:03d}" for number in range(100)]
    assert corpus.subset(articles, 4) == ["000", "025", "050", "075"]
    assert corpus.subset(articles, 100) == articles
    assert len(set(corpus.subset(articles, 37))) == 37
    with pytest.raises(ValueError, match="101 of 100"):
        corpus.subset(articles, 101)


def test_six_articles_are_all_published_without_an_error_and_the_corpus_stays_as_it_was(
    six: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All five scenarios alone: the run itself refuses an article that is missing and an error in the report."""
    before = _digest(six)
    file = tmp_path / "results.json"
    arguments = ["--corpus", str(six), "--peer", "none", "--workdir", str(tmp_path / "work"), "--json", str(file)]
    assert build.main([*arguments, "--scenario", "cold,output-kept,edit,nothing,theme"]) == 0
    assert before == _digest(six)
    (result,) = json.loads(file.read_text())["results"]
    assert (result["size"], result["peer"]) == (6, "none")
    assert result["cold"]["ours"]["rendered"][0] > 6
    assert result["cold"]["ours"]["problems"].keys() <= {"date-without-time", "front-matter-unknown-key"}
    assert result["nothing"]["ours"]["rendered"] == [0]
    assert 1 <= result["edit"]["ours"]["rendered"][0] < result["cold"]["ours"]["rendered"][0]
    assert result["edit"]["files_written"][0] >= 1
    assert result["writes"]["article pages"]["ours"][0] == 6
    said = capsys.readouterr()
    assert "6 articles, ours" in said.out
    assert "cold 1/1" in said.err

    ours = tmp_path / "work" / "ours-6"
    for path in ARTICLES:  # copied byte for byte, and as it was again after the edit
        assert (ours / "content" / path).read_bytes() == (six / "content" / path).read_bytes()
    entries, problems = ledger.read(ours / "content", "jyj/tzgg")
    assert problems == []
    assert [(entry.stage, entry.person) for entry in entries] == [
        ("edit", "jyj-edit"),
        ("review", "jyj-review"),
        ("sign", "jyj-sign"),
    ]
    assert sorted(entries[2].assets) == ["jyj/assets/att01.pdf", "jyj/assets/img01.png"]


def test_an_edit_without_a_review_would_not_be_published(six: Path, tmp_path: Path) -> None:
    """The edit scenario signs again; what it signs is exactly what stands there."""
    ours = project.ours(corpus.read(six), list(ARTICLES), tmp_path, lambda message: None)
    file = project.ledger_of(ours.root, ARTICLES[0])
    signed = file.read_text().count("\n")
    with ours.as_it_was(ARTICLES[0]):
        ours.edit(ARTICLES[0], 1)
        lines = [json.loads(line) for line in file.read_text().splitlines()[signed:]]
        assert [line["stage"] for line in lines] == ["edit", "review", "sign"]
        assert len({line["person"] for line in lines}) == 3
        assert not ours.marker.exists()
    assert file.read_text().count("\n") == signed
    assert ours.marker.exists()


def test_a_part_of_a_corpus_may_have_links_that_lead_nowhere_but_no_other_error() -> None:
    link = {"code": "link-broken", "severity": "error", "path": "content/a.md", "message": "m"}
    other = {"code": "field-missing", "severity": "error", "path": "content/b.md", "message": "m"}
    warning = {"code": "date-without-time", "severity": "warning", "path": "content/a.md", "message": "m"}
    report = {"problems": [link, warning, other]}
    assert project.faults(report, whole=False) == ["field-missing content/b.md: m"]
    assert len(project.faults(report, whole=True)) == 2


def _run(wall: float, cpu: float, memory: int, written: int = 0) -> Run:
    return Run(cost=Cost(wall=wall, cpu=cpu, memory=memory, code=0), written=written)


RUNS = {"ours": [_run(1, 2, 50, written=7), _run(3, 2, 50, written=9)], "hugo": [_run(2, 8, 100), _run(2, 4, 200)]}


def test_results_hold_one_ratio_per_pair_ours_over_theirs() -> None:
    part = scenarios.record(RUNS)
    assert part["ratio_wall"] == [0.5, 1.5]
    assert part["ratio_cpu"] == [0.25, 0.5]
    assert part["ratio_memory"] == [0.5, 0.25]
    assert part["ours"]["wall"] == [1, 3]
    assert part["theirs"]["memory"] == [100, 200]
    assert part["files_written"] == [7, 9]


def test_alone_there_is_no_ratio() -> None:
    part = scenarios.record({"ours": RUNS["ours"]})
    assert "theirs" not in part
    assert not [key for key in part if key.startswith("ratio")]


def test_the_table_says_medians_and_who_alone_writes_a_kind() -> None:
    writes = {"feeds": {"ours": [2, 2_000_000], "hugo": [0, 0]}}
    result = {"size": 20, "peer": "hugo", "edit": scenarios.record(RUNS), "writes": writes}
    text = "\n".join(table.lines(result))
    assert "20 articles, ours / hugo" in text
    assert "1.00 (0.50–1.50)" in text
    assert "feeds: ours 2 files 2.0 MB; hugo 0 files 0.0 MB  (only ours)" in text


def test_a_plot_is_well_formed_and_labels_each_line() -> None:
    part = scenarios.record(RUNS)
    results = [{"size": size, "peer": "hugo", "cold": part, "edit": part} for size in (1000, 5000)]
    drawn = ElementTree.fromstring(plot.svg(results))  # noqa: S314 (our own text)
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours, cold", "hugo, cold", "ours, edit", "hugo, edit", "1,000", "5,000", "articles"} <= set(texts)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("jyj/tzgg/2024/t20240305_000001.html", "article pages"),
        ("jyj/tzgg/2024/t20240305_000001/index.html", "article pages"),
        ("jyj/tzgg/list_2.html", "list pages from the second on"),
        ("jyj/tzgg/page/2/index.html", "list pages from the second on"),
        ("jyj/tzgg/page/1/index.html", "redirects to first list pages"),
        ("jyj/tzgg/feed.xml", "feeds"),
        ("sitemap.xml", "site map, robots.txt"),
        ("jyj/index.html", "sections, home and standing pages"),
        ("jyj/assets/att01.pdf", "pictures and attachments of articles"),
        ("assets/gov.css", "other"),
    ],
)
def test_outputs_are_compared_kind_by_kind(path: str, kind: str) -> None:
    assert outputs.kind_of(path) == kind


BUSY = "t = __import__('time'); a = bytearray(40_000_000); e = t.process_time() + 0.3\nwhile t.process_time() < e: pass"


def test_a_process_that_outlives_its_parent_counts_with_cpu_and_memory(tmp_path: Path) -> None:
    """Our workers are such: children of a fork server that the command leaves behind."""
    orphan = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {BUSY!r}])\ntime.sleep(0.05)"
    cost = measure.run([sys.executable, "-c", orphan], folder=tmp_path, environment={}, output=tmp_path / "out")
    assert cost.code == 0
    assert cost.cpu > 0.3


def test_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    two = (
        f"import subprocess, sys\nfor p in [subprocess.Popen([sys.executable, '-c', {BUSY!r}]) for _ in 'ab']: p.wait()"
    )
    cost = measure.run([sys.executable, "-c", two], folder=tmp_path, environment={}, output=tmp_path / "out")
    assert cost.memory > 80_000_000
    assert cost.cpu > 0.6


def test_every_body_of_a_corpus_is_that_of_stock_mkdocs(
    six: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main(["--corpus", str(six), "--workdir", str(tmp_path)]) == 0
    assert "6 bodies are the same, 0 differ" in capsys.readouterr().out
    [root] = tmp_path.iterdir()
    page = root / "build/mkdocs" / ARTICLES[0].replace(".md", ".html")
    page.write_text(page.read_text("utf-8").replace("正文0。", "正文0."), "utf-8")
    assert parity.compare(root) == (5, 0, [ARTICLES[0].replace(".md", ".html")])


def test_the_benchmark_of_stamping_compares_every_page_with_what_it_was(tmp_path: Path) -> None:
    """A copy with one character too few, or with one that was not understood, is found."""
    result = tmp_path / "stamp.json"
    assert stamp.main(["--pages", "30", "--workdir", str(tmp_path), "--json", str(result)]) == 0
    told = json.loads(result.read_text(encoding="utf-8"))
    assert told["checked"] == {"pages": 30, "replacement_characters": 0, "wrong": []}
    assert told["ours"][0]["cpu"] > told["ours"][0]["seconds"] * 0.1 > 0
    (project,) = tmp_path.glob("old-*")
    pages = oldpages.site(30)
    copy = sorted(project.rglob("t2012*_3.html"))[0]
    html = copy.read_text(encoding="utf-8")
    for altered in (html.replace("版权所有", "版权"), html.replace("版权所有", "版权所\ufffd")):
        copy.write_text(altered, encoding="utf-8")
        assert any(path.endswith("_3.html") for path in stamp.check(project, pages)["wrong"])


def test_the_generated_old_site_is_half_gbk_and_half_of_that_undeclared() -> None:
    pages = [page for page in oldpages.site(200).values() if page.markup]
    assert len(pages) == 200
    gbk = [page for page in pages if page.body == page.markup.encode("gbk")]
    silent = [page for page in gbk if b"charset" not in page.body]
    assert (abs(len(gbk) - 100) <= 10, abs(len(silent) - 50) <= 8) == (True, True)
    assert oldpages.site(200) == oldpages.site(200)
