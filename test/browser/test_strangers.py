"""Whatever strangers send and the server accepts, the page shows every row, list and log without an error."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from test.browser.conftest import DESKTOP, PHONE
from test.browser.strategies import ADDRESSES, KEYS, LATEST, MEDIA, conversations, profiles
from test.running.server import Server

EXAMPLES: Final = int(os.environ.get("TWIM_STRANGERS", "25"))
PAGE: Final = (
    25  # messages that are shown at least of a conversation that is opened; a page has 50, some of them events
)
AT_ONCE: Final = 15  # messages on one socket; the server closes one after 20 that it had to refuse
SECONDS: Final = 35  # after which no further example begins
MOBILES = itertools.count(13_700_000_001)
REST: Final = ("/message/", "/contact/", "/user/", "/attach/")
NOBODY: Final = "/user/find"
"""Answers 404 for an id that nobody has; a message may name any."""

POST = """({id, token, messages}) => new Promise((done, failed) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/chat?id=${id}&token=${token}`);
    const answers = [];
    socket.onopen = () => messages.forEach((one, at) => socket.send(JSON.stringify({...one, id: at + 1})));
    socket.onclose = ({code}) => failed(new Error(`closed ${code}`));
    socket.onmessage = ({data}) => {
        const frame = JSON.parse(data);
        if (frame.cmd !== 1) return;
        answers.push(frame);
        if (answers.length === messages.length) { socket.onclose = null; socket.close(); done(answers); }
    };
})"""

STANDS = """() => {
    const [log, box] = [document.querySelector("ol.rows"), document.querySelector(".talk-scroll")];
    return {
        log: document.querySelector(".talk [role=log]")?.getAttribute("aria-live"),
        undrawn: document.querySelectorAll(".undrawn").length,
        wide: [document.documentElement, box, document.querySelector(".side-body")]
            .filter((one) => one && one.scrollWidth > one.clientWidth).map((one) => one.className || one.tagName),
        seqs: [...log.querySelectorAll("li.message")].map((row) => Number(row.dataset.seq)),
        notices: log.querySelectorAll("li.notice").length,
    };
}"""


IN_ORDER = """([words, selector]) => {
    const lines = [...document.querySelectorAll(selector)].filter((line) => line.textContent.includes(words));
    return lines.every((line) => {
        const ours = [...line.childNodes].find((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());
        const range = document.createRange();
        range.selectNodeContents(ours);
        const theirs = line.querySelector("bdi").getBoundingClientRect();
        return range.getBoundingClientRect().right <= theirs.left + 1;
    });
}"""
"""Whether our words stand left of theirs."""


class Window:
    """The chat page of one user, and the errors in its console. Sites other than the server's don't answer."""

    def __init__(self, chromium: Browser, server: Server, *, phone: bool = False) -> None:
        self.server = server
        self.user: dict[str, Any] = {}
        self.errors: list[str] = []
        self.context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP, has_touch=phone, is_mobile=phone, base_url=server.url, locale="en-GB"
        )
        self.context.set_default_timeout(15_000)
        self.context.route(lambda url: not url.startswith(server.url), lambda route: _gone(route))
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))

    def _heard(self, message: ConsoleMessage) -> None:
        """All errors except those of a stranger's picture, voice or video that can't be loaded."""
        path = urlsplit(message.location["url"]).path
        missing = message.text.startswith("Failed to load resource")
        if message.type == "error" and not (missing and (path == NOBODY or not path.startswith(REST))):
            self.errors.append(f"{message.text} {message.location}")

    def arrive(self, name: str) -> None:
        """Register, and open the chat."""
        self.enter(registered(self.context, name))

    def enter(self, user: dict[str, Any]) -> None:
        """Open the chat of a user who has a token."""
        self.user = user
        self.context.add_cookies([{"name": "token", "value": user["token"], "url": self.server.url}])
        self.page.goto("/chat/index.shtml")
        self.online()

    def ask(self, path: str, **fields: object) -> Any:
        """What the server answers to a request of this user."""
        return self.context.request.post(path, form={name: str(value) for name, value in fields.items()}).json()

    def talk_with(self, stranger: Stranger) -> None:
        """Open the conversation by its address."""
        self.page.evaluate(f"location.hash = '#10:{stranger.user['id']}'")
        expect(self.page.locator(".composer-input")).to_be_visible()

    def listed(self, stranger: Stranger) -> None:
        """The lists of conversations and of friends have the conversation, with its newest message."""
        row = self.page.locator(f"[data-conversation='10:{stranger.user['id']}']")
        expect(row.locator(".row-last")).to_have_text("the end")
        self.page.click("[data-panel=friends]")
        expect(self.page.locator(f"[data-user='{stranger.user['id']}']")).to_be_visible()
        self.page.click("[data-panel=chats]")
        assert self.errors == []

    def online(self) -> None:
        """Wait until the page is connected."""
        expect(self.page.locator(".state")).to_have_attribute("data-state", "online")

    def stands(self, shown: list[int], notices: int) -> None:
        """Every row is shown in its intended form, and nothing is wider than its space."""
        expect(self.page.locator("li.message").last).to_have_attribute("data-seq", str(shown[-1]))
        least = min(len(shown) + notices, PAGE)  # the page before what is new may still be on its way
        expect(self.page.locator("li.message, li.notice").nth(least - 1)).to_be_attached()
        found = self.page.evaluate(STANDS)
        assert found["seqs"] == shown[-len(found["seqs"]) :]
        assert found["notices"] <= notices
        assert (found["log"], found["undrawn"], found["wide"]) == ("polite", 0, [])
        assert self.errors == []


def _gone(route: Route) -> None:
    route.fulfill(status=404, body="")


def registered(context: BrowserContext, name: str) -> dict[str, Any]:
    """A new user, with a token."""
    fields = {"mobile": str(next(MOBILES)), "nickname": name, "passwd": "a good password"}
    user: dict[str, Any] = context.request.post("/user/register", form=fields).json()["data"]
    return user


class Stranger:
    """A friend of `window`'s user who sends anything."""

    def __init__(self, chromium: Browser, server: Server, friend: int) -> None:
        self.context = chromium.new_context(base_url=server.url)
        self.friend = friend
        self.user = registered(self.context, "Stranger")
        self.page: Page = self.context.new_page()
        self.page.goto("/user/login.shtml")
        answer = self.context.request.post("/contact/addfriend", form={"dstid": str(friend)})
        assert answer.json()["code"] == 0

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def post(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Send messages of which some may be refused; gives each answer."""
        told = {"id": self.user["id"], "token": self.user["token"]}
        bound = [{"cmd": 10, "dstid": self.friend} | message for message in messages]
        answers: list[dict[str, Any]] = []
        for at in range(0, len(bound), AT_ONCE):
            answers += self.page.evaluate(POST, told | {"messages": bound[at : at + AT_ONCE]})
        return answers

    def ask(self, path: str, **fields: object) -> Any:
        """What the server answers to a request of this user."""
        return self.context.request.post(path, form={name: str(value) for name, value in fields.items()}).json()

    def become(self, profile: dict[str, str]) -> None:
        """Set this profile, as far as the server accepts it."""
        for name, value in profile.items():
            self.context.request.post("/user/update", form={name: value})

    def history(self) -> list[dict[str, Any]]:
        """What the server shows of the conversation."""
        rows: list[dict[str, Any]] = []
        while True:
            after = str(rows[-1]["seq"] if rows else 0)
            form = {"scope": "10", "dstid": str(self.friend), "limit": "200", "after": after}
            page = self.context.request.post("/message/history", form=form).json()["rows"]
            rows += page
            if len(page) < 200:
                return rows


def shown_of(rows: list[dict[str, Any]]) -> tuple[list[int], int]:
    """The seqs of the messages that have a row, and how many rows are notices."""
    shown = [row for row in rows if row["media"] not in (20, 21, 22)]
    return [row["seq"] for row in shown if not row.get("recalled")], sum("recalled" in row for row in shown)


@pytest.fixture
def windows(chromium: Browser, server: Server) -> Iterator[tuple[Window, Window]]:
    """A desktop and a phone of a user to whom strangers write."""
    desktop, phone = Window(chromium, server), Window(chromium, server, phone=True)
    desktop.arrive("Anna")
    phone.enter(desktop.user)
    yield desktop, phone
    for window in (desktop, phone):
        window.context.close()


@pytest.fixture(scope="module")
def window(chromium: Browser, server: Server) -> Iterator[Window]:
    """A page of its own, for what the modules do by themselves."""
    window = Window(chromium, server)
    window.page.goto("/user/login.shtml")
    yield window
    window.context.close()


def test_each_address_in_each_kind(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """Odd addresses are shown and quoted in every kind of message."""
    desktop, phone = windows
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        desktop.talk_with(stranger)
        for at, media in enumerate(MEDIA):
            posted = [{"media": media, "url": address, "pic": address} for address in ADDRESSES]
            posted += [
                {"media": media, "content": address, "memo": address, "ref": 2 * at * len(ADDRESSES) + ref}
                for ref, address in enumerate(ADDRESSES, 1)
            ]
            assert not any(answer["code"] for answer in stranger.post(*posted))
        for window in (desktop, phone):
            window.talk_with(stranger)
            window.stands(*shown_of(stranger.history()))


def test_keys_of_objects(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """The names of properties that every JavaScript object has are ordinary texts: emoji, reactions, names, words."""
    desktop, phone = windows
    keys = [key for key in KEYS if key]
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        desktop.talk_with(stranger)
        stranger.post({"media": 1, "content": "like this"}, *({"media": 6, "content": key} for key in keys))
        faces = desktop.page.locator("li.message .big-emoji")
        expect(faces).to_have_text(keys)
        last = desktop.page.locator(f"[data-conversation='10:{stranger.user['id']}'] .row-last")
        for key in keys:
            assert not stranger.post({"media": 22, "ref": 1, "content": key})[0]["code"]
            reaction = desktop.page.locator("[data-seq='1'] .reaction")
            expect(reaction).to_have_text(f"{key} 1")
            expect(last).to_have_text(f"reacted {key}")
            reaction.click()
            expect(reaction).to_have_text(f"{key} 2")
            desktop.page.reload()
            expect(reaction).to_have_text(f"{key} 2")
            reaction.click()
            expect(reaction).to_have_text(f"{key} 1")
            stranger.become({"nickname": key if len(key) > 1 else "x"})
        expect(faces).to_have_text(keys)
        desktop.stands([row["seq"] for row in stranger.history() if row["media"] != 22], 0)
    assert phone.errors == []


def test_quotes_of_what_is_not_there(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """A reply may quote a message that can't be shown or is recalled, which is said; it can't quote a future one."""
    desktop, _ = windows
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        desktop.talk_with(stranger)
        stranger.post({"media": 7, "url": "https://["}, {"media": 1, "content": "soon gone"}, {"media": 20, "ref": 2})
        answers = stranger.post(*({"media": 1, "content": f"to {ref}", "ref": ref} for ref in (1, 2, 3, 7, 9, LATEST)))
        assert [answer["code"] < 0 for answer in answers] == [False, False, False, True, True, True]
        quotes = desktop.page.locator("li.message .quote span")
        expect(quotes).to_have_text(["Link https://[", "Message recalled", "Message recalled"])
        assert desktop.errors == []


def test_file_names_show_their_ending(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """Direction marks, length and blanks can't hide a file's extension in its card, its quote and the list."""
    desktop, phone = windows
    names = {
        "holiday\u202egpj.exe": ".exe",
        "holiday.jpg\u2066\u200f.exe": ".exe",
        "photo.jpg" + "\u00a0" * 150 + ".exe": ".exe",
        "w" * 180 + ".pdf.scr": ".scr",
        "\u05ea\u05de\u05d5\u05e0\u05d4.jpg.exe": ".exe",
        "invoice.pdf.exe  . ": ".exe",
        "notes.jpg\n.lnk": ".lnk",
        "archive.tar.gz": ".gz",
    }
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        for window in windows:
            window.talk_with(stranger)
        for at, (name, ending) in enumerate(names.items()):
            stranger.post({"media": 7, "url": "/mnt/none", "content": name, "memo": "1 KB", "ref": at})
            for window in windows:
                card = window.page.locator("li.message").nth(at).locator(".file")
                expect(card.locator(".file-name")).to_have_text(
                    re.compile(rf"[^\u202e\u2066\u200f]+{re.escape(ending)}$")
                )
                expect(card.locator(".ending")).to_have_text(ending[1:])
                expect(card).to_have_attribute(
                    "download", re.compile(rf"^[^\u202e\u2066\u200f\n]+{re.escape(ending)}$")
                )
                shown = card.locator(".file-name bdi").last.bounding_box()
                inside = card.bounding_box()
                assert shown and inside and shown["x"] + shown["width"] <= inside["x"] + inside["width"]
                assert shown["y"] + shown["height"] <= inside["y"] + inside["height"]
            last = desktop.page.locator(f"[data-conversation='10:{stranger.user['id']}'] .row-last")
            expect(last).to_have_text(re.compile(rf"{re.escape(ending)}$"))
            if at:
                quote = desktop.page.locator("li.message").nth(at).locator(".quote span")
                expect(quote).to_have_text(re.compile(rf"{re.escape(list(names.values())[at - 1])}$"))
        desktop.stands([row["seq"] for row in stranger.history()], 0)
        phone.stands([row["seq"] for row in stranger.history()], 0)


def test_direction_stays_with_its_text(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """A right-to-left text changes no direction outside itself, and words before it stay in place."""
    desktop, _ = windows
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        desktop.talk_with(stranger)
        for turning in ("\u05e9\u05dc\u05d5\u05dd 12", "\u2069\u202e\u2067 abc", "\u0661\u0662\u200f-"):
            stranger.post({"media": 2, "content": turning}, {"media": 1, "content": f"{turning}https://x.example/a b"})
            stranger.post({"media": 22, "ref": 1, "content": turning}, {"media": 9, "content": "1", "memo": turning})
            row = desktop.page.locator(f"[data-conversation='10:{stranger.user['id']}'] .row-last")
            expect(row).to_contain_text("Contact ")
            assert desktop.page.evaluate(IN_ORDER, ["Contact ", ".row-last"]) is True
            assert desktop.page.evaluate(IN_ORDER, [" 1", ".reaction"]) is False
            link = desktop.page.locator("li.message .text a").last
            assert link.evaluate("(one) => [getComputedStyle(one).unicodeBidi, getComputedStyle(one).direction]") == [
                "isolate",
                "ltr",
            ]
        assert desktop.errors == []


def test_group_of_strangers(windows: tuple[Window, Window], chromium: Browser, server: Server) -> None:
    """A group with odd name, picture, words and members is shown, with its rows, notices and cards."""
    desktop, phone = windows
    page = desktop.page
    with Stranger(chromium, server, desktop.user["id"]) as stranger:
        for name, icon in (
            ("__proto__", "https://["),
            ("\u05e9\u05dc\u05d5\u05dd", "//"),
            ("%-\u0301", "/message/history"),
        ):
            stranger.become({"nickname": name, "avatar": icon, "memo": name})
            made = stranger.ask("/contact/createcommunity", name=name, icon=icon, memo=name)
            group = made["data"]["id"]
            desktop.ask("/contact/joincommunity", dstid=group)
            stranger.ask("/contact/updatecommunity", dstid=group, name=f"{name}2", memo="w" * 120)
            for window in windows:
                window.page.reload()
                window.online()
                window.page.evaluate(f"location.hash = '#11:{group}'")
            to = {"cmd": 11, "dstid": group}
            answers = stranger.post(
                to | {"media": 1, "content": f"@{name} @everyone", "mentions": [0, LATEST, 4_000_000]},
                to | {"media": 9, "content": name, "pic": icon, "url": f"/chat/index.shtml#user={LATEST}"},
                to | {"media": 22, "ref": 5, "content": name},
                to | {"media": 1, "content": "the end"},
            )
            assert not any(answer["code"] for answer in answers)
            shown = [answer["seq"] for answer in answers if answer["seq"] != 7]
            for window in windows:
                window.stands(shown, 3)
            expect(page.locator("li.notice").first).to_have_text(f"{desktop.user['nickname']} joined")
            expect(page.locator("li.notice").nth(1)).to_have_text(f"{name} named the group “{name}2”")
            expect(page.locator("li.notice").last).to_have_text(f"{name} changed what the group is about: {'w' * 120}")
            expect(page.locator(f"[data-conversation='11:{group}'] .row-last")).to_have_text(f"{name}: the end")
            page.click(".talk-who")
            expect(page.locator("dialog h2")).to_have_text(f"{name}2")
            expect(page.locator("dialog .members .row")).to_have_count(2)
            page.keyboard.press("Escape")
            page.locator(".contact").click()
            expect(page.locator(".toast").last).to_be_visible()
            page.locator(".speaker").first.click()
            expect(page.locator("dialog h2")).to_have_text(name)
            page.get_by_role("button", name="Share contact").click()
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
            for panel in ("groups", "friends", "me", "chats"):
                page.click(f"[data-panel={panel}]")
                assert page.locator(".undrawn").count() == 0
        assert (desktop.errors, phone.errors) == ([], [])


def test_names_without_anything_to_see(window: Window, chromium: Browser, server: Server) -> None:
    """A user whose old name has nothing visible is shown by their number."""
    assert window.page.evaluate(
        """async () => {
            const { readable, initial, oneLine, isolated } = await import("/asset/js/page/strangers.js");
            const names = ["\\u200b\\u3164", "\\u202e", "", null, "a\\u202eb", "\\u2800 ", "x\\ny"];
            return [names.map((name) => readable(name, 7)), ["\\u200b \\u0301é", "", "ab"].map(initial),
                oneLine("a\\u2069b\\u0007"), isolated("ab"), isolated("\\u05d0")];
        }"""
    ) == [["#7", "#7", "#7", "#7", "ab", "#7", "x y"], ["É", "?", "A"], "ab ", "ab", "\u2068\u05d0\u2069"]


def test_a_row_that_cannot_be_drawn(window: Window) -> None:
    """A row that fails to draw says so and shows its text; the other rows are shown as usual."""
    assert window.page.evaluate(
        """async () => {
            const { KeyedList } = await import("/asset/js/page/keyed-list.js");
            const { h } = await import("/asset/js/page/element.js");
            const list = h("ul");
            const item = (key, build, plain) => ({ key, look: "", build, plain });
            console.error = () => null;
            new KeyedList(list).show([item("a", () => h("li", {}, "one")),
                item("b", () => null.text, "its <b>words</b>"), item("a", () => h("li", {}, "two"))]);
            return [...list.children].map((row) => row.lastChild.textContent);
        }"""
    ) == ["one", "its <b>words</b>", "two"]


def test_odd_times_and_lengths(window: Window) -> None:
    """Impossible times and lengths are shown as the nearest possible value, without an error."""
    assert window.page.evaluate(
        """async () => {
            const moment = await import("/asset/js/page/moment.js");
            const odd = [NaN, Infinity, -1e300, 2 ** 53, 8.64e15 + 1, undefined, "x", null];
            const writing = ["clock", "whole", "stamp", "dayName", "when", "dayOf"];
            for (const at of odd) for (const write of writing) moment[write](at);
            return [-5, 0, 75.9, 2 ** 53, "x", undefined, NaN].map(moment.duration);
        }"""
    ) == ["0:00", "0:00", "1:15", "5999:59", "0:00", "0:00", "0:00"]


def test_whatever_is_accepted_is_shown(
    windows: tuple[Window, Window], chromium: Browser, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random messages and profiles have a row each, live and from history, and no error is logged."""
    desktop = windows[0]
    until = time.monotonic() + SECONDS
    ran = 0
    failed = False

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # each example is a conversation of its own; a failing one is reported whole
        suppress_health_check=list(HealthCheck),
    )
    @given(conversations, profiles)
    def shows(messages: list[dict[str, Any]], profile: dict[str, str]) -> None:
        nonlocal ran, failed
        if time.monotonic() > until and not failed:  # a failing example is run again for the report
            return
        ran += 1
        with Stranger(chromium, server, desktop.user["id"]) as stranger:
            failed = True
            note(f"answered: {holds(windows, stranger, messages, profile)}")
            failed = False

    shows()
    assert ran > 1
    with capsys.disabled():
        print(f" {ran} conversations", end="")


def holds(
    windows: tuple[Window, Window], stranger: Stranger, messages: list[dict[str, Any]], profile: dict[str, str]
) -> list[dict[str, Any]]:
    """Check both windows while the stranger sends, and the first after a reload. Gives the server's answers."""
    desktop, phone = windows
    for window in windows:
        window.talk_with(stranger)
    stranger.become(profile)
    answers = stranger.post(*messages, {"media": 1, "content": "the end"})
    shown, notices = shown_of(stranger.history())
    for window in windows:
        window.stands(shown, notices)
    desktop.page.evaluate("document.querySelectorAll('[data-action=reply]').forEach((button) => button.click())")
    desktop.page.click(".talk-who")
    desktop.page.keyboard.press("Escape")
    desktop.page.reload()
    desktop.online()
    desktop.stands(shown, notices)
    phone.page.go_back()
    phone.listed(stranger)
    return answers
