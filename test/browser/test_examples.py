"""The host applications of docs/examples, as they are: a customer logs in, chats in the page, and the bot answers."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from test.browser.conftest import DESKTOP, SHOTS
from test.running.server import PROJECT, START_SECONDS, Server, free_port

EXAMPLES = PROJECT / "docs" / "examples"
LINES = 80
NUMBERS = itertools.count(1)
HOSTS = {
    "flask": [sys.executable, "flask_host.py"],
    "django": [sys.executable, "django_host.py"],
    "express": ["node", "express_host.js"],
}


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Where each host is to be."""
    return {name: free_port() for name in HOSTS}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[Server]:
    """A server that lists all hosts."""
    sites = ",".join(f"http://localhost:{port}" for port in ports.values())
    with Server(tmp_path_factory.mktemp("server"), ["--sites", sites, "--webhooks", "private"]) as running:
        yield running


def wait_until_open(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the host listens."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
        assert running.poll() is None and time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.1)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, server: Server, ports: dict[str, int], tmp_path: Path) -> Iterator[str]:
    """A host that runs, by its address."""
    name: str = request.param
    command = [sys.executable, "-m", "twim", "key", "create", name, "--data", str(server.data), "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    key = json.loads(made.stdout)["key"]
    environment = os.environ | {"TWIM_URL": server.url, "TWIM_KEY": key, "PORT": str(ports[name])}
    with (tmp_path / "host.log").open("wb") as log:
        running = subprocess.Popen(HOSTS[name], cwd=EXAMPLES, env=environment, stdout=log, stderr=log)
        try:
            wait_until_open(ports[name], running, tmp_path / "host.log")
            yield f"http://localhost:{ports[name]}/"
        finally:
            running.terminate()
            running.wait()


def test_host(chromium: Browser, host: str) -> None:
    """The customer is greeted in the group, asks, is answered by the bot, and the host has heard of it."""
    context = chromium.new_context(viewport=DESKTOP, locale="en-GB")
    page = context.new_page()
    page.goto(host)
    name = f"Anna {next(NUMBERS)}"
    page.fill("[name=name]", name)
    page.get_by_role("button", name="Log in").click()
    frame = page.frame_locator("iframe")
    said = frame.locator("li.message .text")
    expect(said.get_by_text(f"Welcome, {name}!")).to_be_visible()
    frame.locator(".composer-input").fill(f"{name} asks")
    frame.locator(".composer-input").press("Enter")
    expect(said.get_by_text(f"You asked: {name} asks")).to_be_visible()
    page.reload()
    expect(page.locator("#heard")).to_have_text("1")
    page.screenshot(path=SHOTS / "host.png")
    context.close()


@pytest.mark.parametrize("name", HOSTS)
def test_short(name: str) -> None:
    """Each is short enough to be read at once."""
    assert len((EXAMPLES / HOSTS[name][1]).read_text("utf-8").splitlines()) < LINES
