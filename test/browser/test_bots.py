"""Bots in the chat: marked as such, and their commands offered to who begins to write one."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from test.browser.person import Person
from test.running.server import PROJECT, Server

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def call(server: Server) -> Iterator[Call]:
    """Makes requests as another program does, by a key."""
    command = [sys.executable, "-m", "twim", "key", "create", "shop", "--data", str(server.data), "--json"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=PROJECT)
    headers = {"Authorization": f"Bearer {json.loads(made.stdout)['key']}", "Content-Type": "application/json"}

    def request(method: str, path: str, loose: dict[str, Any]) -> dict[str, Any]:
        asking = urllib.request.Request(
            f"{server.url}/api/v1{path}", json.dumps(loose).encode(), headers, method=method
        )
        with urllib.request.urlopen(asking, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer).get("data", {})
        return found

    yield request


COMMANDS = [
    {"word": "weather", "help": "The weather of a place"},
    {"word": "week"},
    {"word": "转账", "help": "转账给朋友"},
]


@pytest.mark.parametrize(("phone", "lang", "mark"), [(False, "en", "Bot"), (True, "zh", "机器人")])
def test_bot(person: Callable[..., Person], call: Call, phone: bool, lang: str, mark: str) -> None:
    """A bot has a badge in its group, and what it understands is offered after a slash, by click and by key."""
    anna = person("Anna", phone=phone, lang=lang)
    bot = call("PUT", "/bots/meteo", {"nickname": "Meteo", "commands": COMMANDS})
    group = call("PUT", f"/groups/g-{lang}", {"name": "Sky", "owner": f"id:{anna.id}", "members": ["meteo"]})
    said = {"from": "meteo", "to": {"group": f"g-{lang}"}, "content": "good morning"}
    call("POST", "/messages", said)
    anna.open(11, group["id"])
    expect(anna.page.locator(".author .bot-badge")).to_have_text(mark)
    page, input, options = anna.page, anna.page.locator(".composer-input"), anna.page.locator(".suggestion")
    input.press_sequentially("/")
    expect(options).to_have_count(3)
    anna.shot(f"bot-commands-{lang}")
    input.press_sequentially("we")
    expect(options).to_have_count(2)
    expect(options.first).to_contain_text("The weather of a place")
    input.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    input.press("Enter")
    expect(input).to_have_value("/week ")
    expect(options.first).to_be_hidden()
    input.fill("no /")
    expect(options.first).to_be_hidden()
    input.fill("/转")
    expect(options).to_have_count(1)
    options.first.click()
    expect(input).to_have_value("/转账 ")
    anna.send()
    anna.sees("/转账")
    page.locator(".talk-who").click()
    expect(page.locator(".members .row", has_text="Meteo").locator(".bot-badge")).to_have_text(mark)
    anna.shot(f"bot-member-{lang}")
    page.keyboard.press("Escape")
    befriended = anna.context.request.post("/contact/addfriend", form={"dstid": str(bot["id"])})
    assert befriended.json()["code"] == 0
    anna.open(10, bot["id"])
    expect(page.locator(".talk-title .bot-badge")).to_have_text(mark)
    input.fill("/")
    expect(options).to_have_count(3)
    input.press("Escape")
    expect(options.first).to_be_hidden()
    anna.shot(f"bot-chat-{lang}")
