"""The host applications of docs/examples, as they are: a customer logs in, chats in the page, and the bot answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from test.browser.conftest import DESKTOP, PHONE, SHOTS
from test.running.server import PROJECT, Server, free_port

EXAMPLES = PROJECT / "docs" / "examples"
LINES = 80
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
            yield f"http://localhost:{ports[name]}/"
        finally:
            running.terminate()
            running.wait()


@pytest.mark.parametrize("phone", [False, True])
def test_host(chromium: Browser, host: str, phone: bool) -> None:
    """The customer is greeted in the group, asks, is answered by the bot, and the host has heard of it."""
    context = chromium.new_context(viewport=PHONE if phone else DESKTOP, locale="en-GB")
    page = context.new_page()
    for _ in range(100):
        try:
            page.goto(host)
            break
        except Exception:
            page.wait_for_timeout(200)
    page.fill("[name=name]", "Anna")
    page.get_by_role("button", name="Log in").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Welcome, Anna!").first).to_be_visible()
    frame.locator(".composer-input").fill("Is it warm?")
    frame.locator(".composer-input").press("Enter")
    expect(frame.locator("li.message .text", has_text="You asked: Is it warm?").first).to_be_visible()
    page.reload()
    expect(page.locator("#heard")).not_to_have_text("0")
    page.screenshot(path=SHOTS / f"host-{'phone' if phone else 'desktop'}.png")
    context.close()


@pytest.mark.parametrize("name", HOSTS)
def test_short(name: str) -> None:
    """Each is short enough to be read at once."""
    assert len((EXAMPLES / HOSTS[name][1]).read_text("utf-8").splitlines()) < LINES
