"""A PDF gets a stamped copy: every page says that it is archived, nothing of it is covered, the original is untouched."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pikepdf
import pypdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from archive.publishing import pdf
from archive.publishing.pdf import Stamped, Unstampable
from archive.publishing.seal import RED, Words
from tests.archive.oldweb import ROOT, page, serving
from tests.archive.stamping import put_online, tree
from tests.archive.test_publish_site import entry

URL = "http://lyj.example.gov.cn/upload/2012/a(1).pdf"
WORDS = Words(label="已歸檔", archived_on=date(2026, 11, 22), host=URL)


def document(pages: int = 1, *, contents: bytes = b"0 0 1 rg 20 20 60 200 re f", **keys: Any) -> Pdf:
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page(page_size=(400, 300))
        made.pages[-1].contents_add(contents)
        for key, value in keys.items():
            made.pages[-1].obj[f"/{key}"] = value
    return made


def as_bytes(made: Pdf, **more: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, **more)
    return out.getvalue()


def stamped(data: bytes) -> Pdf:
    found = pdf.stamp(data, WORDS)
    assert isinstance(found, Stamped), found
    return Pdf.open(io.BytesIO(found.data))


def band(one: pikepdf.Page) -> Any:
    """The band's picture."""
    picture: Any = one.resources.XObject["/ArchiveStamp"]
    return pikepdf.PdfImage(picture).as_pil_image().convert("RGB")


def test_every_page_carries_label_date_and_original_address() -> None:
    data = as_bytes(document(3))
    found = stamped(data)
    texts = [one.extract_text() for one in pypdf.PdfReader(io.BytesIO(as_bytes(found))).pages]
    assert texts == [f"ARCHIVED 2026-11-22 {URL}"] * 3
    for one in found.pages:
        assert [float(edge) for edge in one.mediabox][:3] == [0, 0, 400]
        assert 310 < float(one.mediabox[3]) < 330
        drawn: list[Any] = list(pikepdf.parse_content_stream(one))
        (said,) = [operands[1].ActualText for operands, operator in drawn if str(operator) == "BDC"]
        assert str(said) == f"已歸檔 2026-11-22 {URL}"
    picture = band(found.pages[0])
    assert picture.getpixel((800, 1)) == RED
    left = [picture.getpixel((x, y)) for x in range(20, 110) for y in range(10, picture.height)]
    assert RED in left  # the label, in red


def test_the_document_says_in_its_title_that_it_is_archived() -> None:
    made = document()
    made.docinfo["/Title"] = "通知"
    found = stamped(as_bytes(made))
    with found.open_metadata() as metadata:
        assert metadata["dc:title"] == "【已歸檔】通知"


@pytest.mark.parametrize(
    ("turn", "grown"), [(0, (0, 0, 400, 316.5)), (90, (-12.375, 0, 400, 300)), (180, (0, -16.5, 400, 300)), (270, (0, 0, 412.375, 300)), (-90, (0, 0, 412.375, 300)), (450, (-12.375, 0, 400, 300))]
)  # fmt: skip
def test_the_band_is_above_the_page_as_it_is_shown(turn: int, grown: tuple[float, ...]) -> None:
    """The side that grows is the one that is up once the page is turned; what was there is not covered."""
    found = stamped(as_bytes(document(Rotate=turn)))
    (one,) = found.pages
    assert tuple(float(edge) for edge in one.mediabox) == grown
    assert tuple(float(edge) for edge in one.cropbox) == grown


def test_only_what_the_reader_saw_of_a_page_is_shown_under_the_band() -> None:
    found = stamped(as_bytes(document(CropBox=Array([100, 50, 300, 250]))))
    (one,) = found.pages
    left, bottom, right, top = (float(edge) for edge in one.mediabox)
    assert (left, bottom, right) == (100, 50, 300)
    assert top > 250


@pytest.mark.parametrize(
    "contents", [b"Q Q Q 0 0 1 1 re W n", b"q q q q 0 0 0 0 re W n", b"BT /F1 12 Tf", b"", b"\xff\x00 garbage << ("]
)
def test_no_content_of_a_page_comes_before_the_band(contents: bytes) -> None:
    """What is drawn first cannot be clipped, moved or made invisible by what comes after."""
    found = stamped(as_bytes(document(contents=contents)))
    (one,) = found.pages
    first = one.obj.Contents[0].read_bytes() if isinstance(one.obj.Contents, Array) else one.obj.Contents.read_bytes()
    assert first.startswith(b"q /Span")
    assert b"/ArchiveStamp Do" in first


def test_what_would_run_when_the_file_is_opened_is_taken_out_and_counted() -> None:
    made = document()
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    made.Root.OpenAction = script
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))
    made.pages[0].obj.AA = Dictionary(O=script)
    found = pdf.stamp(as_bytes(made), WORDS)
    assert isinstance(found, Stamped)
    assert found.removed == 3
    assert b"JavaScript" not in as_bytes(
        Pdf.open(io.BytesIO(found.data)), object_stream_mode=pikepdf.ObjectStreamMode.disable
    )


def signed() -> bytes:
    made = document()
    field = made.make_indirect(Dictionary(FT=Name.Sig, T=String("s"), V=Dictionary(Type=Name.Sig)))
    made.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
    return as_bytes(made)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (as_bytes(document(), encryption=pikepdf.Encryption(user="u", owner="o")), "encrypted"),
        (as_bytes(document(), encryption=pikepdf.Encryption(user="", owner="o")), "encrypted"),
        (signed(), "signed"),
        (b"%PDF-1.4 x", "cannot be read"),
        (as_bytes(document())[:200], "cannot be read"),
        (as_bytes(pikepdf.new()), "no page"),
        (as_bytes(document(MediaBox=Array([0, 0, 0, 0]))), "cannot be read"),
    ],
    ids=["a password", "an owner's password", "a signature", "nothing", "cut", "no page", "no area"],
)
def test_where_no_honest_stamped_copy_can_be_made_the_reason_is_told(data: bytes, reason: str) -> None:
    found = pdf.stamp(data, WORDS)
    assert isinstance(found, Unstampable)
    assert reason in found.reason


def test_a_very_long_document_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    data = as_bytes(document(3))
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    assert pdf.stamp(data, WORDS) == Unstampable(reason="it has 3 pages", pages=3)
    monkeypatch.setattr(pdf, "LARGEST", 100)
    assert pdf.stamp(data, WORDS) == Unstampable(reason=f"it has {len(data)} bytes")


def test_the_same_file_gives_the_same_bytes_and_a_long_address_fits() -> None:
    data = as_bytes(document())
    long = Words(label="已归档", archived_on=date(2026, 11, 22), host="http://a.example/" + "x" * 3000)
    one, other = pdf.stamp(data, long), pdf.stamp(data, long)
    assert isinstance(one, Stamped)
    assert one == other
    found = Pdf.open(io.BytesIO(one.data))
    (shown,) = found.pages
    assert 1600 <= band(shown).width < 2000


# --- published


def test_a_pdf_is_reached_through_a_page_that_offers_the_stamped_copy_first(tmp_path: Any) -> None:
    data = (ROOT / "tests/sites/lyj/upload/2015/djpj.pdf").read_bytes()
    with serving({"/": page("<a href=/f.pdf>x</a>"), "/f.pdf": page(data, "application/pdf")}) as web:
        report, folder = put_online(web, tmp_path)
    about = tree(next(folder.rglob("f.pdf.html")).read_text(encoding="utf-8"))
    assert about.xpath("//main//p[@class='gdz-go']/a/@href") == ["f.pdf!stamped.pdf", "f.pdf"]
    assert f"PDF · {len(pypdf.PdfReader(io.BytesIO(data)).pages)} 页 · " in about.text_content()
    assert about.xpath("//main//p/a/@class") == ["gdz-first"]
    assert next(folder.rglob("f.pdf")).read_bytes() == data
    copy = next(folder.rglob("f.pdf!stamped.pdf"))
    assert "ARCHIVED 2026-11-22 http://127.0.0.1" in pypdf.PdfReader(copy).pages[0].extract_text()
    assert (
        entry(report, "/f.pdf")["stamped_copy"] == entry(report, "/f.pdf")["url"].removesuffix(".html") + "!stamped.pdf"
    )
    assert report.problems == ()


def test_a_pdf_that_cannot_be_stamped_is_told_and_still_offered(tmp_path: Any) -> None:
    data = signed()
    with serving({"/": page("<a href=/f.pdf>x</a>"), "/f.pdf": page(data, "application/pdf")}) as web:
        report, folder = put_online(web, tmp_path)
    assert [(p.code, p.severity) for p in report.problems] == [("publish-pdf-unstamped", "warning")]
    about = tree(next(folder.rglob("f.pdf.html")).read_text(encoding="utf-8"))
    assert about.xpath("//main//p[@class='gdz-go']/a/@href") == ["f.pdf"]
    assert "PDF · 1 页 · " in about.text_content()
    assert next(folder.rglob("f.pdf")).read_bytes() == data
    assert entry(report, "/f.pdf")["stamped_copy"] is None
