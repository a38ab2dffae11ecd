"""Sites that never end are left with what they are worth; sites that are merely large are captured whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import canon
from archive.crawling import account, known, traps
from archive.crawling.traps import Budget, Traps
from archive.terms import Terms
from tests.archive.oldweb import Route, captured, decided, page, rows_of, serving

REAL = 60
Trap = Callable[[str, dict[str, str], int], bytes | None]


class Endless(dict[str, Route]):
    """Sixty true pages in a menu, and a trap whose door stands on each: `trap(path, query, times asked)`."""

    def __init__(self, trap: Trap, door: str, session: str = "") -> None:
        super().__init__()
        self.trap, self.door, self.session, self.times = trap, door, session, itertools.count(1)

    def get(self, path: str, default: object = None) -> Route:
        parts = urlsplit(path)
        time = next(self.times)
        if found := self.trap(parts.path, dict(parse_qsl(parts.query)), time):
            return found
        number = re.fullmatch(r"/(?:p(\d+)\.html)?", parts.path)
        if number is None or int(number[1] or 0) >= REAL:
            return page("<h1>404</h1>", status="404 Not Found")
        visit = f"?{self.session}={time}" if self.session else ""
        menu = "".join(f'<a href="/p{n}.html{visit}">{n}</a>' for n in range(1, REAL))
        return page(f'<title>第{number[1]}篇</title>{menu}<a href="{self.door}">…</a>')


def calendar_of_queries(path: str, query: dict[str, str], time: int) -> bytes | None:
    """Months from 1990 to next year, and each of their days: 13,000 empty pages."""
    if path != "/cal.asp":
        return None
    year, month = int(query.get("year", 2026)), int(query.get("month", 11))
    later, sooner = divmod(year * 12 + month, 12), divmod(year * 12 + month - 2, 12)
    links = "".join(f'<a href="/cal.asp?year={y}&month={m + 1}">{m + 1}月</a>' for y, m in (later, sooner))
    days = "".join(f'<a href="/cal.asp?year={year}&month={month}&day={d}">{d}</a>' for d in range(1, 29))
    return page(f"<h1>{year}年{month}月</h1>{links}{days}")


def calendar_of_folders(path: str, query: dict[str, str], time: int) -> bytes | None:
    if not path.startswith("/cal/"):
        return None
    year, month = (int(part) for part in [*re.findall(r"\d+", path), "2026", "11"][:2])
    later = divmod(year * 12 + month, 12)
    days = "".join(f'<a href="/cal/{year}/{month:02}/{d:02}/">{d}</a>' for d in range(1, 29))
    return page(f'<h1>{year}-{month}</h1><a href="/cal/{later[0]}/{later[1] + 1:02}/">下月</a>{days}')


def calendar_with_session(path: str, query: dict[str, str], time: int) -> bytes | None:
    """The trap in which a naive crawler made 88,064 requests."""
    if path != "/cal.asp":
        return None
    year, month = int(query.get("year", 2026)), int(query.get("month", 11))
    near = (divmod(year * 12 + month - 1 + step, 12) for step in (-12, -1, 0, 1, 12))
    links = "".join(f'<a href="/cal.asp?year={y}&month={m + 1}&vid={time}x{y}">x</a>' for y, m in near)
    return page(f"<h1>{year}年{month}月</h1>{links}")


def folders(path: str, query: dict[str, str], time: int) -> bytes | None:
    """Relative links that pile up, in any mixture."""
    return page('<a href="a/">a</a><a href="b/">b</a><a href="c/">c</a>' + path) if path.startswith("/loop/") else None


FACETS = {"color": 3, "size": 4, "sort": 2, "unit": 5, "year2": 3, "area": 4, "kind": 3}


def facets(path: str, query: dict[str, str], time: int) -> bytes | None:
    """Seven filters in every subset and every order; each page says something else."""
    if path != "/list.asp":
        return None
    links = []
    for name, values in FACETS.items():
        others = [(n, v) for n, v in query.items() if n != name]
        links += [f"/list.asp?{urlencode([*others, (name, str(v))])}" for v in range(values)]
        links += [f"/list.asp?{urlencode([(name, '0'), *others])}"]
    return page(f"<h1>{sorted(query.items())}</h1>" + "".join(f'<a href="{link}">x</a>' for link in links))


def same_text(path: str, query: dict[str, str], time: int) -> bytes | None:
    """A page that says the same under any number, and links to more numbers."""
    if path != "/tpl.asp":
        return None
    number = int(query.get("no", 0))
    links = "".join(f'<a href="/tpl.asp?no={number * 7 + n}" id="x{number}">更多</a>' for n in range(1, 8))
    return page(f"<script>var t={time}</script><h1>暂无内容</h1>{links}")


def nothing(path: str, query: dict[str, str], time: int) -> bytes | None:
    return None


def redirects(path: str, query: dict[str, str], time: int) -> bytes | None:
    """A ring of redirects that sets another cookie each time."""
    if not path.startswith("/ring"):
        return None
    to = f"/ring{(int(path[5:] or 0) + 1) % 5}"
    return page("", status="302 Found", headers={"Location": to, "Set-Cookie": f"seen={time}"})


@pytest.mark.parametrize(
    ("trap", "door", "session", "named"),
    [
        (calendar_of_queries, "/cal.asp", "", "/cal.asp?day&month&year"),
        (calendar_of_folders, "/cal/", "", "/cal/#/"),
        (calendar_with_session, "/cal.asp", "", "/cal.asp?month&vid&year"),
        (folders, "/loop/", "", "/loop/…"),
        (facets, "/list.asp", "", "/list.asp?*"),
        (same_text, "/tpl.asp", "", "/tpl.asp?no"),
        (nothing, "/", "vid", "?vid"),
        (redirects, "/ring", "", None),
    ],
)
def test_a_trap_costs_less_than_twice_the_site_and_is_named(
    trap: Trap, door: str, session: str, named: str | None, tmp_path: Path
) -> None:
    """Every true page is captured; requests stay below three for each; the report says which pattern, how often it
    was fetched, how often left out, and gives an example."""
    with serving(Endless(trap, door, session)) as web:
        report = captured(web, tmp_path)
        titles = {row.title for row in rows_of(report).values() if row.title}
    assert titles == {"第None篇", *(f"第{n}篇" for n in range(1, REAL))}
    assert len(web.asked) < 3 * REAL
    assert report.inventory["total"] == sum(n for state, n in report.inventory.items() if state != "total")
    found = {trap.pattern: trap for trap in report.account.traps}
    if named is None:
        assert found == {}
        return
    pattern = named if named.startswith("?") else web.url(named)
    assert pattern in found
    assert found[pattern].fetched > 0
    assert found[pattern].left_out > 0
    assert traps.holds(pattern, found[pattern].example)
    assert found[pattern].example not in {web.url(path) for path in web.asked}
    assert {problem.code for problem in report.problems} == {"capture-trap"}
    assert f"{pattern}: {found[pattern].reason}; {found[pattern].fetched} were fetched" in " ".join(
        problem.message for problem in report.problems
    )


ADDRESSES = [
    "/show.asp?id={n}",
    "/show.asp?cid=3&id={n}",
    "/index.php?m=content&c=index&a=show&catid=12&id={n}",
    "/{n}.html",
    "/art/2012/3/{n}.html",
    "/news/news/{n}.html",
    "/col{n}/index.html",
    "/show.asp?id=9f{n:06x}a1b2c3d4",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_articles_that_differ_in_one_number_are_articles(address: str) -> None:
    known = Traps(Budget(), 2026)
    urls = [f"http://a.cn{address.format(n=n)}" for n in range(3000)]
    assert [reason for url in urls if (reason := known.refuse(url))] == []
    for number, url in enumerate(urls):
        assert known.closed(url) is None
        assert known.fetched(url, f"第{number}篇".encode(), ["http://a.cn/"], 0) is None


def test_a_list_of_three_thousand_articles_is_captured_whole(tmp_path: Path) -> None:
    """By number in the query or in the path."""
    addresses = [f"/show.asp?id={n}" if n % 2 else f"/t_{n}.html" for n in range(3000)]
    routes: dict[str, Route] = {"/": page("".join(f'<a href="{one}">x</a>' for one in addresses))}
    routes |= {one: page(f"<h1>第{n}篇</h1>") for n, one in enumerate(addresses)}
    with serving(routes) as web:
        report = captured(web, tmp_path)
    assert report.inventory["captured"] == 3001
    assert report.problems == ()


def test_lists_of_many_columns_and_pages_are_captured_whole(tmp_path: Path) -> None:
    """One script answers everything, as many content systems do it: a list page is worth what it leads to."""
    links: dict[str, list[str]] = {"/": []}
    for column in range(30):
        links["/"].append(f"/index.php?m=x&c=y&a=lists&catid={column}")
        for number in range(1, 11):
            here = f"/index.php?m=x&c=y&a=lists&catid={column}&page={number}"
            links["/"].append(here)
            links[here] = [f"/index.php?m=x&c=y&a=show&catid={column}&id={column * 100 + number}"]
        links[f"/index.php?m=x&c=y&a=lists&catid={column}"] = [f"/index.php?m=x&c=y&a=special&cat={column}&special=1"]
    for more in ("tags&tag=1", "map&x=1", "search&typeid=1", "guestbook&siteid=1", "link&type=1"):
        links["/"].append(f"/index.php?m=x&c=y&a={more}")
    every = {one for targets in links.values() for one in targets}
    routes: dict[str, Route] = {
        one: page(f"<p>{one}</p>" + "".join(f'<a href="{to.replace("&", "&amp;")}">x</a>' for to in links.get(one, [])))
        for one in every | {"/"}
    }
    with serving(routes) as web:
        report = captured(web, tmp_path)
    assert report.inventory["captured"] == len(every) + 1
    assert report.problems == ()


def test_articles_that_are_gone_do_not_close_their_list(tmp_path: Path) -> None:
    """“There is no such article” under every third number is no template."""
    routes: dict[str, Route] = {"/": page("".join(f'<a href="show.asp?id={n}">x</a>' for n in range(300)))}
    routes |= {f"/show.asp?id={n}": page(f"第{n}篇" if n % 3 else "该信息不存在") for n in range(300)}
    with serving(routes) as web:
        report = captured(web, tmp_path)
    assert report.inventory["captured"] == 301
    assert report.problems == ()


def test_what_a_list_names_is_asked_for_whatever_its_pattern_says(tmp_path: Path) -> None:
    """Pages filled by a script all look the same to us; named, they are captured."""
    routes: dict[str, Route] = {f"/detail.html?id={n}": page("<div id=app></div>请稍候") for n in range(60)}
    routes["/"] = page("".join(f'<a href="/detail.html?id={n}">x</a>' for n in range(60)))
    names = tmp_path / "urls.txt"
    names.write_text("".join(f"/detail.html?id={n}\n" for n in range(60)), encoding="utf-8")
    with serving(routes) as web:
        cut = captured(web, tmp_path / "1")
        named = captured(web, tmp_path / "2", lists=[names])
    assert 20 < cut.inventory["captured"] < 50
    assert cut.inventory["excluded"] > 0
    assert named.inventory["captured"] == 61


def test_only_fifty_traps_are_named_and_the_others_counted(tmp_path: Path) -> None:
    doors = [f"/{a}{b}.asp?id={n}" for a in "abcdefgh" for b in "stuvwxyz" for n in (1, 2)]
    routes: dict[str, Route] = {"/": page("".join(f'<a href="{door}">x</a>' for door in doors))}
    routes |= {door: page(door) for door in doors}
    with serving(routes) as web:
        report = captured(web, tmp_path, decided(web, terms=Terms(budget=Budget(pattern=1))))
    codes = [problem.code for problem in report.problems]
    assert (codes.count("capture-trap"), codes.count("capture-traps")) == (50, 1)
    assert len(report.account.traps) == report.account.rules["trap"] == 64
    assert report.inventory["captured"] == 65


def test_why_a_pattern_was_left_is_said_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reason that a rule can give has its words."""
    monkeypatch.setattr(account, "_", lambda text: f"《{text}》")
    source = "".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in (traps, known))
    reasons = [
        "the URL is longer than 2083 characters", "the same folders follow each other three times",
        "the same folder stands in the path more than 3 times", "the same folders in more than 20 mixtures",
        "the same parameter is repeated three times", "the same parameters in another order",
        "a calendar beyond the site's years", "a calendar of more than 1000 dates",
        "a calendar whose pages differ in nothing but numbers", "more than 50000 URLs of one pattern",
        "more than 30 links away from the start", "pages with the same text",
        "combinations of parameters that show nothing new", "a parameter changes and the page does not",
    ]  # fmt: skip
    for reason in reasons:
        assert account._said(reason) == f"《{reason}》"
        assert re.split(r"\d+", reason)[0] in source


def test_the_same_parameters_in_another_order_are_asked_for_once() -> None:
    known = Traps(Budget(), 2026)
    assert known.refuse("http://a.cn/l.asp?a=1&b=2") is None
    assert known.refuse("http://a.cn/l.asp?b=2&a=1") == "the same parameters in another order [http://a.cn/l.asp?*]"
    assert known.refuse("http://a.cn/l.asp?b=1&a=1") is None


def test_a_pattern_has_a_budget() -> None:
    known = Traps(Budget(pattern=3), 2026)
    answers = [known.refuse(f"http://a.cn/show.asp?id={n}") for n in range(5)]
    assert answers == [None] * 3 + ["more than 3 URLs of one pattern [http://a.cn/show.asp?id]"] * 2


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("http://a.cn:8080/x/2012/03/t20120301_17.htm", "http://a.cn:8080/x/#/t#_#.htm"),
        ("http://a.cn/cal/2012/03/", "http://a.cn/cal/#/"),
        ("http://a.cn/l.asp?b=2&a=1&b=3", "http://a.cn/l.asp?a&b"),
        ("http://a.cn/doc/5f2b9c1e-77aa-4b0e-9d3c-0a1b2c3d4e5f/x", "http://a.cn/doc/#/x"),
        ("http://a.cn/s/AbCdEf0123456789xyz/a.html", "http://a.cn/s/#/a.html"),
        ("http://a.cn", "http://a.cn"),
    ],
)
def test_a_pattern_is_the_path_without_ids_and_the_names_of_the_parameters(url: str, pattern: str) -> None:
    assert traps.pattern(url) == pattern


def test_a_parameter_is_a_session_id_only_when_different_pages_stay_the_same() -> None:
    """One page that says “gone” under every number proves nothing, nor do three columns that are empty alike."""

    def learned(visits: list[tuple[str, bytes]]) -> set[str]:
        known = Traps(Budget(identical=1000), 2026)
        for url, _text in visits:
            known.know(f"http://a.cn{url}")
        return {name for url, text in visits if (name := known.fetched(f"http://a.cn{url}", text, (), 0))}

    session = [(f"/{p}.asp?v={n}", f"page {p}".encode()) for n in range(5) for p in "abc"]
    gone = [(f"/{p}.asp?id={n}", b"gone") for n in range(50) for p in "abc"]
    two_values = [(f"/{p}.asp?sort={n % 2}", f"page {p}".encode()) for n in range(50) for p in "abcdef"]
    matters = [("/a.asp?v=x", b"other"), *session]
    assert learned(session) == {"v"}
    assert learned(gone) == learned(two_values) == learned(matters) == set()


def test_a_decision_may_name_session_ids_of_its_own() -> None:
    key = canon.key("http://a.cn/a.asp?tok=1&id=2", canon.SESSION_IDS | {"tok"})
    assert key == "http://a.cn/a.asp?id=2"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=200, unique=True))
def test_pages_that_differ_are_never_left_out(visits: list[tuple[str, int]]) -> None:
    known = Traps(Budget(), 2026)
    for path, number in visits:
        url = f"http://a.cn/{path}.asp?id={number}"
        assert known.refuse(url) is None
        assert known.closed(url) is None
        known.fetched(url, f"{path} {number}".encode(), (), 0)


@given(st.lists(st.integers(0, 10**6), max_size=150, unique=True), st.integers(1, 30))
def test_a_template_is_closed_after_its_budget(numbers: list[int], identical: int) -> None:
    known = Traps(Budget(identical=identical), 2026)
    asked = 0
    for number in numbers:
        url = f"http://a.cn/t.asp?id={number}"
        if known.closed(url) is None:
            asked += 1
            known.fetched(url, b"the same", (), 0)
    assert asked == min(len(numbers), identical + 2)
