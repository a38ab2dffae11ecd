"""The outcomes of old URLs as a server's configuration (nginx, Caddy), as a table (CSV), as a page (HTML)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, get_args
from urllib.parse import urlsplit

from archive import canon, names
from archive.relate import Outcome, Relation, Unresolved, reason_of, to_of, word_of

Format = Literal["nginx", "caddy", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
_LONG_ONLY = frozenset({"sid", "cfid"})
_SESSIONS = "|".join(sorted(canon.SESSION_IDS - _LONG_ONLY)) + "|aspsessionid[a-z]*"
_LONG_SESSIONS = "|".join(sorted(_LONG_ONLY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """`old` and `new` are absolute; one request, one redirect."""

    old: str
    new: str


def settle(outcomes: Sequence[Outcome], site_url: str) -> list[Redirect]:
    """Old URL → absolute new one, by old URL. What would lead to another old URL leads to where that one ends; what
    would lead in a circle, or to itself, is left out."""
    base = site_url.rstrip("/")
    direct = {one.target_uri: base + names.escaped(to) for one in outcomes if (to := to_of(one)) is not None}
    keys = {_key(old): old for old in direct}
    settled = []
    for old in sorted(direct):
        seen = {_key(old)}
        new = direct[old]
        while (key := _key(new)) in keys and key not in seen:
            seen.add(key)
            new = direct[keys[key]]
        if _key(new) not in keys:
            settled.append(Redirect(old=old, new=new))
    return settled


def render(relation: Relation, format: Format, *, site_url: str, site: str, name: str) -> str:
    """The whole file. `site_url` is the portal's, destinations are absolute; `name` the retired site's."""
    redirects = settle(relation.outcomes, site_url)
    catalogue = f"{site_url.rstrip('/')}/archive/{site}/"
    if format == "nginx":
        return _nginx(redirects, relation, site, name, catalogue)
    if format == "caddy":
        return _caddy(redirects, relation, site, name, catalogue)
    if format == "csv":
        return _csv(redirects, relation)
    return _html(redirects, relation, name)


def _key(url: str) -> str:
    try:
        return canon.key(url)
    except ValueError:
        return url


def _by_host(redirects: Sequence[Redirect], relation: Relation) -> dict[str, dict[str, str]]:
    """Host (with port) → request target → destination; hosts of which nothing is left answer too."""
    hosts: dict[str, dict[str, str]] = {urlsplit(one.target_uri).netloc: {} for one in relation.outcomes}
    for redirect in redirects:
        parts = urlsplit(redirect.old)
        hosts[parts.netloc][(parts.path or "/") + (f"?{parts.query}" if parts.query else "")] = redirect.new
    return dict(sorted(hosts.items()))


def _gone(name: str, catalogue: str) -> str:
    """A small page for what is not known: ASCII only, whatever charset the server announces."""
    words = f"{escape(name)}已永久下线，这个网址没有对应的页面。"
    html = (
        f'<!DOCTYPE html><meta charset=utf-8><title>410</title><p>{words}</p><p><a href="{escape(names.escaped(catalogue))}">'
        "查看该站归档目录</a></p>"
    )
    return html.encode("ascii", "xmlcharrefreplace").decode()


# --- nginx


def _nginx(redirects: Sequence[Redirect], relation: Relation, site: str, name: str, catalogue: str) -> str:
    """Two maps for each host — one takes session ids off, one looks the address up — and a server."""
    prefix = "archived_" + re.sub(r"\W", "_", site, flags=re.ASCII)
    out = [
        f"# {_one_line(name)}: capture {relation.capture}, {len(redirects)} redirects. Include inside http {{ }}.",
        "# Long addresses need: map_hash_bucket_size 1024; map_hash_max_size 262144;",
    ]
    for number, (host, table) in enumerate(_by_host(redirects, relation).items(), start=1):
        asked, to = f"${prefix}_asked_{number}", f"${prefix}_to_{number}"
        hostname, _, port = host.partition(":")
        out += ["", f"map $request_uri {asked} {{", "    default $request_uri;", *_nginx_sessions(), "}"]
        out += ["", f"map {asked} {to} {{", '    default "";', *_nginx_table(table), "}"]
        out += [
            "",
            "server {",
            f"    listen {port or 80};",
            f"    server_name {_bare_host(hostname)};",
            "    location / {",
            f"        if ({to}) {{ return 301 {to}; }}",
            "        default_type text/html;",
            f"        return 410 {_nginx_quoted(_gone(name, catalogue))};",
            "    }",
            "}",
        ]
    return "\n".join(out) + "\n"


def _nginx_sessions() -> list[str]:
    """canon.strip_session in nginx' words: `;jsessionid=…` in the path; the parameter alone, first, or later."""
    rules = []
    for ids, value in ((_SESSIONS, "[^&]*"), (_LONG_SESSIONS, "[0-9A-Za-z]{16,}(?=&|$)")):
        in_path = value.replace("[^&]*", "[^?;/]*").replace("(?=&|$)", "(?=[?;/]|$)")
        rules += [
            (f"~*^(?<a>[^?]*);(?:{ids})={in_path}(?<b>.*)$", "$a$b"),
            (f"~*^(?<a>[^?]*)\\?(?:{ids})={value}$", "$a"),
            (f"~*^(?<a>[^?]*\\?)(?:{ids})={value}&(?<b>.*)$", "$a$b"),
            (f"~*^(?<a>[^?]*\\?.*)&(?:{ids})={value}(?<b>.*)$", "$a$b"),
        ]
    return [f'    "{_nginx_pattern(pattern)}" {result};' for pattern, result in rules]


def _nginx_table(table: Mapping[str, str]) -> list[str]:
    """Strings are looked up without regard to case; where only case tells two addresses apart, patterns do it."""
    folded: dict[str, set[str]] = {}
    for asked, new in table.items():
        folded.setdefault(asked.lower(), set()).add(new)
    lines, written = [], set()
    for asked, new in sorted(table.items()):
        if len(folded[asked.lower()]) > 1:
            lines.append(f"    {_nginx_quoted('~^' + re.escape(asked) + '$')} {_nginx_value(new)};")
        elif asked.lower() not in written:
            written.add(asked.lower())
            lines.append(f"    {_nginx_quoted(asked)} {_nginx_value(new)};")
    return lines


def _nginx_pattern(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _nginx_quoted(text: str) -> str:
    return f'"{_nginx_pattern(text)}"'.replace("\n", "").replace("\r", "")


def _nginx_value(url: str) -> str:
    """Destinations are ASCII; `$` would begin a variable."""
    return _nginx_quoted(url.replace("$", "%24"))


# --- Caddy


def _caddy(redirects: Sequence[Redirect], relation: Relation, site: str, name: str, catalogue: str) -> str:
    variable = "{archived_" + re.sub(r"\W", "_", site, flags=re.ASCII) + "_to}"
    out = [f"# {_one_line(name)}: capture {relation.capture}, {len(redirects)} redirects."]
    for host, table in _by_host(redirects, relation).items():
        out += ["", f"http://{_bare_host(host)} {{", f"\tmap {{uri}} {variable} {{"]
        out += [f"\t\t{_caddy_quoted(asked)} {_caddy_quoted(new)}" for asked, new in sorted(table.items())]
        # The same addresses with a session id behind them.
        out += [
            f"\t\t{_caddy_quoted('~^' + re.escape(asked) + ';(?i:' + _SESSIONS + ')=[^?;/]*$')} {_caddy_quoted(new)}"
            for asked, new in sorted(table.items())
            if "?" not in asked
        ]
        out += ['\t\tdefault ""', "\t}"]
        out += [f'\t@known expression `{variable} != ""`', f"\tredir @known {variable} 301"]
        out += [
            '\theader Content-Type "text/html; charset=utf-8"',
            f"\trespond {_caddy_quoted(_gone(name, catalogue))} 410",
            "}",
        ]
    return "\n".join(out) + "\n"


def _caddy_quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "\\{").replace("}", "\\}")
    return f'"{text}"'


# --- tables


def _csv(redirects: Sequence[Redirect], relation: Relation) -> str:
    new = {redirect.old: redirect.new for redirect in redirects}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["old_url", "outcome", "new_url", "reason"])
    for one in relation.outcomes:
        writer.writerow([one.target_uri, *_told(one, new), reason_of(one) or ""])
    return out.getvalue()


def _told(outcome: Outcome, new: Mapping[str, str]) -> tuple[str, str]:
    if isinstance(outcome, Unresolved) or outcome.target_uri not in new:
        return "unresolved", ""
    return word_of(outcome), new[outcome.target_uri]


def _html(redirects: Sequence[Redirect], relation: Relation, name: str) -> str:
    """A table for people, and for servers that know no redirects: every old address with a link to its new one."""
    new = {redirect.old: redirect.new for redirect in redirects}
    words = {"redirect": "已迁移", "archive": "已归档", "unresolved": "无对应页面"}
    rows = []
    for one in relation.outcomes:
        word, to = _told(one, new)
        link = f'<a href="{escape(to)}">{escape(to)}</a>' if to else escape(reason_of(one) or "")
        rows.append(f"<tr><td>{escape(one.target_uri)}</td><td>{words[word]}</td><td>{link}</td></tr>\n")
    title = f"{escape(name)}：新旧网址对照表"
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n<table>\n<thead><tr><th>原网址</th><th>去向</th><th>现网址</th></tr></thead>\n"
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>\n</body>\n</html>\n"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bare_host(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9.:\-\[\]]", "", host)
