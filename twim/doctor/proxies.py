"""The proxies in front: whether the server knows them, and whether they pass on what it needs."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from twim.doctor.asking import SETTINGS, NoAnswer, Reply, ask, ask_url, is_ours, running
from twim.doctor.finding import Finding, Level
from twim.doctor.listening import is_loopback, read_listening
from twim.doctor.subject import Subject

TOPIC: Final = "proxies"
UNIX: Final = "unix"
_HOST_FIX: Final = "Let the proxy pass Host on as it is, as in nginx: proxy_set_header Host $http_host."


def look_at_proxies(subject: Subject) -> Iterator[Finding]:
    """Examine what is named, the way through the public address, and what the running server has seen since."""
    yield from _named(subject.config.proxies)
    if subject.url:
        yield from _public(subject)
    else:
        fix = "Give the address that people use: --url https://chat.example.org."
        yield Finding(TOPIC, Level.NOTE, "the way from outside isn't tried, since its address isn't given", fix)
    yield from _seen(subject)


def _named(proxies: frozenset[str]) -> Iterator[Finding]:
    everybody = [one for one in proxies - {UNIX} if not ip_network(one).prefixlen]
    if everybody:
        fix = "Name only the addresses of your own proxies."
        text = f"--proxies {everybody[0]} believes everybody: anyone may claim to be any address"
        yield Finding(TOPIC, Level.ERROR, text, fix)
    elif proxies:
        yield Finding(TOPIC, Level.OK, f"the proxies {', '.join(sorted(proxies))} are believed")
    else:
        yield Finding(TOPIC, Level.OK, "no proxy is named, so none is believed")


def _seen(subject: Subject) -> Iterator[Finding]:
    """Whether the server was asked by a proxy that it doesn't know."""
    unnamed = _unnamed(subject)
    if unnamed is None:
        yield Finding(TOPIC, Level.NOTE, "whether proxies ask that aren't named isn't known: no server answers here")
    elif not unnamed:
        yield Finding(TOPIC, Level.OK, "no proxy has asked that isn't named")
    elif unnamed != UNIX and ip_address(unnamed).is_global:
        fix = f"If that is your proxy: --proxies {unnamed}. If not, it is somebody who writes such headers."
        yield Finding(TOPIC, Level.NOTE, f"{unnamed} passes requests on, and isn't named in --proxies", fix)
    else:
        text = f"a proxy ({unnamed}) passes requests on that isn't named: all people seem to come from its address"
        yield Finding(TOPIC, Level.WARNING, text, f"Name it: --proxies {unnamed}.")


def _unnamed(subject: Subject) -> str | None:
    """The proxy that the running server has seen and doesn't know; "" for none, None when no server tells."""
    for place in running([read_listening(one) for one in subject.config.port]):
        try:
            data = ask(place, "/health/ready").json.get("data")
        except NoAnswer:
            continue
        if isinstance(data, dict):
            return str(data.get("unnamed_proxy", ""))
    return None


def _public(subject: Subject) -> Iterator[Finding]:
    url = subject.url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Finding(TOPIC, Level.ERROR, f"{url} is no address of a site", "Give one as https://chat.example.org.")
        return
    try:
        reply = ask_url(f"{url}{SETTINGS}")
    except NoAnswer as error:
        fix = (
            "Start the proxy, correct its certificate or the name in DNS, and look that the firewall lets you through."
        )
        yield Finding(TOPIC, Level.ERROR, f"{url} doesn't answer: {error}", fix)
        return
    if not is_ours(reply):
        text = f"{url}{SETTINGS} answers {reply.status}, and not as this server does"
        fix = "Let the proxy pass every path on to the server, as deploy/nginx.conf does."
        yield Finding(TOPIC, Level.ERROR, text, fix)
        return
    yield Finding(TOPIC, Level.OK, f"{url} is answered by a server of this program")
    is_here = is_loopback(parts.hostname)
    if parts.scheme == "https":
        yield _hsts(subject, reply)
    elif not is_here:
        fix = "Get a certificate, and let the proxy or the server speak TLS; deploy/nginx.conf has the lines."
        text = f"{url} is without TLS: passwords and messages can be read on the way"
        yield Finding(TOPIC, Level.WARNING, text, fix)
    yield _socket(url, parts.scheme)
    yield from _host(url)
    if not _resolves_here(parts.hostname):
        yield from _taken_for_us(subject)


def _hsts(subject: Subject, reply: Reply) -> Finding:
    if "strict-transport-security" in reply.headers:
        return Finding(TOPIC, Level.OK, "browsers are told to come by TLS from now on")
    if not subject.config.hsts:
        return Finding(TOPIC, Level.NOTE, "--hsts 0 tells browsers that they may come without TLS")
    fix = "Name the proxy in --proxies, and let it pass the scheme on: proxy_set_header X-Forwarded-Proto $scheme."
    text = "answers by TLS have no Strict-Transport-Security: the server doesn't know that its clients come by TLS"
    return Finding(TOPIC, Level.WARNING, text, fix)


def _upgrade(url: str, **more: str) -> Reply:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    return ask_url(f"{url}/chat", headers | more)


def _socket(url: str, scheme: str) -> Finding:
    """The server refuses whoever isn't logged in, and says so in another way when it was asked for a WebSocket."""
    shown = f"{'wss' if scheme == 'https' else 'ws'}{url.removeprefix(scheme)}/chat"
    fix = "Let the proxy pass it on: proxy_http_version 1.1, and Upgrade and Connection as deploy/nginx.conf sets them."
    try:
        reply = _upgrade(url)
    except NoAnswer as error:
        return Finding(TOPIC, Level.ERROR, f"{shown} doesn't answer: {error}", fix)
    if "sec-websocket-version" not in reply.headers:
        return Finding(TOPIC, Level.ERROR, f"WebSockets don't come through to {shown} ({reply.status})", fix)
    return Finding(TOPIC, Level.OK, f"WebSockets come through to {shown}")


def _host(url: str) -> Iterator[Finding]:
    """A page of this site is taken for one of another when the server isn't told the host that the browser asked."""
    try:
        reply = _upgrade(url, Origin=url, Cookie="token=twim-doctor")
    except NoAnswer:
        return
    if reply.status == 403:
        yield Finding(TOPIC, Level.ERROR, "the server isn't told which host was asked: no browser can chat", _HOST_FIX)
    else:
        yield Finding(TOPIC, Level.OK, "the server is told which host was asked")


def _taken_for_us(subject: Subject) -> Iterator[Finding]:
    """Who comes through a proxy that tells nothing seems to be on this machine, where more is allowed."""
    if subject.config.monitors:
        return
    try:
        reply = ask_url(f"{subject.url}/metrics")
    except NoAnswer:
        return
    if reply.status == 200:
        fix = (
            "Let the proxy pass the client's address on (proxy_set_header X-Forwarded-For $remote_addr), and name it in"
            " --proxies."
        )
        text = "whoever comes by the public address is taken for a program on this machine, and may see /metrics"
        yield Finding(TOPIC, Level.ERROR, text, fix)


def _resolves_here(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(is_loopback(str(one[4][0])) for one in found)
