"""Logging in, the profile, devices and friend requests, in both languages and both widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from test.browser.person import Person
from test.running.server import Server

PeopleOf = Callable[..., Person]


def log_in(person: Person, mobile: str, password: str) -> None:
    """Log in through the page."""
    person.page.goto("/user/login.shtml")
    person.page.fill("[name=mobile]", mobile)
    person.page.fill("[name=passwd]", password)
    person.page.click("[type=submit]")


def test_wrong_password(person: PeopleOf, logged_out: PeopleOf) -> None:
    """The page says in its own language that the password is wrong, and accepts the right one."""
    anna, thief = person("Anna"), logged_out("Thief", lang="zh")
    log_in(thief, anna.mobile, "not her password")
    expect(thief.page.locator(".form-error")).to_have_text("手机号或密码错误")
    log_in(thief, anna.mobile, "a good password")
    thief.page.wait_for_url("**/chat/index.shtml")


def test_taken_mobile(person: PeopleOf, logged_out: PeopleOf) -> None:
    """A mobile that has an account can't be registered again."""
    anna, other = person("Anna"), logged_out("Other")
    other.page.goto("/user/register.shtml")
    other.page.fill("[name=mobile]", anna.mobile)
    other.page.fill("[name=passwd]", "a good password")
    other.page.click("[type=submit]")
    expect(other.page.locator(".form-error")).to_have_text("This mobile number is already registered")


def test_redirections(person: PeopleOf, logged_out: PeopleOf) -> None:
    """A guest is redirected to the log-in and a user to the chat; after logging out the chat is closed."""
    guest = logged_out("Guest")
    guest.page.goto("/chat/index.shtml")
    guest.page.wait_for_url("**/user/login.shtml")
    anna = person("Anna")
    anna.page.goto("/")
    anna.page.wait_for_url("**/chat/index.shtml")
    anna.panel("me")
    anna.page.locator(".me-actions .row").last.click()
    anna.page.locator("dialog .bad").click()
    anna.page.wait_for_url("**/user/login.shtml")
    anna.page.goto("/chat/index.shtml")
    anna.page.wait_for_url("**/user/login.shtml")


def test_profile(person: PeopleOf, tmp_path: Path) -> None:
    """A new name and picture are seen by friends without a reload."""
    anna, bo = person("Anna"), person("Bo")
    anna.befriend(bo)
    bo.panel("me")
    bo.page.locator(".me-actions .row").first.click()
    bo.page.fill("dialog [name=nickname]", "Bodo")
    bo.page.fill("dialog [name=memo]", "gone fishing")
    bo.page.check("dialog [name=sex][value=M]")
    bo.page.locator("dialog [type=submit]").click()
    expect(bo.page.locator(".me-card h2")).to_have_text("Bodo")
    expect(anna.page.locator(f"[data-user='{bo.id}']")).to_contain_text("Bodo")
    expect(anna.page.locator(f"[data-user='{bo.id}']")).to_contain_text("gone fishing")


def test_devices(person: PeopleOf, logged_out: PeopleOf) -> None:
    """Another device is shown in the list, and can be logged out from it."""
    anna, phone = person("Anna"), logged_out("Anna's phone", phone=True)
    log_in(phone, anna.mobile, "a good password")
    phone.online()
    anna.panel("me")
    anna.page.locator(".me-actions .row").nth(2).click()
    rows = anna.page.locator(".devices .row")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="This device")).to_have_count(1)
    rows.locator(".button").click()
    expect(rows).to_have_count(1)
    phone.page.wait_for_url("**/user/login.shtml")
    phone.errors.clear()  # the browser wrote down the 401 that this test is about


def test_password(person: PeopleOf, logged_out: PeopleOf) -> None:
    """Changing the password logs out the other devices, and the old password is refused."""
    anna, other = person("Anna"), logged_out("Other")
    log_in(other, anna.mobile, "a good password")
    other.online()
    anna.panel("me")
    anna.page.locator(".me-actions .row").nth(1).click()
    anna.page.fill("dialog [name=passwd]", "a good password")
    anna.page.fill("dialog [name=newpasswd]", "a better password")
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator("dialog")).to_have_count(0)
    other.page.wait_for_url("**/user/login.shtml")
    log_in(other, anna.mobile, "a good password")
    expect(other.page.locator(".form-error")).to_be_visible()
    anna.page.reload()
    anna.online()
    other.errors.clear()  # 401 again


def test_contact_card(person: PeopleOf) -> None:
    """A friend is recommended to another person, who adds them from the contact card."""
    anna, bo, cleo = person("Anna"), person("Bo"), person("Cleo")
    anna.befriend(bo)
    anna.befriend(cleo)
    anna.page.click(f"[data-user='{cleo.id}']")
    anna.page.get_by_role("button", name="Share contact").click()
    anna.page.locator("dialog").last.get_by_role("button", name="Bo").click()
    bo.open(10, anna.id)
    bo.page.locator(".contact").click()
    bo.page.locator("dialog .button.primary").click()
    expect(bo.page.locator("dialog a.button")).to_have_text("Message")
    bo.page.locator("dialog a.button").click()
    expect(bo.page.locator(".talk-who")).to_contain_text("Cleo")
    bo.say("Hello Cleo")
    bo.state_of("Hello Cleo", "sent")
    bo.page.goto(f"/chat/index.shtml#user={anna.id}")
    expect(bo.page.locator("dialog h2")).to_have_text("Anna")


def test_friendship_ends(person: PeopleOf) -> None:
    """A friend who is removed is missing from both people's lists."""
    anna, bo = person("Anna"), person("Bo")
    anna.befriend(bo)
    bo.panel("friends")
    bo.page.click(f"[data-user='{anna.id}']")
    bo.page.get_by_role("button", name="Remove friend").click()
    bo.page.locator("dialog").last.locator(".bad").click()
    expect(bo.page.locator("[data-user]")).to_have_count(0)
    expect(anna.page.locator("[data-user]")).to_have_count(0)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_pages_fit(person: PeopleOf, logged_out: PeopleOf, lang: str, phone: bool) -> None:
    """Every page fits its window, is in the browser's language, and switches to the other."""
    name = f"{lang}-{'phone' if phone else 'desktop'}"
    who, friend = logged_out("Guest", lang=lang, phone=phone), person("Friend")
    for path in ("login", "register"):
        who.page.goto(f"/user/{path}.shtml")
        expect(who.page.locator("html")).to_have_attribute("data-lang", lang)
        assert fits(who)
        who.shot(f"{path}-{name}")
    who.register()
    who.befriend(friend)
    friend.open(10, who.id)
    friend.say("你好! Welcome " + "averylongwordwithoutanyspaces" * 6)
    for panel in ("friends", "groups", "me", "chats"):
        who.panel(panel)
        assert fits(who)
        who.shot(f"{panel}-{name}")
    who.page.click(f"[data-conversation='10:{friend.id}']")
    expect(who.rows()).to_have_count(1)
    expect(who.page.locator(".side")).to_be_visible(visible=not phone)
    assert fits(who)
    who.shot(f"chat-{name}")
    if phone:
        who.page.click(".back")
        expect(who.page.locator(".side")).to_be_visible()
        expect(who.input).to_be_hidden()
    other = "zh" if lang == "en" else "en"
    who.page.click(f"[data-language={other}]")
    expect(who.page.locator("html")).to_have_attribute("data-lang", other)
    expect(who.page.locator(".side h1")).to_have_text({"en": "Chats", "zh": "消息"}[other])


def fits(person: Person) -> bool:
    """Whether nothing is wider than the window."""
    return bool(person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.fixture
def careful(tmp_path: Path) -> Iterator[Server]:
    """A server on which a friend request has to be accepted."""
    with Server(tmp_path, ["--friend", "approve"]) as running:
        yield running


def test_friend_requests(chromium: Browser, careful: Server, tmp_path: Path) -> None:
    """A request is shown, and two people are friends only after it has been accepted, not when it is refused."""
    shots = Path(__file__).parent / "shots"
    names = ("Anna", "Bo", "Cleo")
    contexts = [chromium.new_context(base_url=careful.url, locale="en-GB") for _ in names]
    people = [
        Person(context, name, f"1380000000{at}", shots)
        for at, (name, context) in enumerate(zip(names, contexts, strict=True))
    ]
    anna, bo, cleo = people
    for person in people:
        person.register()
    for asking in (bo, cleo):
        asking.panel("friends")
        asking.page.locator(".side-tools .round").click()
        asking.page.fill("dialog [name=number]", anna.mobile)
        asking.page.locator("dialog [type=submit]").click()
        asking.page.locator(".found .button").click()
        expect(asking.page.locator(".found")).to_contain_text("Waiting")
    expect(anna.page.locator("[data-panel=friends]")).to_have_attribute("data-count", "2")
    anna.panel("friends")
    anna.shot("requests")
    anna.page.locator(".request", has_text="Bo").get_by_label("Accept").click()
    anna.page.locator(".request", has_text="Cleo").get_by_label("Decline").click()
    expect(anna.page.locator(".request")).to_have_count(0)
    expect(anna.page.locator("[data-user]")).to_have_count(1)
    bo.page.keyboard.press("Escape")
    expect(bo.page.locator(f"[data-user='{anna.id}']")).to_be_visible()
    cleo.page.keyboard.press("Escape")
    expect(cleo.page.locator("[data-user]")).to_have_count(0)
    for context in contexts:
        context.close()
