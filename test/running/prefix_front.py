"""nginx in front of two servers, each below a path of one site: `deploy/nginx.prefix.conf` takes the path off, and its
other way, which the file describes, passes it on."""

from __future__ import annotations

import http.client
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from test.running.need import need
from test.running.nginx_config import replaced
from test.running.server import PROJECT, START_SECONDS, Server, free_port

CONFIGURATION = PROJECT / "deploy" / "nginx.prefix.conf"
TAKEN_OFF = "/chat"
PASSED_ON = "/tools/talk"


def _configuration(folder: Path, port: int, taken_off: Server, passed_on: Server) -> str:
    text = CONFIGURATION.read_text("utf-8")
    changes = {
        "listen 80 ": f"listen 127.0.0.1:{port} ",
        "user www-data;": "",
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "/var/log/nginx": str(folder),
        "worker_processes auto;": "worker_processes 1;",
        "worker_rlimit_nofile 200000;": "",
        "worker_connections 100000;": "worker_connections 500;",
        "192.168.0.100:8080": f"127.0.0.1:{taken_off.port}",
    }
    text = replaced(text, changes)
    location = re.search(r"location /chat/ \{.*?\n        \}\n", text, re.DOTALL)
    assert location is not None
    other = {
        "location /chat/": f"location {PASSED_ON}/",
        "proxy_pass http://node/;": f"proxy_pass http://127.0.0.1:{passed_on.port};",
        "proxy_set_header X-Forwarded-Prefix /chat;": "",
    }
    return text.replace(location[0], location[0] + replaced(location[0], other))


class Site(NamedTuple):
    """The site, and what is behind it."""

    url: str
    servers: dict[str, str]
    """Where each server answers itself, by the path below which the site has it."""


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 404
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def prefix_front(folder: Path, *options: str) -> Iterator[Site]:
    """The site; both servers have `options`."""
    nginx = need("nginx", "nginx")
    for name in ("taken-off", "passed-on"):
        (folder / name).mkdir()
    with (
        Server(folder / "taken-off", ["--proxies", "127.0.0.1", *options]) as taken_off,
        Server(folder / "passed-on", ["--proxies", "127.0.0.1", "--prefix", PASSED_ON, *options]) as passed_on,
    ):
        port = free_port()
        file = folder / "nginx.conf"
        file.write_text(_configuration(folder, port, taken_off, passed_on), "utf-8")
        command = [nginx, "-c", str(file), "-e", str(folder / "error.log")]
        process = subprocess.Popen([*command, "-g", "daemon off;"], stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(port):
                assert time.monotonic() < deadline and process.poll() is None, "nginx doesn't start"
                time.sleep(0.05)
            servers = {TAKEN_OFF: taken_off.url, PASSED_ON: passed_on.url + PASSED_ON}
            yield Site(f"http://127.0.0.1:{port}", servers)
        finally:
            process.terminate()
            process.wait(30)
