"""Direct rendering and Python-Markdown give the same Body: on real texts, on generated ones, and on nonsense.

Longer searches than CI's:
    DIRECT_FUZZ=300000 DIRECT_SEED=7 python -m pytest tests/test_direct.py -k nonsense_is_the_same -s
    DIRECT_MUTATE=30000 python -m pytest tests/test_direct.py -k nonsense_finds -s
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sitegen.render import direct
from sitegen.render.adapter import Engine, _address
from sitegen.render.body import Body
from sitegen.render.direct import Unsure
from tests.cities import ROOT, SHARED, TinyCity

LAWS = SHARED / "real" / "regulations"
CORPUS = SHARED / "bench" / "gen_corpus.py"
FUZZ = int(os.environ.get("DIRECT_FUZZ", "10000"))
MUTATE = int(os.environ.get("DIRECT_MUTATE", "0"))
SEED = int(os.environ.get("DIRECT_SEED", "20261127"))
SOURCE = "fgw/xwdt/202611/t20261120_1.md"


def exists(path: str) -> bool:
    return "img" not in path and len(path) % 5 != 0


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(ROOT / "mkdocs.yml", exists)


@pytest.fixture(scope="module")
def stock() -> Engine:
    return Engine(ROOT / "mkdocs.yml", exists, direct=False)


def body_of(path: Path) -> str:
    text = path.read_bytes().decode()
    return re.sub(r"\A---\n.*?\n---\n", "", text, count=1, flags=re.DOTALL)


def fallbacks(engine: Engine, stock: Engine, texts: list[tuple[str, str]]) -> Counter[str]:
    """How many texts fall back, by reason; those that do not are compared."""
    found: Counter[str] = Counter()
    for source, text in texts:
        body = engine.body(source, text)
        if body.fallback:
            found[body.fallback] += 1
        else:
            assert stock.body(source, text) == body, source
    return found


# Real and realistic texts


def test_every_article_of_the_sample_is_the_same_and_nearly_all_are_direct(engine: Engine, stock: Engine) -> None:
    paths = sorted(path for path in (ROOT / "content").rglob("*.md") if not path.name.startswith("_"))
    texts = [(path.relative_to(ROOT / "content").as_posix(), body_of(path)) for path in paths]
    found = fallbacks(engine, stock, texts)
    assert found.total() < 0.05 * len(texts), found


@pytest.mark.skipif(not LAWS.is_dir(), reason="the law texts are not part of the repository")
def test_every_law_is_the_same_and_nearly_all_are_direct(engine: Engine, stock: Engine) -> None:
    texts = [(f"flfg/202611/{path.name}", body_of(path)) for path in sorted(LAWS.glob("*.md"))]
    found = fallbacks(engine, stock, texts)
    assert found.total() <= 3, found


@pytest.mark.skipif(not CORPUS.is_file(), reason="the generator is not part of the repository")
def test_a_generated_city_is_the_same_and_wholly_direct(engine: Engine, stock: Engine, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(CORPUS), "300", str(tmp_path)], check=True, capture_output=True)
    paths = sorted((tmp_path / "content").rglob("t*.md"))
    texts = [(path.relative_to(tmp_path / "content").as_posix(), body_of(path)) for path in paths]
    assert fallbacks(engine, stock, texts).total() == 0


# Nonsense

WORDS = [
    *("第一条", "汉", "一、总体要求", "，", "。", "（一）", "《", "》", "“", "”"),
    *("a", "Z", "12", "R&D", "_", "main", "　"),
]
MARKS = [
    *("\n", "\n\n", " ", "  ", "   ", "    ", "  \n", "\n\n\n", "\n \n", "\u3000\n", "\n\u3000", "#", "##", "# "),
    *("### ", "-", "- ", "* ", "+ ", "1.", "1. ", "2. ", "10. ", "0. ", "１. ", "1、", "---", "***", "*", "**"),
    *("***", "_", "__", "|", "| ", " |", "|-|-|", "---|---", ":-:|--:", ":", "=", "===", ">", "> ", ">\n", "["),
    *("]", "(", ")", "![", "](", "!", '"', "'", "“", "&", ";", "<", "@", "~", "%", "?", "/", ".", ",", "^", "吴**"),
    *("<", "[a](mailto:a@b.cn)", "**汉**", "*a*", "[汉](a.md)", "[a](../b/c.md#二)", "![图](img/x.png)"),
    *("[a](#汉)", '[a](b.md "题")', "[1]", "[a](https://www.gov.cn/a?b=1&c=2)", "[a](http://a)", "[a](/x/y.pdf)"),
    *("[a](x:y)", "[a](//b.cn)", "[](a.md)", "[a](%2Fx.md?a#b)", "\n- 甲", "\n1. 甲", "\n\n- 乙", "\n\n2. 乙"),
    *("\n> 丙", "\n\n> 丙", "\n\n# 甲", "\n## 乙 c", "\n\n<!-- c -->\n\n", "\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n"),
    *("a|b\n-|-\n1|2", "|a|b|c|d|\n|-|-|-|-|\n|1|", "_1", "gov-x", "contents"),
]
RARE = [
    *("\\", "`", "```\n", "~~~\n", "{", "}", "{#id}", "{: .x}", "]:", "[^1]", "[^1]: ", "[TOC]", "[a]: b", "&amp;"),
    *("&#38;", "&nbsp;", "&copy", "&#", "<br>", "<b>", "</b>", "<!--", "-->", "<?", "<!", "<a id='_1'>", "\t"),
    *("\r", "\r\n", "\x00", "\x02", "\x03", "\xa0", "\ufeff", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u200b"),
    *("٣. ", "𠀀", "klzzwxh:0000", "\x02klzzwxh:0000\x03", "wzxhzdk:0", "///Footnotes Go Here///", "http://a.cn"),
    *("<http://a.cn>", "a@b.cn", "ſ", "İ", "ß", "# \ufeff汉"),
]
TARGETS = [
    *("a", "b.md", "../", "./", "/", "#", "?", "=", "&", "%20", "%2F", "%E4%B8%AD", "中", ":", "http://", "https://"),
    *("//", "www.gov.cn", ".cn", "1.2.3.4", "@", "mailto:", "_", "-", "~", "+", ",", ".", "x--y.cn", ":80", "'", "*"),
]


def line(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS if rng.random() < 0.8 else MARKS) for _ in range(rng.randint(1, 8)))


def link(rng: random.Random) -> str:
    """A link or an image, each of its three parts a little wild."""
    target = "".join(rng.choices(TARGETS, k=rng.randint(0, 5)))
    title = rng.choice(("", "", "", f' "{line(rng)}"', f"  '{line(rng)}'", f' "{line(rng)}" ', " =10x10"))
    return rng.choice(("", "", "!", "\n", "- ")) + f"[{line(rng)}]({target}{title})"


def soup(rng: random.Random) -> str:
    """A few signs of a few kinds, many times: the fewer kinds, the more often they meet."""
    kinds = rng.choices(MARKS, k=rng.randint(1, 8)) + rng.choices(WORDS, k=rng.randint(1, 4))
    if rng.random() < 0.3:
        kinds += [link(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.25:
        kinds += rng.choices(RARE, k=rng.randint(1, 3))
    return "".join(rng.choices(kinds, k=rng.randint(1, 30)))


def page(rng: random.Random) -> str:
    """Blocks as people write them, each line possibly with a slip."""
    blocks = []
    for _ in range(rng.randint(1, 5)):
        start = rng.choice(("", "", "", "# ", "## ", "- ", "1. ", "3. ", "> ", "* ", "**", "|", "　　"))
        lines = [start + line(rng).replace("\n", " ") for _ in range(rng.choice((1, 1, 2, 3)))]
        if rng.random() < 0.15:
            lines[-1] += link(rng)
        if rng.random() < 0.1:
            lines.insert(1, rng.choice(("|-|-|", "---|---", "---", ":-:|-:", "===")))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + rng.choice(("", "\n"))


def mutant(rng: random.Random, real: list[str]) -> str:
    """A piece of a real text, one to three characters of it changed."""
    text = rng.choice(real)
    start = rng.randrange(len(text))
    text = text[start : start + rng.randint(40, 400)]
    for _ in range(rng.randint(1, 3)):
        at, new = rng.randrange(len(text) + 1), rng.choice(MARKS if rng.random() < 0.8 else RARE)
        text = text[:at] + new + text[at + rng.randint(0, 1) :]
    return text


def nonsense(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    real = [body_of(path) for path in sorted((ROOT / "content").rglob("t*.md"))] + [
        body_of(path) for path in sorted(LAWS.glob("*.md"))
    ]
    for _ in range(count):
        kind = rng.random()
        yield soup(rng) if kind < 0.5 else page(rng) if kind < 0.85 else mutant(rng, real)


def same(engine: Engine, stock: Engine, text: str) -> Body | Unsure | None:
    """What direct rendering gives; None if Python-Markdown gives something else."""
    assert engine._direct
    result = engine._direct.render(SOURCE, text, exists)
    if isinstance(result, Body) and stock.body(SOURCE, text) != result:
        return None
    return result


def test_nonsense_is_the_same(engine: Engine, stock: Engine) -> None:
    refused: Counter[str] = Counter()
    for text in nonsense(SEED, FUZZ):
        result = same(engine, stock, text)
        assert result is not None, repr(text)
        refused[result.reason if isinstance(result, Unsure) else ""] += 1
    assert refused[""] > 0.2 * FUZZ, refused
    print(f"seed {SEED}: {FUZZ} documents, {refused.pop('')} direct and the same; else {refused.most_common()}")


# The guards

GUARDED: dict[tuple[str, str], str] = {
    ("control", "\0"): "甲\0乙",
    ("control", "\2"): "甲\2乙",
    ("control", "\3"): "甲\3乙",
    ("control", "\t"): "甲\t乙",
    ("control", "\r"): "甲\r乙",
    ("control", "\ufeff"): "# \ufeff甲",
    ("escape", "\\"): "甲\\*乙",
    ("code", "`"): "`甲`",
    ("fence", ""): "~~~\n甲\n~~~",
    ("attributes", "{"): "# 甲 {.gw}",
    ("reference", ""): "[甲]: 乙",
    ("toc", ""): "[TOC]",
    ("entity", ""): "甲&nbsp;乙",
    ("structure", ""): "甲\n# 乙",
    ("item", ""): "- # 甲",
    ("quote", ""): ">",
    ("html", ""): "甲<b>乙</b>",
    ("link", ""): '[甲](a.md"乙")',
    ("emphasis", ""): "**甲*",
    ("underscore", ""): "_甲_",
    ("line-break", ""): "甲  \n　[乙](a.md)",
    ("indented", ""): "    甲",
    ("within-quote", ""): "> > 甲",
}
"""(reason, its string or nothing) → a text that is only refused because of it."""

SHAPES: dict[tuple[str, str], str] = {
    ("_COMMENT", r"<!--.*-->"): "<!-- 甲 --> 乙 <!-- 丙 -->",
    ("_COMMENT", r"<!--[^<>\n-]*-->"): "甲<!-- 乙 -->丙",
    ("_HEADING", r"(#{1,6})([^\n]+)(?:\n(.+))?"): "# 甲 #",
    ("_EMPHASIS", r"\*(?<!\*\*)(\*?)(?![*])([^*]+)(?<!\s)\*\1(?!\*)"): "** 甲**",
    ("_EMPHASIS", r"\*(?<!\*\*)(\*?)(?![\s*])([^*]+)\*\1(?!\*)"): "**甲 **",
    ("_EMPHASIS", r"\*(\*?)(?![\s*])([^*]+)(?<!\s)\*\1"): "*甲**乙*",
    ("_RELATIVE", r"[^()\s]+"): "[甲](x:y)",
    ("_RELATIVE", r"[\w./%~@,+=&?#-]+"): "[甲](//b.gov.cn)",
    ("_RELATIVE", r"[^()\s]*?"): '[甲](a.md"乙")',
    ("_EXTERNAL", r"https?://\S*?"): "[甲](http://1.2.3.999/)",
    ("""[^"'()\\[\\]&<>]*""", r"""[^"]*"""): "[甲](a.md \"乙'丙')\")",
    ("_ONE_RUN", r".*"): "**甲*",
}
"""(pattern, a laxer one) → a text that only the stricter one keeps from being rendered wrongly."""

OTHERS = {
    "# #": "heading",
    "##": "heading",
    "a|b\n-|-": "table",
    "|a|\n|-|\n|1|": "table",
    "a|b\n-|-|-\n1|2": "table",
    "![甲](https://www.gov.cn/a.png)": "external-image",
    "a|b\n-|-\n1|2|<!-- 甲 -->": "html",
    "# x甲\n\n# x乙\n\n# x_1": "alias",
}


def refused_for(engine: Engine, text: str) -> str:
    assert engine._direct
    result = engine._direct.render(SOURCE, text, exists)
    return result.reason if isinstance(result, Unsure) else ""


def without(monkeypatch: pytest.MonkeyPatch, reason: str, stop: str) -> None:
    if stop:
        monkeypatch.setattr(direct, "STOPS", [pair for pair in direct.STOPS if pair != (reason, stop)])
    elif reason == "indented":
        monkeypatch.delitem(direct._STARTS, " ")
    elif reason == "within-quote":
        monkeypatch.delitem(direct._STARTS_WITHIN_QUOTE, ">")
    else:
        monkeypatch.setitem(direct.GUARDS, reason, re.compile(r"(?!)"))


def test_every_guard_has_a_text_that_needs_it() -> None:
    assert {*direct.STOPS, *((reason, "") for reason in direct.GUARDS)} <= set(GUARDED)


@pytest.mark.parametrize(("reason", "stop"), GUARDED)
def test_a_guard_refuses_and_without_it_the_result_would_be_wrong(
    engine: Engine, stock: Engine, monkeypatch: pytest.MonkeyPatch, reason: str, stop: str
) -> None:
    text = GUARDED[reason, stop]
    assert refused_for(engine, text) == reason
    assert engine.body(SOURCE, text) == stock.body(SOURCE, text)
    without(monkeypatch, reason, stop)
    assert same(engine, stock, text) is None


@pytest.mark.parametrize(("name", "laxer"), SHAPES)
def test_a_shape_refuses_and_a_laxer_one_would_be_wrong(
    engine: Engine, stock: Engine, monkeypatch: pytest.MonkeyPatch, name: str, laxer: str
) -> None:
    text = SHAPES[name, laxer]
    assert refused_for(engine, text)
    if hasattr(direct, name) and isinstance(getattr(direct, name), re.Pattern):
        monkeypatch.setattr(direct, name, re.compile(laxer))
    else:  # a part of the pattern of a link
        part = getattr(direct, name, name)
        assert part in direct._LINK.pattern
        monkeypatch.setattr(direct, "_LINK", re.compile(direct._LINK.pattern.replace(part, laxer)))
    assert same(engine, stock, text) is None


@pytest.mark.parametrize("text", OTHERS)
def test_what_has_no_known_result_is_left_to_python_markdown(engine: Engine, stock: Engine, text: str) -> None:
    assert refused_for(engine, text) == OTHERS[text]
    assert engine.body(SOURCE, text) == stock.body(SOURCE, text)


@pytest.mark.skipif(not MUTATE, reason="minutes; DIRECT_MUTATE=30000 asks for it")
@pytest.mark.parametrize(("reason", "stop"), GUARDED)
def test_nonsense_finds_a_missing_guard(
    engine: Engine, stock: Engine, monkeypatch: pytest.MonkeyPatch, reason: str, stop: str
) -> None:
    refused = [text for text in nonsense(SEED, MUTATE) if refused_for(engine, text) == reason]
    without(monkeypatch, reason, stop)
    found = next((text for text in refused if same(engine, stock, text) is None), None)
    assert found is not None, f"{len(refused)} refused texts"
    print(f"{reason} {stop!r}: {found!r}")


def test_headings_are_told_in_the_order_of_the_page(engine: Engine, stock: Engine) -> None:
    body = engine.body(SOURCE, "> # 甲\n\n# 乙\n# 丙\n\n> # 甲")
    assert body.fallback == ""
    assert [heading.anchor for heading in body.headings] == ["甲", "乙", "丙", "甲_1"]
    assert body == stock.body(SOURCE, "> # 甲\n\n# 乙\n# 丙\n\n> # 甲")


# Is it on?


def test_it_can_be_switched_off(stock: Engine) -> None:
    assert stock.body(SOURCE, "甲").fallback == "switched-off"


def test_the_environment_switches_it_off_for_a_whole_build(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article("xwdt/202611/t20261120_1.md", body="# 一、总则\n\n见[二](t20261120_1.md#_1)。")
    city.build()
    pages = city.released()
    monkeypatch.setenv("SITEGEN_DIRECT", "0")
    monkeypatch.setattr(direct.Direct, "render", None)
    assert city.build(clean=True).problems == ()
    assert city.released() == pages


def test_an_unknown_version_sends_every_page_to_python_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(direct.COMPARED_WITH, "Markdown", "3.11.2")
    assert Engine(ROOT / "mkdocs.yml", exists).body(SOURCE, "甲").fallback == "unknown-version"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  - sane_lists\n", "  - sane_lists\n  - nl2br\n"),
        ("  - sane_lists\n", ""),
        ("  - tables\n", "  - tables:\n      use_align_attribute: true\n"),
        ("permalink: false", "permalink: true"),
        ("permalink: false", "baselevel: 2"),
        ("permalink: false", 'separator: "_"'),
        ("  - footnotes\n", "  - footnotes\n  - legacy_em\n"),
    ],
)
def test_an_unknown_extension_or_setting_sends_every_page_to_python_markdown(
    city: TinyCity, old: str, new: str
) -> None:
    config = city.root / "mkdocs.yml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")
    assert Engine(config, exists).body(SOURCE, "甲").fallback == "unknown-processors"


@pytest.mark.parametrize(
    "path", ["a/b.md", "README.md", "x/README.md", "中/文 件.md", "a.tar.gz", "a.MD", "a.mkd", ".md"]
)
def test_an_address_is_the_one_mkdocs_gives(engine: Engine, path: str) -> None:
    assert engine._file(path).url == _address(path)
