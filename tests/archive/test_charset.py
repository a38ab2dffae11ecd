"""No mojibake: the charset is decided by what decodes, not by what is claimed."""

from __future__ import annotations

import pytest

from archive import charset

TEXT = "示例市旅游局"


def header(value: str) -> list[tuple[str, str]]:
    return [("content-type", f"text/html; charset={value}")]


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ([], TEXT.encode("gbk"), "gb18030"),
        ([], TEXT.encode(), "utf-8"),
        ([], b"plain", "utf-8"),
        ([], f"<meta charset=gb2312>{TEXT}".encode("gbk"), "gb18030"),
        ([], f"<META http-equiv=x content='text/html; charset=GBK'>{TEXT}".encode("gbk"), "gb18030"),
        ([], f"<?xml version='1.0' encoding='gb2312'?>{TEXT}".encode("gbk"), "gb18030"),
        ([], b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        ([], b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le"),
        (header("gb2312"), TEXT.encode("gbk"), "gb18030"),
        (header("utf-8"), f"<meta charset=gb2312>{TEXT}".encode("gbk"), "gb18030"),
        (header("gb2312"), f"<meta charset=utf-8>{TEXT}".encode(), "utf-8"),
        (header("gb2312"), b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (header("iso-8859-1"), TEXT.encode("gbk"), "gb18030"),
        (header("iso-8859-1"), f"<meta charset=gb2312>{TEXT}".encode("gbk"), "gb18030"),
        (header("iso-8859-1"), "Réglementation générale".encode("cp1252"), "cp1252"),
        (header("big5"), "旅遊局".encode("big5"), "big5hkscs"),
        (header("x-user-defined"), TEXT.encode("gbk"), "gb18030"),
        (header("none-such"), TEXT.encode(), "utf-8"),
        ([], TEXT.encode()[:-1], "utf-8"),
        ([], TEXT.encode()[:-2], "utf-8"),
        ([], f"<meta charset=gbk>䶮{TEXT}".encode("gb18030"), "gb18030"),
        ([], f"<meta charset=unicode>{TEXT}".encode(), "utf-8"),
    ],
)
def test_the_charset_is_the_one_that_decodes(headers: list[tuple[str, str]], body: bytes, expected: str) -> None:
    assert charset.decode(body, headers)[1] == expected


def test_a_bad_byte_does_not_turn_the_page_into_another_charset() -> None:
    body = f"<meta charset=gb2312>{TEXT * 9}".encode("gbk") + b"\xff" + TEXT.encode("gbk")
    text, name = charset.decode(body, header("utf-8"))
    assert name == "gb18030"
    assert text.count("旅游局") == 10


def test_a_byte_order_mark_is_no_text() -> None:
    assert charset.decode(b"\xef\xbb\xbf" + TEXT.encode()) == (TEXT, "utf-8")
