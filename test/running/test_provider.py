"""Log-in at a provider, a real one: who gets in by which setting, and which returns are refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from test.cluster.certificates import Authority
from test.running.need import need
from test.running.provider import RunningProvider, Visitor
from test.running.server import START_SECONDS, Server, free_port

CHAT = "/chat/index.shtml"
PASSWD = "a good password"


@pytest.fixture(scope="module")
def port() -> int:
    """The server's, which the provider must know before both start."""
    return free_port()


@pytest.fixture(scope="module")
def tls_port() -> int:
    """That of nginx in front of it."""
    return free_port()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, port: int, tls_port: int) -> Iterator[RunningProvider]:
    """One for the module."""
    sites = (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}")
    with RunningProvider(
        tmp_path_factory.mktemp("provider"), [*(f"{site}/user/oidc" for site in sites), f"{sites[1]}/talk/user/oidc"]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: RunningProvider, port: int) -> Iterator[Server]:
    """One that sends people there."""
    options = ("--login", provider.option, "--group-invites", "members", "--proxies", "127.0.0.1")
    with Server(tmp_path_factory.mktemp("server"), options, port=port) as running:
        yield running


@pytest.fixture(scope="module")
def boss(server: Server) -> Visitor:
    """The first administrator, who registers on this machine."""
    visitor = Visitor()
    answer = visitor.ask(f"{server.url}/user/register", {"mobile": "13700000001", "passwd": PASSWD})
    assert json.loads(answer.body)["data"]["role"] == "admin", answer.body
    return visitor


def posted(visitor: Visitor, server: Server, path: str, method: str = "", **fields: object) -> Any:
    """What a form is answered with."""
    answer = visitor.ask(server.url + path, {name: str(value) for name, value in fields.items()}, method)
    found = json.loads(answer.body)
    assert found["code"] == 0, found
    return found.get("data")


def signup(boss: Visitor, server: Server, value: str) -> None:
    """Change the setting."""
    posted(boss, server, "/admin/api/settings", "PATCH", signup=value)


def left(visitor: Visitor, server: Server, **fields: str) -> str:
    """Where the button leads."""
    return str(posted(visitor, server, "/user/oidc", **fields)["url"])


def come(server: Server, login: str, **fields: str) -> tuple[Visitor, str]:
    """Somebody logs in at the provider. Gives them, and where they end up."""
    visitor = Visitor()
    back = visitor.pass_provider(left(visitor, server, **fields), login, f"{server.url}/user/oidc")
    answer = visitor.ask(back)
    assert answer.status == 302, answer.body
    return visitor, answer.leads_to.removeprefix(server.url)


def myself(visitor: Visitor, server: Server) -> Any:
    """The profile of who is logged in."""
    return posted(visitor, server, "/user/find", id="me")


def test_in(server: Server, provider: RunningProvider, boss: Visitor) -> None:
    """Who logs in there is in the chat here, the same user each time, by the external id that is promised."""
    signup(boss, server, "open")
    ann, where = come(server, "ann", to="#10:2-3:417")
    assert where == f"{CHAT}#10:2-3:417"
    assert ann.cookie("token")
    assert not ann.cookie("oidc")
    me = myself(ann, server)
    assert (me["nickname"], me["avatar"]) == ("ann of the provider", "https://shop.example/picture.png")
    assert (me["mobile"], me["role"]) == ("", "member")
    again, where = come(server, "ann", to="/admin/people.shtml")
    assert where == "/admin/people.shtml"
    assert myself(again, server)["id"] == me["id"]
    hashed = hashlib.sha256(f"{provider.issuer}\0ann".encode()).digest()
    name = "oidc:" + base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    key = posted(boss, server, "/admin/api/keys", name="a key")["key"]
    found = boss.ask(f"{server.url}/api/v1/users/{name}", Authorization=f"Bearer {key}")
    assert json.loads(found.body)["data"]["id"] == me["id"], found.body


def test_asks_for_what_is_needed(server: Server) -> None:
    """The provider is asked with PKCE, state and nonce, and to lead back to the address that the browser uses, also
    when a proxy in front speaks TLS of which the server knows nothing."""
    visitor = Visitor()
    query = parse_qs(urlsplit(left(visitor, server)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert "openid" in query["scope"][0].split()
    assert query["redirect_uri"] == [f"{server.url}/user/oidc"]
    assert all(len(query[name][0]) >= 22 for name in ("state", "nonce", "code_challenge"))
    (cookie,) = [one for one in visitor.cookies if one.name == "oidc"]
    assert cookie.path == "/user/oidc"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite").lower() == "lax"
    answer = visitor.ask(f"{server.url}/user/oidc", {}, Host="chat.example", Origin="https://chat.example")
    behind = parse_qs(urlsplit(json.loads(answer.body)["data"]["url"]).query)
    assert behind["redirect_uri"] == ["https://chat.example/user/oidc"]


NGINX = """
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
        location /talk/ {{
            proxy_pass http://127.0.0.1:{port}/;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Prefix /talk;
        }}
    }}
}}
"""


def test_behind_nginx(server: Server, tmp_path: Path, port: int, tls_port: int) -> None:
    """Behind nginx, which speaks TLS, the provider leads back there, also below a path of the site, and cookies go by
    TLS only, and only there."""
    nginx = need("nginx", "nginx")
    authority = Authority(tmp_path)
    certificate = authority.sign("front", address="127.0.0.1")
    config = tmp_path / "nginx.conf"
    text = NGINX.format(folder=tmp_path, tls_port=tls_port, port=port, certificate=certificate)
    config.write_text(text if os.geteuid() == 0 else text.replace("user root;", ""))
    command = [nginx, "-c", str(config), "-e", str(tmp_path / "error.log"), "-g", "daemon off;"]
    front = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        site = f"https://127.0.0.1:{tls_port}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                Visitor(authority.file).ask(f"{site}/settings")
                break
            except OSError:
                assert time.monotonic() < deadline and front.poll() is None, "nginx doesn't start"
                time.sleep(0.05)
        for base in ("", "/talk"):
            for to, leads_to in (("", CHAT), ("/admin/people.shtml", "/admin/people.shtml")):
                visitor = Visitor(authority.file)
                answer = visitor.ask(f"{site}{base}/user/oidc", {"to": to}, Origin=site)
                left_by = json.loads(answer.body)["data"]["url"]
                state = next(one for one in visitor.cookies if one.name == "oidc")
                assert (state.secure, state.path) == (True, f"{base}/user/oidc")
                back = visitor.pass_provider(left_by, "tess", f"{site}{base}/user/oidc")
                assert visitor.ask(back).leads_to == f"{site}{base}{leads_to}"
                token = next(one for one in visitor.cookies if one.name == "token")
                assert (token.secure, token.path) == (True, f"{base}/")
        failed = Visitor(authority.file).ask(f"{site}/talk/user/oidc?state=another")
        assert failed.leads_to == f"{site}/talk/user/login.shtml?failed=again"
    finally:
        front.terminate()
        front.wait()


def test_no_other_way_out(server: Server) -> None:
    """No target leads to another site, and no page of another site begins a log-in."""
    for to in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/admin/../x.shtml",
        "#11:7\n",
        "#10:2-3",
        "javascript:x",
    ):
        answer = Visitor().ask(f"{server.url}/user/oidc", {"to": to})
        assert answer.status == 400, (to, answer.body)
    answer = Visitor().ask(f"{server.url}/user/oidc", {}, Origin="https://evil.example")
    assert answer.status == 403


def test_refused_returns(server: Server) -> None:
    """A return counts only for the browser that left, once, with the state it left with."""
    visitor = Visitor()
    back = visitor.pass_provider(left(visitor, server), "ann", f"{server.url}/user/oidc")
    query = {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}

    def returned(who: Visitor, **changed: str) -> str:
        answer = who.ask(f"{server.url}/user/oidc?{urlencode(query | changed)}")
        assert answer.status == 302
        assert not who.cookie("token")
        return answer.leads_to.removeprefix(f"{server.url}/user/login.shtml?failed=")

    assert returned(Visitor()) == "again"
    assert returned(visitor, state="x" * 22) == "again"
    other = Visitor()
    left(other, server)
    assert returned(other) == "again"
    assert visitor.cookie("oidc"), "who was sent here by a wrong link may still come back"
    assert returned(visitor, iss="https://other.example") == "failed"
    assert returned(visitor) == "again"
    for error, reason in (("access_denied", "cancelled"), ("server_error", "failed")):
        left_with = parse_qs(urlsplit(left(visitor, server)).query)["state"][0]
        assert returned(visitor, state=left_with, error=error) == reason
    # A code that is another log-in's: the provider knows it by PKCE.
    one, two = Visitor(), Visitor()
    stolen = one.pass_provider(left(one, server), "ann", f"{server.url}/user/oidc")
    state = parse_qs(urlsplit(left(two, server)).query)["state"][0]
    assert returned(two, state=state, code=parse_qs(urlsplit(stolen).query)["code"][0]) == "failed"


def test_signup(server: Server, boss: Visitor) -> None:
    """First sight obeys the setting; who has come before comes in under each."""
    signup(boss, server, "open")
    come(server, "old")
    for value, reason in (("off", "closed"), ("invite", "invite"), ("approve", "waiting")):
        signup(boss, server, value)
        for _ in range(2):
            visitor, where = come(server, f"new-{value}")
            assert where == f"/user/login.shtml?failed={reason}"
            assert not visitor.cookie("token")
        assert come(server, "old")[1] == CHAT
    rows = json.loads(boss.ask(f"{server.url}/admin/api/users?q=new-approve").body)["rows"]
    posted(boss, server, f"/admin/api/users/{rows[0]['id']}", "PATCH", approved=1)
    assert come(server, "new-approve")[1] == CHAT


def test_invitation(server: Server, boss: Visitor) -> None:
    """An invitation lets somebody in where one is needed, who is in its group then; who is there already joins on its
    page."""
    signup(boss, server, "open")
    come(server, "known")
    signup(boss, server, "invite")
    group = posted(boss, server, "/contact/createcommunity", name="Rowers", join="invite")["id"]
    code = posted(boss, server, "/invite/create", **{"for": group})["code"]
    guest, where = come(server, "guest", invite=code)
    assert where == f"{CHAT}#11:{group}"
    rows = json.loads(guest.ask(f"{server.url}/contact/loadcommunity").body)["rows"]
    assert [row["id"] for row in rows] == [group]
    assert come(server, "known", invite=code)[1] == f"/i/{code}"
    assert come(server, "stranger", invite="wrong")[1] == "/user/login.shtml?failed=invite"


def test_disabled(server: Server, boss: Visitor) -> None:
    """Who is disabled doesn't get in."""
    signup(boss, server, "open")
    visitor, _ = come(server, "dan")
    posted(boss, server, f"/admin/api/users/{myself(visitor, server)['id']}", "PATCH", disabled=1)
    assert come(server, "dan")[1] == "/user/login.shtml?failed=disabled"


def test_log(server: Server) -> None:
    """Neither codes nor the secret are in the log."""
    assert "a+secret" not in server.log
    assert "code=" not in server.log.replace("code=…", "")
