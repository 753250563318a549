"""The pages of registration and of invitations, on a desktop and on a phone, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import APIResponse, expect

from test.browser.person import Person
from test.running.server import Server

Arrive = Callable[..., Person]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where registration needs an invitation."""
    options = ("--signup", "invite", "--group-invites", "members")
    with Server(tmp_path_factory.mktemp("server"), options) as running:
        yield running


def posted(person: Person, path: str, **fields: object) -> APIResponse:
    """What this person's browser posts by REST, without the page."""
    answer = person.context.request.post(path, form={name: str(value) for name, value in fields.items()})
    assert answer.ok, answer.text()
    return answer


@pytest.fixture(scope="module")
def setup(server: Server) -> str:
    """The code that the server printed at its start."""
    (line,) = [line for line in server.log.splitlines() if "setup code: " in line]
    return line.partition("setup code: ")[2].strip()


@pytest.fixture
def boss(logged_out: Arrive, setup: str) -> Person:
    """The administrator, logged in; registered with the setup code at the first use."""
    boss = logged_out("Boss")
    boss.mobile = "13700000001"
    fields = {"mobile": boss.mobile, "nickname": "Boss", "passwd": "a good password"}
    registered = boss.context.request.post("/user/register", form=fields | {"setup": setup}).json()
    if registered["code"]:
        posted(boss, "/user/login", **fields)
    return boss


def invitation(boss: Person, name: str) -> tuple[int, str]:
    """A group of the administrator's, and the address of an invitation to it."""
    group = posted(boss, "/contact/createcommunity", name=name, join="invite").json()["data"]["id"]
    return group, posted(boss, "/invite/create", **{"for": group}).json()["data"]["url"]


@pytest.mark.parametrize(("phone", "lang", "title"), [(False, "en", "You are invited"), (True, "zh", "你收到了邀请")])
def test_registers_and_joins(logged_out: Arrive, boss: Person, phone: bool, lang: str, title: str) -> None:
    """Somebody without an account registers on the invitation's page and is then in the group's chat."""
    group, url = invitation(boss, "Rowers" if lang == "en" else "划船队")
    guest = logged_out("Guest", phone=phone, lang=lang)
    page = guest.page
    page.goto(url)
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator(".login-lead")).to_contain_text("Rowers" if lang == "en" else "划船队")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=guest._shots / f"invite-{lang}.png")
    form = page.locator("form[action='/user/register']")
    form.locator("[name=mobile]").fill(guest.mobile)
    form.locator("[name=nickname]").fill("Guest")
    form.locator("[name=passwd]").fill("a good password")
    form.locator("[type=submit]").click()
    page.wait_for_url(f"**/chat/index.shtml#11:{group}")
    guest.online()


def test_logs_in_and_joins(logged_out: Arrive, boss: Person) -> None:
    """A user who has an account logs in on the page and joins with one click; a second use is refused with an
    explanation."""
    guest = logged_out("Guest")
    first, url = invitation(boss, "One")
    fields = {"mobile": guest.mobile, "nickname": "Guest", "passwd": "a good password"}
    posted(guest, "/user/register", invite=url.removeprefix("/i/"), **fields)
    second, other = invitation(boss, "Two")
    guest.context.clear_cookies()
    page = guest.page
    page.goto(other)
    page.locator("summary").click()
    form = page.locator("form[action='/user/login']")
    form.locator("[name=mobile]").fill(guest.mobile)
    form.locator("[name=passwd]").fill("a good password")
    form.locator("[type=submit]").click()
    page.wait_for_url(f"**/chat/index.shtml#11:{second}")
    third, last = invitation(boss, "Three")
    page.goto(last)
    page.locator("[type=submit]").click()
    page.wait_for_url(f"**/chat/index.shtml#11:{third}")
    page.goto(url)
    page.screenshot(path=guest._shots / "invite-join.png")
    page.locator("[type=submit]").click()
    expect(page.locator(".form-error")).to_be_visible()
    assert first


def test_gone(logged_out: Arrive) -> None:
    """The page of an invitation that isn't valid any more says so and has no form."""
    guest = logged_out("Guest")
    answer = guest.page.goto("/i/nothing")
    assert answer is not None and answer.status == 404
    expect(guest.page.locator("h1")).to_have_text("This invitation is no longer good")
    expect(guest.page.locator("form:not(.language)[data-login]")).to_have_count(0)
    guest.errors.clear()  # the browser writes down the 404


def test_needs_an_invitation(logged_out: Arrive, boss: Person) -> None:
    """Where an invitation is needed, the registration page has no form."""
    guest = logged_out("Guest")
    guest.page.goto("/user/register.shtml")
    expect(guest.page.locator(".login-lead")).to_contain_text("needs an invitation")
    expect(guest.page.locator("form[data-login]")).to_have_count(0)


def test_approved(logged_out: Arrive, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where an approval is needed, the page says so before and after the registration."""
    with Server(tmp_path_factory.mktemp("approving"), ("--signup", "approve")) as other:
        guest = logged_out("Guest", phone=True)
        page = guest.page
        first = {"mobile": "13700000001", "passwd": "a good password"}
        assert guest.context.request.post(f"{other.url}/user/register", form=first).json()["code"] == 0
        guest.context.clear_cookies()
        page.goto(f"{other.url}/user/register.shtml")
        expect(page.locator(".login-lead")).to_contain_text("An administrator looks at new accounts")
        page.fill("[name=mobile]", guest.mobile)
        page.fill("[name=passwd]", "a good password")
        page.click("[type=submit]")
        expect(page.locator(".form-waiting")).to_be_visible()
        page.screenshot(path=guest._shots / "register-waiting.png")
        page.goto(f"{other.url}/user/login.shtml")
        page.fill("[name=mobile]", guest.mobile)
        page.fill("[name=passwd]", "a good password")
        page.click("[type=submit]")
        expect(page.locator(".form-error")).to_have_text("An administrator has yet to approve this account")
        guest.errors.clear()  # the browser writes down the 403


def test_off(logged_out: Arrive, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where registration is off, there is a form only for somebody who has the setup code."""
    with Server(tmp_path_factory.mktemp("closed"), ("--signup", "off")) as other:
        guest = logged_out("Guest")
        page = guest.page
        page.goto(f"{other.url}/user/register.shtml")
        expect(page.locator(".login-lead")).to_have_text("New accounts are not taken here")
        expect(page.locator("form[data-login]")).to_have_count(0)
        code = other.log.partition("setup code: ")[2].split()[0]
        page.goto(f"{other.url}/user/register.shtml?setup={code}")
        page.fill("[name=mobile]", guest.mobile)
        page.fill("[name=passwd]", "a good password")
        page.click("form[data-login] [type=submit]")
        page.wait_for_url("**/chat/index.shtml*")
