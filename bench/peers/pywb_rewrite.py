"""pywb's HTML rewriter over every HTML response of the WARC files given; run by pywb's own Python, in one process.

Reading the records, undoing codings and decoding the characters are counted, as ours counts them; nothing is written.
"""

import json
import sys
import time

from pywb.rewrite.html_rewriter import HTMLRewriter  # type: ignore[import-not-found]
from pywb.rewrite.url_rewriter import UrlRewriter  # type: ignore[import-not-found]
from warcio.archiveiterator import ArchiveIterator


def text_of(body: bytes) -> str:
    for charset in ("utf-8", "gb18030"):
        try:
            return body.decode(charset)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


began, pages, size = time.perf_counter(), 0, 0
for name in sys.argv[1:]:
    with open(name, "rb") as stream:  # noqa: PTH123
        for record in ArchiveIterator(stream):
            kind = record.http_headers.get_header("Content-Type", "") if record.rec_type == "response" else ""
            if not kind.startswith("text/html"):
                continue
            url = record.rec_headers.get_header("WARC-Target-URI")
            rewriter = HTMLRewriter(
                UrlRewriter(f"20261122103000/{url}", "/archive/"), head_insert="<p>archived</p>", url=url
            )
            html = rewriter.rewrite(text_of(record.content_stream().read())) + rewriter.final_read()
            pages += 1
            size += len(html)
print(json.dumps({"pages": pages, "characters": size, "seconds": time.perf_counter() - began}))
