"""The page on which a user sets a new password, in both languages, on a phone too."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import expect

from test.browser.person import Person
from test.running.server import Server

Arrive = Callable[..., Person]
SECONDS = 60


def link(server: Server, userid: int) -> str:
    """What the running server answers to an order of a reset."""
    values = ("user.reset", json.dumps({"user": userid}).encode(), "command:test", time.time_ns() // 10**6)
    with closing(sqlite3.connect(server.data / "im.db", timeout=SECONDS)) as database:
        columns = "act, told, who, at, state, outcome, taken, node, beat"
        order = f"INSERT INTO orders ({columns}) VALUES (?, ?, ?, ?, 'waiting', x'', 0, '', 0)"
        number = database.execute(order, values).lastrowid
        database.commit()
        deadline = time.monotonic() + SECONDS
        while True:
            state, outcome = database.execute("SELECT state, outcome FROM orders WHERE id = ?", (number,)).fetchone()
            if state not in ("waiting", "running"):
                assert state == "done", outcome
                return str(json.loads(outcome)["url"])
            assert time.monotonic() < deadline, state
            time.sleep(0.05)


@pytest.mark.parametrize(("phone", "lang", "title"), [(False, "en", "New password"), (True, "zh", "新密码")])
def test_sets_a_password(person: Arrive, server: Server, phone: bool, lang: str, title: str) -> None:
    """Who was logged in is logged out; the new password is set on the page, once, and logs in."""
    ann = person("Ann", phone=phone, lang=lang)
    url = link(server, ann.id)
    page = ann.another_page()
    page.goto(url)
    expect(page.locator("h1")).to_have_text(title)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=ann._shots / f"reset-{lang}.png")
    page.fill("[name=passwd]", "12345")
    page.click("[type=submit]")
    assert page.url.endswith(url)
    page.fill("[name=passwd]", "another password")
    page.click("[type=submit]")
    page.wait_for_url("**/user/login.shtml*")
    page.fill("[name=mobile]", ann.mobile)
    page.fill("[name=passwd]", "another password")
    page.click("[type=submit]")
    page.wait_for_url("**/chat/index.shtml*")
    ann.errors.clear()  # the browser writes down that the old log-in is refused


def test_gone(logged_out: Arrive) -> None:
    """A link that is no longer good says so, and has no form."""
    guest = logged_out("Guest")
    answer = guest.page.goto("/reset/nothing")
    assert answer is not None and answer.status == 404
    expect(guest.page.locator("h1")).to_have_text("This link is no longer good")
    expect(guest.page.locator("form[data-login]")).to_have_count(0)
    guest.errors.clear()  # the browser writes down the 404
