"""The doctor beside a real server: what it learns by asking it, alone and through nginx."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from test.cluster.certificates import Authority
from test.doctor.examined import contents
from test.running.need import need
from test.running.server import Server, free_port
from test.running.test_nginx import Front
from twim.config import read_config
from twim.doctor import Finding, Level, examine
from twim.doctor.port import own_addresses


def examined(server: Server, port: str = "", **how: Any) -> list[Finding]:
    """What is found of an installation."""
    options = {"data": str(server.data), "port": port or f"tcp:{server.port}:interface=127.0.0.1"}
    return examine(read_config(options | how.pop("options", {}), {}), environ={}, **how)


def one(found: list[Finding], topic: str, words: str) -> Finding:
    """The one finding of a topic with these words."""
    fitting = [each for each in found if each.topic == topic and words in each.text]
    assert len(fitting) == 1, (words, [each for each in found if each.topic == topic])
    return fitting[0]


def wrong(found: list[Finding], *topics: str) -> list[Finding]:
    """The warnings and errors of some topics, or of all but those that are this machine's."""
    bad = (Level.WARNING, Level.ERROR)
    return [each for each in found if each.level in bad and (each.topic in topics if topics else each.topic in OURS)]


OURS = ("database", "schema", "nodes", "port", "bus", "files", "certificates", "proxies", "variables", "logs")


@contextmanager
def nginx(folder: Path, server: Server, changes: Mapping[str, str]) -> Iterator[Front]:
    """deploy/nginx.conf in front of a server, with some of its lines changed."""
    need("nginx", "nginx")
    front = Front(folder, server)
    text = front.config.read_text("utf-8")
    for before, after in changes.items():
        assert re.search(before, text), before
        text = re.sub(before, after, text)
    front.config.write_text(text, "utf-8")
    with front:
        yield front


def test_beside_a_server(server: Server) -> None:
    """Nothing is wrong, the server is recognised, and nothing changes."""
    found = examined(server)
    assert wrong(found) == []
    assert one(found, "port", "the server answers on").level == "ok"
    assert one(found, "limits", "the running server may open").level == "ok"
    assert one(found, "proxies", "no proxy has asked").level == "ok"
    before = words_in(server.data)
    examined(server)
    assert words_in(server.data) == before


def words_in(data: Path) -> dict[str, bytes]:
    """What the files of a data folder have in them, without what SQLite's readers share."""
    return {path: words for path, (_, _, words) in contents(data).items() if not path.endswith("-shm")}


def test_after_a_kill(tmp_path: Path) -> None:
    """A server that was killed leaves its log beside the database; it is read, and the server starts from it."""
    with Server(tmp_path) as server:
        server.kill9()
        assert wrong(examined(server)) == []
        assert one(examined(server), "port", "is free").level == "ok"
        server.start()
        assert wrong(examined(server)) == []


def test_on_another_port(server: Server) -> None:
    """The settings given aren't those that the server was started with."""
    found = examined(server, f"tcp:{free_port()}:interface=127.0.0.1")
    assert one(found, "port", "listens on none of these ports").level == "warning"


def test_of_other_data(server: Server, tmp_path: Path) -> None:
    """The port is taken by another server of this program."""
    found = examined(server, options={"data": str(tmp_path)})
    assert one(found, "port", "a server with other data").level == "error"


def test_unix_socket(tmp_path: Path) -> None:
    """A server on a Unix socket is asked there."""
    place, port = f"unix:{tmp_path}/im.sock", free_port()
    with Server(tmp_path, ["--port", f"{place} tcp:{port}:interface=127.0.0.1"], port=port) as server:
        found = examined(server, place)
        assert one(found, "port", "the server answers on unix:").level == "ok"
        assert one(found, "proxies", "no proxy has asked").level == "ok"


def test_taken_by_another_program(tmp_path: Path) -> None:
    """Something that speaks HTTP and isn't this program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=answer_once, args=(other,), daemon=True).start()
        found = examine(read_config({"data": str(tmp_path)}, {}), environ={}, url=url)
    assert one(found, "proxies", "answers 404, and not as this server does").level == "error"


def answer_once(listening: socket.socket) -> None:
    """Whatever is asked, it isn't there."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that speaks TLS itself, asked by its name; the authority that signed is trusted, then not."""
    authority = Authority(tmp_path)
    pem = authority.sign("server", host="localhost")
    pem.chmod(0o600)
    port, secure = free_port(), free_port()
    place = f"ssl:{secure}:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
    with Server(tmp_path, ["--port", f"tcp:{port}:interface=127.0.0.1 {place}"], port=port) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        found = examined(server, place, url=f"https://localhost:{secure}")
        assert wrong(found, "proxies", "port") == []
        assert one(found, "proxies", "told to come by TLS").level == "ok"
        assert one(found, "proxies", "WebSockets come through to wss:").level == "ok"
        assert one(found, "certificates", "is for localhost").level == "ok"
        monkeypatch.delenv("SSL_CERT_FILE")
        found = examined(server, place, url=f"https://localhost:{secure}")
        assert "certificate verify failed" in one(found, "proxies", "doesn't answer").text


def test_nobody_at_the_address(server: Server) -> None:
    """The public address leads nowhere, or is none."""
    assert one(examined(server, url="http://127.0.0.1:9"), "proxies", "doesn't answer").level == "error"
    assert one(examined(server, url="chat.example.org"), "proxies", "is no address of a site").level == "error"


def test_right_proxy(tmp_path: Path) -> None:
    """The nginx that comes with the server, and is named, passes everything on."""
    with Server(tmp_path, ["--proxies", "127.0.0.1"]) as server, nginx(tmp_path, server, {}) as front:
        found = examined(server, url=front.url, options={"proxies": "127.0.0.1"})
        assert wrong(found, "proxies") == []
        for words in ("127.0.0.1 are believed", "WebSockets come through", "told which host", "no proxy has asked"):
            assert one(found, "proxies", words).level == "ok"


def test_proxy_that_is_not_named(tmp_path: Path) -> None:
    """The server has seen it and tells."""
    with Server(tmp_path) as server, nginx(tmp_path, server, {}) as front:
        found = one(examined(server, url=front.url), "proxies", "a proxy (127.0.0.1)")
        assert (found.level, found.fix) == ("warning", "Name it: --proxies 127.0.0.1.")


def test_proxy_without_upgrade(tmp_path: Path) -> None:
    """WebSockets end at the proxy."""
    lost = {r"proxy_set_header Upgrade \$http_upgrade;": ""}
    with Server(tmp_path, ["--proxies", "127.0.0.1"]) as server, nginx(tmp_path, server, lost) as front:
        found = one(examined(server, url=front.url), "proxies", "WebSockets don't come through")
        assert found.level == "error" and "proxy_http_version 1.1" in found.fix


def test_proxy_with_another_host(tmp_path: Path) -> None:
    """The server takes pages of this site for those of another."""
    lost = {r"Host \$http_host": "Host node.internal"}
    with Server(tmp_path, ["--proxies", "127.0.0.1"]) as server, nginx(tmp_path, server, lost) as front:
        assert one(examined(server, url=front.url), "proxies", "isn't told which host").level == "error"


def test_proxy_that_tells_nothing(tmp_path: Path) -> None:
    """Everybody seems to be a program of this machine, and may see the figures. And there is no TLS."""
    addresses = [each for each in own_addresses() if ":" not in each]
    if not addresses:
        pytest.skip("this machine has no address but its own")
    lost = {"proxy_set_header X-Forwarded-(For|Proto|Host) [^;]*;": "", r"listen 127\.0\.0\.1:": "listen 0.0.0.0:"}
    lost["location = /metrics[^}]*}"] = ""
    with Server(tmp_path) as server, nginx(tmp_path, server, lost) as front:
        found = examined(server, url=f"http://{addresses[0]}:{front.port}")
        assert one(found, "proxies", "is taken for a program on this machine").level == "error"
        assert one(found, "proxies", "is without TLS").level == "warning"


@pytest.mark.parametrize("is_named", [True, False])
def test_proxy_with_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool) -> None:
    """By the header that only secure answers have it is seen whether the server knows that its clients come by TLS."""
    authority = Authority(tmp_path)
    pem = authority.sign("front", host="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    secure = {
        "(listen 127[^;]*);": r"\1 ssl;",
        "server_name _;": f"server_name _; ssl_certificate {pem}; ssl_certificate_key {pem};",
    }
    options = ["--proxies", "127.0.0.1"] if is_named else []
    with Server(tmp_path, options) as server, nginx(tmp_path, server, secure) as front:
        found = examined(server, url=f"https://localhost:{front.port}")
        words = "told to come by TLS" if is_named else "have no Strict-Transport-Security"
        assert one(found, "proxies", words).level == ("ok" if is_named else "warning")


def test_everybody_is_a_proxy(tmp_path: Path) -> None:
    """A network of all addresses believes all."""
    config = read_config({"data": str(tmp_path), "proxies": "0.0.0.0/0"}, {})
    assert one(examine(config, environ={}), "proxies", "believes everybody").level == "error"
