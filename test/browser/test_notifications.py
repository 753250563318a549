"""Being told of messages: by a push while no page is open, by a notification and a sound while none is looked at, and
by the count on the icon."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Worker, expect

from test.browser.person import Person
from test.browser.test_conversation_settings import check
from test.browser.waiting import until

PeopleOf = Callable[..., Person]
AWAY = "document.hasFocus = () => false; dispatchEvent(new Event('blur'))"
BACK = "document.hasFocus = () => true; dispatchEvent(new Event('focus'))"
# What stands for the browser maker's push service, which no test reaches.
PUSH_SERVICE = """
    const keys = { p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      auth: "BTBZMqHH6r4Tts7J_aSIgg" };
    let found = null;
    PushManager.prototype.getSubscription = async () => found;
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
      if (typeof applicationServerKey !== "string" || applicationServerKey.length !== 87) throw new TypeError("key");
      found = { endpoint: "https://push.example/one", options: {}, toJSON: () => ({ endpoint: found.endpoint, keys }),
        unsubscribe: async () => { found = null; return true; } };
      return found;
    };
"""
NO_PUSH_SERVICE = """
    PushManager.prototype.getSubscription = async () => null;
    PushManager.prototype.subscribe = async () => { throw new DOMException("not available", "AbortError"); };
"""
SOUNDS = """
    globalThis.sounds = 0;
    const Real = OscillatorNode;
    globalThis.OscillatorNode = class extends Real { start(at) { globalThis.sounds += 1; super.start(at); } };
"""
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
    .map(({ title, body, tag }) => [title, body, tag])"""
SECONDS = 30_000


def shown(page: Page) -> list[list[str]]:
    """The notifications that stand: title, text and tag of each."""
    found: list[list[str]] = page.evaluate(SHOWN)
    return found


def until_shown(page: Page, *wanted: list[str]) -> None:
    """Wait until exactly these notifications stand."""
    until(
        page,
        f"async (wanted) => JSON.stringify((await ({SHOWN})()).sort()) === wanted",
        json.dumps(sorted(wanted), separators=(",", ":"), ensure_ascii=False),
    )


def worker_of(person: Person) -> Worker:
    """The service worker, once it is active."""
    person.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    (found,) = person.context.service_workers
    return found


def push(person: Person, told: dict[str, Any]) -> None:
    """What the browser does when its push service brings something."""
    worker_of(person).evaluate(
        """async (text) => {
            const event = new PushEvent("push", { data: text });
            const waits = [];
            event.waitUntil = (waited) => waits.push(waited);
            self.dispatchEvent(event);
            await Promise.all(waits);
        }""",
        json.dumps(told),
    )


def open_settings(person: Person) -> Any:
    """The dialog about notifications."""
    person.panel("me")
    person.page.locator(".me-actions .row").nth(3).click()
    dialog = person.page.locator("dialog")
    expect(dialog.locator("[role=switch]")).to_have_count(4)
    return dialog


def switched(dialog: Any, number: int, *, on: bool) -> None:
    """Turn one of the switches, and wait until that is done."""
    switch = dialog.locator("[role=switch]").nth(number)
    switch.click()
    expect(switch).to_be_enabled()
    expect(switch).to_be_checked(checked=on)


def allowing(logged_out: PeopleOf, name: str, *scripts: str, **how: Any) -> Person:
    """A person in the chat, whose browser shows notifications."""
    who = logged_out(name, **how)
    who.context.grant_permissions(["notifications"])
    for script in scripts:
        who.context.add_init_script(script)
    who.arrive()
    return who


def telling(logged_out: PeopleOf, name: str, *scripts: str) -> Person:
    """The same, who is told on this device."""
    who = allowing(logged_out, name, PUSH_SERVICE, SOUNDS, *scripts)
    dialog = open_settings(who)
    switched(dialog, 0, on=True)
    who.page.keyboard.press("Escape")
    return who


def test_pushed(logged_out: PeopleOf) -> None:
    """What is pushed is shown with who said it, in the browser's language: the newest of each conversation."""
    anna = allowing(logged_out, "Anna", lang="zh")
    told = {"scope": 10, "dstid": 7, "seq": 5, "at": 1, "userid": 7, "name": "Bo"}
    group = told | {"scope": 11, "dstid": 9, "group": "Team"}
    push(anna, told | {"media": 1, "words": "hello"})
    push(anna, group | {"media": 4})
    until_shown(anna.page, ["Bo", "hello", "10:7"], ["Team", "Bo: [图片]", "11:9"])
    push(anna, told | {"seq": 4, "media": 1, "words": "older"})
    push(anna, group | {"seq": 6})
    until_shown(anna.page, ["Bo", "hello", "10:7"], ["Team", "Bo: 新消息", "11:9"])


def test_click(logged_out: PeopleOf) -> None:
    """A click on a notification goes to its conversation in the chat that is open."""
    anna, bo = allowing(logged_out, "Anna"), logged_out("Bo")
    bo.arrive()
    anna.become_friend(bo)
    push(
        anna, {"scope": 10, "dstid": bo.id, "seq": 5, "at": 1, "userid": bo.id, "name": "Bo", "media": 1, "words": "hi"}
    )
    worker_of(anna).evaluate(
        """async () => {
            const [notification] = await self.registration.getNotifications();
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        }"""
    )
    expect(anna.input).to_be_visible()
    assert anna.page.evaluate("location.hash") == f"#10:{bo.id}"
    until_shown(anna.page)


def test_switch(logged_out: PeopleOf) -> None:
    """The switch subscribes at the server and unsubscribes, and stays as it is over a reload, when the server is told
    again; logging out ends it."""
    anna = allowing(logged_out, "Anna", PUSH_SERVICE)
    asked: list[tuple[str, dict[str, list[str]]]] = []
    anna.page.on(
        "request",
        lambda request: (
            asked.append((request.url.partition("/push/")[2], parse_qs(request.post_data or "")))
            if "/push/" in request.url
            else None
        ),
    )
    dialog = open_settings(anna)
    expect(dialog.locator("[role=switch]").first).not_to_be_checked()
    with anna.page.expect_response("**/push/subscribe") as subscribed:
        switched(dialog, 0, on=True)
    assert subscribed.value.json()["code"] == 0
    assert asked[0][1]["endpoint"] == ["https://push.example/one"]
    check(anna.page)
    with anna.page.expect_response("**/push/subscribe") as again:
        anna.page.reload()
    assert again.value.json()["code"] == 0
    dialog = open_settings(anna)
    expect(dialog.locator("[role=switch]").first).to_be_checked()
    with anna.page.expect_response("**/push/unsubscribe") as ended:
        switched(dialog, 0, on=False)
    assert ended.value.json()["code"] == 0
    assert asked[-1] == ("unsubscribe", {"endpoint": ["https://push.example/one"]})


def test_other_user(logged_out: PeopleOf) -> None:
    """What another user of the browser subscribed and didn't end is ended, when it is somebody else's chat."""
    left = """PushManager.prototype.getSubscription = async () => ({ unsubscribe: async () => {
        localStorage.setItem("ended", "1"); return true; } });"""
    anna = allowing(logged_out, "Anna", left)
    anna.page.wait_for_function("() => localStorage.getItem('ended') === '1'", timeout=SECONDS)


def test_only_open(logged_out: PeopleOf) -> None:
    """Where the browser has no push service, the dialog says that only an open page tells, which it does."""
    anna, bo = allowing(logged_out, "Anna", NO_PUSH_SERVICE), logged_out("Bo")
    bo.arrive()
    anna.become_friend(bo)
    dialog = open_settings(anna)
    switched(dialog, 0, on=True)
    expect(dialog.locator("[role=status]")).to_contain_text("while the chat is open")
    anna.page.keyboard.press("Escape")
    anna.page.evaluate(AWAY)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "hello"})
    until_shown(anna.page, ["Bo", "hello", f"10:{bo.id}"])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("phone", [False, True])
def test_refused(logged_out: PeopleOf, phone: bool, lang: str) -> None:
    """The dialog says plainly what a plain-HTTP address doesn't allow, and when the browser refuses."""
    anna = logged_out("Anna", phone=phone, lang=lang)
    anna.context.add_init_script("Object.defineProperty(globalThis, 'isSecureContext', { value: false })")
    anna.arrive()
    dialog = open_settings(anna)
    expect(dialog.locator("[role=switch]").first).to_be_disabled()
    expect(dialog.locator("[role=status]")).to_contain_text("HTTPS")
    switched(dialog, 3, on=True)
    expect(dialog.locator("input[type=time]").first).to_have_value("22:00")
    check(anna.page)
    anna.shot(f"notifications-{'phone' if phone else 'desktop'}-{lang}")


def test_denied(logged_out: PeopleOf) -> None:
    """Who has blocked notifications is told where to allow them."""
    anna = logged_out("Anna")
    anna.context.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    anna.arrive()
    dialog = open_settings(anna)
    expect(dialog.locator("[role=switch]").first).to_be_disabled()
    expect(dialog.locator("[role=status]")).to_contain_text("browser's settings")


def test_away(logged_out: PeopleOf) -> None:
    """A page that isn't looked at tells by a notification and a sound; one that is, or is beside one that is, doesn't;
    nor of a muted chat. The icon counts what is unread."""
    anna, bo, cy = telling(logged_out, "Anna"), logged_out("Bo"), logged_out("Cy")
    for one in (bo, cy):
        one.arrive()
        anna.become_friend(one)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "looked at"})
    icon = anna.page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("data-count", "1")
    anna.page.request.post("/message/setting", form={"scope": "10", "dstid": str(bo.id), "mute": "1"})
    expect(icon).to_have_attribute("data-count", "")
    anna.page.evaluate(AWAY)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "muted"})
    cy.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "hello"})
    until_shown(anna.page, ["Cy", "hello", f"10:{cy.id}"])
    assert anna.page.evaluate("globalThis.sounds") == 2  # one sound of two notes
    expect(icon).to_have_attribute("data-count", "1")
    expect(anna.page).to_have_title("(1) twim")
    assert str(icon.get_attribute("href")).startswith("data:image/png;base64,")
    other = anna.another_page()
    other.goto("/chat/index.shtml")
    until(other, "async () => (await navigator.locks.query()).held.some(({ name }) => /looked-at/.test(name))")
    cy.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "seen beside"})
    expect(icon).to_have_attribute("data-count", "2")
    other.evaluate(AWAY)
    cy.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "again"})
    until_shown(anna.page, ["Cy", "again", f"10:{cy.id}"])


def test_quiet(logged_out: PeopleOf) -> None:
    """In the hours that the user has chosen nothing is told; without words only who wrote is."""
    anna, bo = telling(logged_out, "Anna"), logged_out("Bo")
    bo.arrive()
    anna.become_friend(bo)
    dialog = open_settings(anna)
    switched(dialog, 1, on=False)
    switched(dialog, 2, on=False)
    switched(dialog, 3, on=True)
    with anna.page.expect_response("**/user/setting"):
        dialog.locator("input[type=time]").first.fill("00:00")
    with anna.page.expect_response("**/user/setting") as kept:
        dialog.locator("input[type=time]").last.fill("23:59")
    zone = anna.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert kept.value.json()["data"] == {"words": 0, "quiet": "00:00-23:59", "zone": zone}
    anna.page.keyboard.press("Escape")
    anna.page.evaluate(AWAY)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "in the night"})
    expect(anna.page.locator("link[rel=icon]")).to_have_attribute("data-count", "1")
    anna.page.evaluate(BACK)
    dialog = open_settings(anna)
    expect(dialog.locator("input[type=time]").last).to_have_value("23:59")
    switched(dialog, 3, on=False)
    anna.page.keyboard.press("Escape")
    anna.page.evaluate(AWAY)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "by day"})
    until_shown(anna.page, ["Bo", "New message", f"10:{bo.id}"])
    assert anna.page.evaluate("globalThis.sounds") == 0


def test_installable(person: PeopleOf) -> None:
    """The manifest's icons are there, and Chromium finds nothing that keeps the chat from being installed."""
    anna = person("Anna")
    anna.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    session = anna.context.new_cdp_session(anna.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    found = json.loads(manifest["data"])
    assert (found["name"], found["display"]) == ("twim", "standalone")
    for one in found["icons"]:
        answer = anna.context.request.get(one["src"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    errors = [one["errorId"] for one in session.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert set(errors) <= {"in-incognito"}, errors  # as every context of a test is
