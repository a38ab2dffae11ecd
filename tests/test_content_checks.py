"""Attachments, pictures, names and hidden links: every planted fault is found, and what is right is left alone."""

from __future__ import annotations

import random
import zipfile
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pikepdf
import pytest
from PIL import Image

from sitegen.files import sha256_file
from sitegen.inspection import attached
from sitegen.rules import hidden, leaders, personal, writing
from tests.cities import ROOT, SHARED, TinyCity, codes

SPAM = hidden.pattern()


def identity(rng: random.Random) -> str:
    body = f"{rng.choice(['430102', '110101', '441900'])}{rng.randint(1950, 2010)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def card(rng: random.Random) -> str:
    body = "62" + "".join(rng.choices("0123456789", k=16))
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(body))]
    return body + str(-sum(v - 9 if v > 9 else v for v in doubled) % 10)


def mobile(rng: random.Random) -> str:
    return f"1{rng.choice('3456789')}{rng.randint(0, 10**9 - 1):09}"


NUMBERS = {"identity-card": identity, "bank-card": card, "mobile": mobile}


def write_pdf(path: Path, text: str) -> None:
    document = pikepdf.new()
    document.add_blank_page(page_size=(595, 842))
    page = document.pages[0]
    font = document.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    )
    page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    page.obj.Contents = document.make_stream(f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode())
    document.save(path)


def write_docx(path: Path, text: str, place: str) -> None:
    document = docx.Document()
    if place == "table":
        document.add_table(1, 1).cell(0, 0).text = text
    elif place == "header":
        document.sections[0].header.paragraphs[0].text = text
    else:
        document.add_paragraph(text)
    document.save(str(path))


def write_xlsx(path: Path, text: str, place: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("名单")
    if place == "hidden":
        sheet.sheet_state = "hidden"
    sheet.cell(3, 2).value = int(text) if place == "number" and len(text) == 11 else text  # a sheet keeps 15 digits
    book.save(path)


def examine(root: Path, *names: str, seconds: float = 60.0) -> list[tuple[str, str]]:
    """(path, code) of everything told of files below `root`."""
    wanted = {name: (sha256_file(root / name), root / name) for name in names}
    told = attached.examine(root, wanted, root / "cache.json", seconds=seconds)
    return [(problem.path.removeprefix("content/"), problem.code) for problem in told]


def plant(root: Path) -> dict[str, str]:
    """Seventy faults of a fixed seed: file → the code that must be told of it."""
    rng = random.Random(6)  # noqa: S311 (a seed, not a secret)
    planted: dict[str, str] = {}
    for kind, make in NUMBERS.items():
        for n in range(5):
            write_pdf(root / f"{kind}-{n}.pdf", f"No. {n}: {make(rng)} end")
            write_docx(
                root / f"{kind}-{n}.docx", f"姓名甲 {make(rng)}", ("body", "table", "header", "body", "table")[n]
            )
            write_xlsx(root / f"{kind}-{n}.xlsx", make(rng), ("text", "number", "hidden", "number", "text")[n])
            (root / f"{kind}-{n}.csv").write_bytes(
                f"姓名,号码\n甲,{make(rng)}\n".encode("gb18030" if n % 2 else "utf-8")
            )
            planted |= {f"{kind}-{n}.{end}": "attachment-personal-data" for end in ("pdf", "docx", "xlsx", "csv")}
    for n, word in enumerate(("諮詢", "再接再励", "脉博")):
        write_docx(root / f"word-{n}.docx", f"关于{word}的通知", "body")
        write_xlsx(root / f"word-{n}.xlsx", f"关于{word}的通知", "text")
        planted |= {f"word-{n}.docx": "attachment-writing", f"word-{n}.xlsx": "attachment-writing"}
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (26.0, 25.0, 0.0), 3: "E", 4: (111.0, 36.0, 0.0)})
    exif[0x8825] = exif.get_ifd(0x8825)
    Image.new("RGB", (8, 8)).save(root / "gps.jpg", exif=exif)
    named = Image.Exif()
    named[0x013B] = "Fang"
    Image.new("RGB", (8, 8)).save(root / "artist.jpg", exif=named)
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 cut off")
    (root / "broken.docx").write_bytes(b"PK\x03\x04 cut off")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    (root / "broken.xls").write_bytes(b"<html>no sheet</html>")
    write_docx(root / "spam.docx", "百家乐 真人荷官", "body")
    pikepdf.new().save(root / "closed.pdf", encryption=pikepdf.Encryption(owner="o", user="u"))
    planted |= dict.fromkeys(("broken.pdf", "broken.docx", "broken.png", "broken.xls"), "attachment-broken")
    return planted | {
        "gps.jpg": "attachment-metadata", "artist.jpg": "attachment-metadata", "spam.docx": "attachment-spam",
        "closed.pdf": "attachment-encrypted",
    }  # fmt: skip


def test_every_planted_fault_in_a_file_is_found(tmp_path: Path) -> None:
    planted = plant(tmp_path)
    assert len(planted) >= 60
    told = examine(tmp_path, *planted)
    assert sorted(planted.items() - set(told)) == []


def test_masked_numbers_and_codes_of_organisations_are_left_alone(tmp_path: Path) -> None:
    """A masked identity number, a 统一社会信用代码, an office telephone, a document number, a picture without metadata."""
    fine = "430102********1234 统一社会信用代码 91350211M000100Y43 电话 0000-1234567 示政发〔2026〕18号 著 乾 瞭望"
    write_docx(tmp_path / "fine.docx", fine, "body")
    write_xlsx(tmp_path / "fine.xlsx", fine, "text")
    write_pdf(tmp_path / "fine.pdf", "430102********1234 2026-11-22 09:30")
    Image.new("RGB", (8, 8)).save(tmp_path / "fine.jpg")
    assert examine(tmp_path, "fine.docx", "fine.xlsx", "fine.pdf", "fine.jpg") == []


def test_a_hostile_file_costs_itself_alone_and_is_told(tmp_path: Path) -> None:
    """A package that unpacks to half a gigabyte, and one that takes for ever; the file behind them is still read."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as package:
        for number in range(5):
            package.writestr(f"{number}.txt", b"\0" * 100_000_000)
    write_docx(tmp_path / "leak.docx", identity(random.Random(1)), "body")  # noqa: S311
    assert examine(tmp_path, "bomb.zip", "leak.docx") == [
        ("bomb.zip", "attachment-broken"), ("leak.docx", "attachment-personal-data"),
    ]  # fmt: skip
    (tmp_path / "cache.json").unlink()
    assert set(examine(tmp_path, "leak.docx", seconds=0.0)) == {("leak.docx", "attachment-unread")}


def test_what_was_looked_into_is_not_opened_again(tmp_path: Path) -> None:
    write_docx(tmp_path / "leak.docx", identity(random.Random(1)), "body")  # noqa: S311
    first = examine(tmp_path, "leak.docx")
    assert first == examine(tmp_path, "leak.docx", seconds=0.0)
    assert identity(random.Random(1)) not in (tmp_path / "cache.json").read_text(encoding="utf-8")  # noqa: S311


# --- texts -----------------------------------------------------------------------------------------------------------


def test_every_planted_number_in_a_text_is_found() -> None:
    """With and without gaps, and in full-width digits."""
    rng = random.Random(7)  # noqa: S311
    for kind, make in NUMBERS.items():
        for form in (str, _spaced, _wide):
            for _ in range(20):
                text = f"---\ntitle: 公示\n---\n\n名单：{form(make(rng))}。\n"
                assert [one.kind for one in personal.find(text)] == [kind], text
                assert [one.kind for one in personal.cards(text)] == [kind] * (kind != "mobile"), text


def _spaced(number: str) -> str:
    if len(number) == 18:
        return number
    head = 3 if len(number) == 11 else 4
    return number[:head] + "".join(f" {number[n : n + 4]}" for n in range(head, len(number), 4))


def _wide(number: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in number)


def test_no_law_and_no_sample_text_is_told_of_falsely() -> None:
    """300 regulations and the sample: no number of a card, no typo, no advertising."""
    lexicon = writing.load(ROOT / "content")
    paths = [*(SHARED / "real/regulations").rglob("*.md"), *(ROOT / "content").rglob("*.md")]
    told: list[tuple[str, str]] = []
    for path in sorted(path for path in paths if path.is_file()):
        text = path.read_text(encoding="utf-8")
        told += [(path.name, one.kind) for one in personal.find(text)]
        told += [(path.name, match[0]) for match in SPAM.finditer(text)]
        told += [(path.name, one.found) for one in writing.find(text, lexicon) if one.found in lexicon.slips]
    assert told == []


def test_a_card_number_stops_the_text_until_it_is_masked_or_explained(tmp_path: Path) -> None:
    """第二十一条(二). The explanation is a line of the text itself, so that the reviewers' digest binds it."""
    rng = random.Random(8)  # noqa: S311
    number, account = identity(rng), card(rng)
    city = TinyCity(tmp_path)
    city.article("xwdt/202611/t20261120_1.md", "公示", f"名单：{number}", sign=False)
    city.article("xwdt/202611/t20261120_2.md", "缴费", f"账号：{account}", sign=False)
    assert [code for code in codes(city.build()) if code == "personal-data"] == ["personal-data"] * 2
    masked = account[:3] + "*" * 12 + account[-4:]
    city.article("xwdt/202611/t20261120_1.md", "公示", f"名单：{number[:3]}***********{number[-4:]}")
    city.article("xwdt/202611/t20261120_2.md", "缴费", f"账号：{account}", extra=f"个人信息说明: {masked} 为对公账户\n")
    assert "personal-data" not in codes(city.build())
    assert account in city.page("xwdt/202611/t20261120_2.html")


@pytest.mark.parametrize(
    ("text", "day", "told"),
    [
        ("市长秦砺言主持会议", date(2026, 3, 1), []),
        ("市长秦励言主持会议", date(2026, 3, 1), [("name", "市长秦砺言")]),
        ("秦砺言市长到会", date(2026, 3, 1), []),
        ("市长秦砺言主持会议", date(2025, 3, 1), [("title", "副市长秦砺言")]),
        ("副市长秦砺言到会", date(2025, 3, 1), []),
        ("市长热线答复了来信", date(2026, 3, 1), []),
        ("市长陆明主持会议", date(2026, 3, 1), []),
    ],
)
def test_names_and_titles_are_those_of_the_day(
    text: str, day: date, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / leaders.FILE).write_text(
        "leaders:\n- {name: 秦砺言, title: 市长, from: 2026-01-05}\n- {name: 秦砺言, title: 副市长, until: 2026-01-04}\n",
        encoding="utf-8",
    )
    roll, problems = leaders.load(tmp_path)
    assert problems == []
    assert [(one.kind, one.better) for one in roll.find(text, day)] == told


def test_a_list_of_leaders_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / leaders.FILE).write_text("leaders: [{name: 甲乙丙, title: 市长, from: bald}]", encoding="utf-8")
    assert [problem.code for problem in leaders.load(tmp_path)[1]] == ["leaders-unreadable"]


@pytest.mark.parametrize(
    "way",
    [
        'style="display:none"', 'style="visibility: hidden"', 'style="font-size:0px"', 'style="text-indent:-9999px"',
        'style="position:absolute;left:-5000px"', 'style="opacity:0"', "hidden", 'style="height:1px;overflow:hidden"',
    ],
)  # fmt: skip
def test_a_link_that_nobody_sees_is_found(way: str) -> None:
    page = f'<html><body><p>正文</p><div {way}><a href="http://casino.example/x">网</a></div></body></html>'.encode()
    assert [one.kind for one in hidden.find(page, "www.example.gov.cn", SPAM)] == ["hidden-link"]


def test_a_marquee_of_one_pixel_and_a_page_that_leads_away_are_found() -> None:
    page = '<meta http-equiv="refresh" content="0;url=http://casino.example/"><marquee width=1 height=1><a href="//x.example/">a</a></marquee>时时彩'
    assert {one.kind for one in hidden.find(page.encode(), "www.example.gov.cn", SPAM)} == {
        "redirect",
        "hidden-link",
        "spam",
    }


def test_links_of_our_own_and_links_in_sight_are_left_alone() -> None:
    page = b'<div style="display:none"><a href="/x.html">a</a><a href="https://www.example.gov.cn/y">b</a></div><a href="http://o.example/">c</a>'
    assert hidden.find(page, "www.example.gov.cn", SPAM) == []
