"""Real web servers on loopback with a given configuration: nginx, and Caddy from the development environment."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CADDY = Path(sys.prefix) / "bin" / "caddy"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, configuration: str) -> Iterator[int]:
    """The configuration as it is but for the port; yields the port."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "map.conf").write_text(configuration.replace("listen 80;", f"listen 127.0.0.1:{port};"), "utf-8")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"{'user root; ' if os.geteuid() == 0 else ''}daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\nhttp {{ access_log off; "
        f"map_hash_bucket_size 1024; map_hash_max_size 262144; client_body_temp_path {folder}/body; {paths} "
        f"include {folder}/map.conf; }}",
        "utf-8",
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with _running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder):
        yield port


@contextmanager
def caddy(folder: Path, configuration: str) -> Iterator[int]:
    """The configuration as it is but for the port; yields the port."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"^http://([^ {]+) \{", rf"http://\1:{port} {{\n\tbind 127.0.0.1", configuration, flags=re.M)
    settings = "{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}\n"
    (folder / "Caddyfile").write_text(settings + text, "utf-8")
    with _running([str(CADDY), "run", "--config", str(folder / "Caddyfile")], port, folder):
        yield port


SERVERS = {"nginx": nginx, "caddy": caddy}


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "said.txt").open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder)
        try:
            for _ in range(200):
                assert server.poll() is None, (folder / "said.txt").read_text("utf-8", "replace")
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(20)


def ask(port: int, host: str, target: str | bytes) -> tuple[int, dict[str, str], bytes]:
    """One request with exactly this target on the wire: status, headers in lower case, body."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        line = target.encode() if isinstance(target, str) else target
        connection.sendall(b"GET " + line + f" HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
