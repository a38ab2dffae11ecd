"""An old government website to be captured: made of nothing but a seed, the same bytes every time."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

PAGES = 2_000
A_LIST = 20
IMAGES = 440
PDFS = 60
_WORDS = (
    "旅游 景区 管理 办法 通知 公告 意见 实施 方案 工作 会议 部署 检查 安全 生产 服务 质量 提升 行动 计划 市民 企业 申报 "
    "材料 审批 流程 时限 依据 法规 政策 解读 问答 统计 数据 季度 同比 增长 投资 项目 建设 交通 文化 遗产 保护 宣传 活动 "
    "节日 假期 游客 接待 收入 酒店 导游 培训 资格 考试 成绩 公示 名单 监督 举报 电话 邮箱 地址 办公 时间 主任 副局长 科室"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSite:
    """`root` holds the files as they are served; `urls` are all its paths, each reachable from `/`."""

    root: Path
    urls: tuple[str, ...]
    bytes: int


def make(root: Path, pages: int = PAGES, images: int = IMAGES, pdfs: int = PDFS) -> OldSite:
    """Half of the pages in GBK, declared in the page alone; pictures that do not compress, PDFs that do in part.

    Made once: a folder that stands there, made for the same numbers, is used again.
    """
    marker = root.with_suffix(".json")
    if marker.is_file():
        said = json.loads(marker.read_text(encoding="utf-8"))
        if said["made"] == [pages, images, pdfs]:
            return OldSite(root=root, urls=tuple(said["urls"]), bytes=said["bytes"])
    files = {
        "style.css": b"body{font:14px/1.6 sans-serif;background:url(img/0.jpg)}\n" * 40,
        "common.js": b"function show(id){document.getElementById(id).style.display='block';}\n" * 60,
        **{f"img/{number}.jpg": _image(number) for number in range(images)},
        **{f"file/{number}.pdf": _pdf(number) for number in range(pdfs)},
        **{f"news/t{number}.html": _article(number, pages, images, pdfs) for number in range(pages)},
        **{f"news/list_{number}.html": _list(number, pages) for number in range(-(-pages // A_LIST))},
        "index.html": _page("首页", '<a href="news/list_0.html">新闻</a><img src="img/0.jpg">', "", "utf-8"),
    }
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    urls = ["/", *(f"/{name}" for name in sorted(files) if name != "index.html")]
    size = sum(map(len, files.values()))
    marker.write_text(json.dumps({"made": [pages, images, pdfs], "urls": urls, "bytes": size}), encoding="utf-8")
    return OldSite(root=root, urls=tuple(urls), bytes=size)


def _article(number: int, pages: int, images: int, pdfs: int) -> bytes:
    words = random.Random(number)  # noqa: S311 (the same text every time)
    paragraphs = "".join(
        f'<p style="text-indent:2em">{"".join(words.choices(_WORDS, k=60))}。</p>\n' for _ in range(30)
    )
    others = sorted({(number * 7 + step) % pages for step in (1, 3, 11, 101, 1009)})
    related = "".join(f'<li><a href="t{other}.html">{_title(other)}</a></li>\n' for other in others)
    body = (
        f"<h1>{_title(number)}</h1>\n{paragraphs}"
        f'<img src="../img/{number % images}.jpg"><a href="../file/{number % pdfs}.pdf">附件</a>\n'
        f'<ul>{related}</ul><a href="list_{number // A_LIST}.html">返回</a>'
    )
    return _page(_title(number), body, "../", "gbk" if number % 2 else "utf-8")


def _list(number: int, pages: int) -> bytes:
    last = -(-pages // A_LIST) - 1
    shown = range(number * A_LIST, min((number + 1) * A_LIST, pages))
    items = "".join(f'<li><a href="t{n}.html">{_title(n)}</a><span>2019-0{n % 9 + 1}-11</span></li>\n' for n in shown)
    after = f'<a href="list_{min(number + 1, last)}.html">下一页</a>'
    return _page(f"新闻列表{number}", f"<ul>{items}</ul>{after}", "../", "gbk" if number % 2 else "utf-8")


def _page(title: str, body: str, up: str, charset: str) -> bytes:
    rows = "".join(
        f'<tr><td width="180" bgcolor="#eef{number}"><font size="2">栏目{number}</font></td><td>&nbsp;</td></tr>\n'
        for number in range(60)
    )
    html = (
        f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}">\n<title>{title}</title>\n'
        f'<link rel="stylesheet" href="{up}style.css"><script src="{up}common.js"></script></head>\n'
        f'<body><a href="{up}">首页</a><table>{rows}</table>\n{body}</body></html>\n'
    )
    return html.encode(charset)


def _title(number: int) -> str:
    return "".join(random.Random(-number - 1).choices(_WORDS, k=6))  # noqa: S311


def _image(number: int) -> bytes:
    """Shaped like a photograph: a head, then bytes that do not compress."""
    noise = random.Random(10_000 + number)  # noqa: S311
    return b"\xff\xd8\xff\xe0\x00\x10JFIF" + noise.randbytes(60_000 + number * 331 % 120_000) + b"\xff\xd9"


def _pdf(number: int) -> bytes:
    """Half text streams as they are written uncompressed, half compressed ones."""
    words = random.Random(20_000 + number)  # noqa: S311
    text = "".join(f"BT /F1 12 Tf 72 {n} Td <{words.getrandbits(256):064x}> Tj ET\n" for n in range(1500)).encode()
    packed = zlib.compress(words.randbytes(180_000), 6)
    parts = [b"%%PDF-1.4\n1 0 obj\n<< /Length %d >>\nstream\n" % len(text), text, b"endstream\nendobj\n"]
    parts += [
        b"2 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed),
        packed,
        b"\nendstream\nendobj\n",
    ]
    return b"".join([*parts, b"trailer << /Root 1 0 R >>\n%%EOF\n"])
