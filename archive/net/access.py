"""How a site is reached: through a proxy, with a login, with certificates. Nothing of it may reach a WARC."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive.text import _
from sitegen.errors import Problem, Refused, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user of HTTP basic authentication (RFC 7617); its text form never shows the password."""

    user: str
    password: str = field(repr=False)

    @property
    def value(self) -> str:
        """The value of `Authorization`."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy; https goes through it by CONNECT."""

    host: str
    port: int
    login: Login | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`login` is shown only to hosts of the scope that ask for it. `tls` None: the system's authorities."""

    proxy: Proxy | None = None
    login: Login | None = None
    tls: ssl.SSLContext | None = None

    @property
    def described(self) -> dict[str, str]:
        """What a `warcinfo` record says of it."""
        kept = "sent where a server asked for it; its value is left out of the request records"
        return {
            "http-header-authorization": kept if self.login else "",
            "proxy": f"{self.proxy.host}:{self.proxy.port}" if self.proxy else "",
        }


def parse_proxy(text: str) -> Proxy:
    """`http://[USER:PASSWORD@]HOST:PORT`. Raises UsageError."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "http" or parts.path.strip("/"):
        # The text is not repeated: it may hold a password.
        raise UsageError(
            [
                Problem(
                    path="--proxy",
                    code="proxy-invalid",
                    message=_("the proxy is not http://HOST:PORT"),
                    remedy=_("write for example http://proxy.example.gov.cn:3128"),
                )
            ]
        )
    login = Login(user=unquote(parts.username), password=unquote(parts.password or "")) if parts.username else None
    return Proxy(host=host, port=port, login=login)


def tls_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A context that verifies: by `authority` (PEM) instead of the system's, and shows `certificate`.

    None when there is nothing to change. Raises Refused when a file cannot be used.
    """
    if authority is None and certificate is None and key is None:
        return None
    if certificate is None and key is not None:
        raise UsageError(
            [
                Problem(
                    path="--key",
                    code="certificate-missing",
                    message=_("a key without its certificate"),
                    remedy=_("add --cert FILE"),
                )
            ]
        )
    path = authority or certificate
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            path = certificate
            context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:  # ssl.SSLError is one
        raise Refused(
            [
                Problem(
                    path=str(path),
                    code="certificate-unusable",
                    message=_("the certificate or its key cannot be used ({error})").format(error=error),
                    remedy=_("give PEM files; a key must not be encrypted"),
                )
            ]
        ) from None
    return context
