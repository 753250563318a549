"""Which user a page belongs to: two tabs of one browser, in which two users log in one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from test.browser.conftest import SHOTS
from test.browser.person import Person
from test.running.server import Server

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]
PASSWORD = "a good password"
TITLE = {"en": "Somebody else is logged in here", "zh": "这里登录了另一个账号"}


def log_in(page: Page, mobile: str) -> None:
    """Log in through the page, up to the chat."""
    page.goto("/user/login.shtml")
    page.fill("[name=mobile]", mobile)
    page.fill("[name=passwd]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**/chat/index.shtml*")
    expect(page.locator(".state")).to_have_attribute("data-state", "online")


def log_in_unheard(person: Person, mobile: str) -> None:
    """The browser's cookie becomes another user's, and no page is told."""
    answer = person.context.request.post("/user/login", form={"mobile": mobile, "passwd": PASSWORD})
    assert answer.json()["code"] == 0


def come_back(page: Page) -> None:
    """Make the window visible again."""
    page.wait_for_timeout(1_100)  # it asks at most once a second
    page.evaluate("dispatchEvent(new Event('focus'))")


def stopped(person: Person, lang: str = "en") -> None:
    """The page says that somebody else is logged in, and shows nothing of what it showed before."""
    expect(person.page.locator(".ended h1")).to_have_text(TITLE[lang])
    expect(person.page.locator("body > :visible")).to_have_count(1)
    assert person.page.locator(".app, dialog, li.message").count() == 0
    person.errors[:] = [error for error in person.errors if "403" not in error]  # what the browser writes down of it


def kept(page: Page) -> dict[str, str]:
    """What the browser stores for its pages."""
    found: dict[str, str] = json.loads(page.evaluate("JSON.stringify(localStorage)"))
    return found


@pytest.fixture
def asked(friends: Friends) -> list[Request]:
    """The requests that Anna's first page makes from now on, without the files of the page."""
    found: list[Request] = []
    friends[0].page.on("request", lambda request: None if "/asset/" in request.url else found.append(request))
    return found


def test_waiting_message_stays_its_authors(person: PeopleOf, friends: Friends) -> None:
    """A message that Anna wrote without a network isn't sent as Cleo, who is logged in later; it is sent as Anna's,
    and her draft is back, when she logs in again."""
    anna, bo = friends
    cleo = person("Cleo")
    cleo.become_friend(bo)
    anna.offline(True)
    anna.say("from Anna")
    anna.state_of("from Anna", "waiting")
    anna.input.fill("half a sen")
    log_in_unheard(anna, cleo.mobile)
    anna.offline(False)
    stopped(anna)
    tab = anna.another_page()
    tab.goto(f"/chat/index.shtml#10:{bo.id}")
    expect(tab.locator(".composer-input")).to_have_value("")
    expect(tab.locator("li.message")).to_have_count(0)
    assert bo.texts() == []
    tab.close()
    log_in(anna.page, anna.mobile)
    anna.open(10, bo.id)
    anna.state_of("from Anna", "read")
    expect(anna.input).to_have_value("half a sen")
    row = bo.sees("from Anna")
    expect(row).to_be_visible()
    assert bo.page.evaluate("location.hash") == f"#10:{anna.id}"
    anna.errors.clear()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_log_in_in_another_tab(person: PeopleOf, lang: str, phone: bool) -> None:
    """The first tab stops by itself, says why, and links to the chats of the user who is logged in now."""
    anna, cleo = person("Anna", lang=lang, phone=phone), person("Cleo")
    log_in(anna.another_page(), cleo.mobile)
    stopped(anna, lang)
    assert anna.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    anna.shot(f"other-user-{lang}-{'phone' if phone else 'desktop'}")
    anna.page.locator(".ended .primary").click()
    anna.online()
    assert anna.page.evaluate("JSON.parse(document.body.dataset.me).id") == cleo.id


def test_register_in_another_tab(person: PeopleOf) -> None:
    """A registration in another tab stops the first tab too; when Anna logs in again it goes on as hers."""
    anna = person("Anna")
    tab = anna.another_page()
    tab.goto("/user/register.shtml")
    tab.fill("[name=mobile]", f"{anna.mobile}7")
    tab.fill("[name=passwd]", PASSWORD)
    tab.click("[type=submit]")
    tab.wait_for_url("**/chat/index.shtml")
    stopped(anna)
    log_in(tab, anna.mobile)
    anna.page.locator(".ended .primary").click()
    anna.online()
    assert anna.page.evaluate("JSON.parse(document.body.dataset.me).id") == anna.id


def test_back_button(person: PeopleOf, friends: Friends) -> None:
    """Going back to a page of Anna's shows the page of the user who is logged in, without Anna's chats."""
    anna, bo = friends
    cleo = person("Cleo")
    bo.say("only for Anna")
    anna.sees("only for Anna")
    log_in(anna.page, cleo.mobile)
    anna.page.go_back()
    anna.page.wait_for_url("**/user/login.shtml")
    anna.page.go_back()
    anna.page.wait_for_url(f"**/chat/index.shtml#10:{bo.id}")
    anna.online()
    assert anna.page.evaluate("JSON.parse(document.body.dataset.me).id") == cleo.id
    expect(anna.rows()).to_have_count(0)


def test_to_the_log_in(person: PeopleOf) -> None:
    """The notice also links to the log-in."""
    anna, cleo = person("Anna"), person("Cleo")
    log_in(anna.another_page(), cleo.mobile)
    stopped(anna)
    anna.page.locator(".ended .button").last.click()
    anna.page.wait_for_url("**/user/login.shtml")


def test_nothing_more_is_asked(person: PeopleOf, friends: Friends, asked: list[Request]) -> None:
    """After one refused request the stopped page makes no request, opens no socket and stores nothing."""
    anna, bo = friends
    cleo = person("Cleo")
    log_in_unheard(anna, cleo.mobile)
    before = kept(anna.page)
    come_back(anna.page)
    stopped(anna)
    assert [request.headers["twim-user"] for request in asked] == [str(anna.id)]
    bo.say("to Anna")
    bo.state_of("to Anna", "sent")
    for event in ("focus", "online", "hashchange"):
        anna.page.evaluate(f"dispatchEvent(new Event('{event}'))")
    anna.page.evaluate(f"location.hash = '#10:{cleo.id}'")
    anna.page.wait_for_timeout(2_500)
    stopped(anna)
    assert len(asked) == 1
    assert kept(anna.page) == before
    assert anna.page.title() == "twim"


def test_profile_is_not_written_into(person: PeopleOf) -> None:
    """What is saved in Anna's open dialog doesn't change Cleo's profile, and her picture isn't uploaded."""
    anna, cleo = person("Anna"), person("Cleo")
    anna.panel("me")
    anna.page.locator(".me-actions .row").first.click()
    anna.page.fill("dialog [name=nickname]", "Anna the Great")
    log_in_unheard(anna, cleo.mobile)
    anna.page.locator("dialog [type=submit]").click()
    stopped(anna)
    own = cleo.context.request.post("/user/find", form={"id": str(cleo.id)}).json()["data"]
    assert own["nickname"] == "Cleo"


def test_upload_is_refused(person: PeopleOf, friends: Friends, tmp_path: Path) -> None:
    """A file that is chosen in Anna's page isn't uploaded as Cleo."""
    anna, bo = friends
    log_in_unheard(anna, person("Cleo").mobile)
    plan = tmp_path / "plan.txt"
    plan.write_text("secret")
    anna.attach("file", plan)
    stopped(anna)
    assert bo.rows().count() == 0


def test_upload_on_its_way(person: PeopleOf, friends: Friends, tmp_path: Path) -> None:
    """An upload that is running when somebody else logs in is cancelled, and no message is sent for it."""
    anna, bo = friends
    cleo = person("Cleo")
    anna.page.route("**/attach/upload", lambda route: None)
    plan = tmp_path / "plan.txt"
    plan.write_text("secret")
    anna.attach("file", plan)
    expect(anna.page.locator(".upload progress")).to_be_visible()
    with anna.page.expect_event("requestfailed"):
        log_in(anna.another_page(), cleo.mobile)
    stopped(anna)
    assert bo.rows().count() == 0


def test_microphone_of_a_stopped_page(person: PeopleOf, friends: Friends) -> None:
    """A microphone that is granted after the page has stopped is released at once."""
    anna, _ = friends
    anna.page.evaluate(
        """() => {
            const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = (what) => new Promise((done) => {
                globalThis.allow = async () => { globalThis.heard = await ask(what); done(globalThis.heard); };
            });
        }"""
    )
    anna.page.click(".record")
    log_in(anna.another_page(), person("Cleo").mobile)
    stopped(anna)
    anna.page.evaluate("allow()")
    anna.page.wait_for_function("heard.getTracks().every(({readyState}) => readyState === 'ended')")


def test_log_out_is_not_anothers(person: PeopleOf, friends: Friends) -> None:
    """Logging out in Anna's page doesn't log out Cleo, and removes nothing of Anna's."""
    anna, _ = friends
    cleo = person("Cleo")
    anna.input.fill("half a sen")
    anna.panel("me")
    anna.page.locator(".me-actions .row").last.click()
    log_in_unheard(anna, cleo.mobile)
    anna.page.locator("dialog .bad").click()
    stopped(anna)
    assert "half a sen" in kept(anna.page)[f"im:{anna.id}:drafts"]
    assert anna.context.request.post("/user/find", form={"id": str(cleo.id)}).ok


def test_stale_page(person: PeopleOf, friends: Friends, server: Server) -> None:
    """A cached page of Anna's that is opened while Cleo is logged in shows nothing of Anna's."""
    anna, bo = friends
    cleo = person("Cleo")
    cleo.become_friend(bo)
    cleo.open(10, bo.id)
    cleo.say("only for Bo")
    cleo.state_of("only for Bo", "sent")
    # The page is to come from the test, not from the service worker.
    anna.page.evaluate("navigator.serviceWorker.ready.then((one) => one.unregister())")
    page = anna.context.request.get("/chat/index.shtml")
    body, headers = page.body(), page.headers
    log_in_unheard(anna, cleo.mobile)
    anna.page.route("**/chat/index.shtml*", lambda route: route.fulfill(body=body, headers=headers))
    seen: list[str] = []
    anna.page.expose_function("shown", lambda text: seen.append(text))
    anna.page.add_init_script(
        "new MutationObserver(() => shown(document.body?.innerText ?? ''))"
        ".observe(document, {childList: true, subtree: true})"
    )
    anna.page.reload()
    stopped(anna)
    assert seen
    assert not any("only for Bo" in text or "Cleo" in text for text in seen)


def test_restored_page(person: PeopleOf) -> None:
    """A page in the browser's back/forward cache is hidden when it is left and loaded anew when it is restored."""
    anna, cleo = person("Anna"), person("Cleo")
    gone = "dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
    anna.page.evaluate(gone)
    expect(anna.page.locator(".app")).to_be_hidden()
    log_in_unheard(anna, cleo.mobile)
    with anna.page.expect_navigation():
        anna.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    anna.online()
    assert anna.page.evaluate("JSON.parse(document.body.dataset.me).id") == cleo.id


def test_ended_login_keeps(person: PeopleOf, friends: Friends) -> None:
    """A login that is ended from another device keeps the draft and the waiting messages for the next login."""
    anna, bo = friends
    anna.offline(True)
    anna.say("before it ended")
    anna.state_of("before it ended", "waiting")
    anna.input.fill("half a sen")
    answer = anna.context.request.post("/user/sessions").json()["rows"]
    (current,) = [row["id"] for row in answer if row["current"]]
    anna.context.request.post("/user/revoke", form={"id": str(current)})
    anna.offline(False)
    anna.page.wait_for_url(f"**/user/login.shtml#10:{bo.id}")
    log_in(anna.page, anna.mobile)
    anna.open(10, bo.id)
    anna.state_of("before it ended", "read")
    expect(anna.input).to_have_value("half a sen")
    anna.errors.clear()  # the 401s that this test is about


def test_log_out_says_what_is_unsent(friends: Friends, tmp_path: Path) -> None:
    """Logging out lists what is unsent, keeps everything if cancelled, and otherwise removes it in every tab."""
    anna, bo = friends
    plan = tmp_path / "plan.txt"
    plan.write_text("secret")
    tab = anna.another_page()
    tab.goto(f"/chat/index.shtml#10:{bo.id}")
    expect(tab.locator(".state")).to_have_attribute("data-state", "online")
    anna.page.route("**/attach/upload", lambda route: None)
    anna.attach("file", plan)
    bo.context.request.post("/contact/deletefriend", form={"dstid": str(anna.id)})
    anna.say("nobody takes this")
    anna.state_of("nobody takes this", "refused")
    anna.input.fill("half a sen")
    anna.panel("me")
    anna.page.locator(".me-actions .row").last.click()
    unsent = anna.page.locator("dialog .unsent")
    for words in ("Messages: 1", "Bo: nobody takes this", "Drafts: 1", "Files: 1"):
        expect(unsent).to_contain_text(words)
    anna.shot("log-out-unsent")
    anna.page.locator("dialog .dialog-buttons .button").first.click()
    assert f"im:{anna.id}:drafts" in kept(anna.page)
    anna.page.locator(".me-actions .row").last.click()
    anna.page.locator("dialog .bad").click()
    anna.page.wait_for_url("**/user/login.shtml")
    tab.wait_for_url("**/user/login.shtml#*")
    assert [name for name in kept(tab) if name.startswith(f"im:{anna.id}:")] == []
    log_in(anna.page, anna.mobile)
    anna.open(10, bo.id)
    expect(anna.input).to_have_value("")
    expect(anna.rows()).to_have_count(0)
    anna.errors.clear()


def test_log_out_without_a_server(friends: Friends) -> None:
    """Without a connection nobody is logged out: the page says so, and the draft stays."""
    anna, _ = friends
    anna.input.fill("half a sen")
    anna.panel("me")
    anna.offline(True)
    anna.page.locator(".me-actions .row").last.click()
    anna.page.locator("dialog .bad").click()
    expect(anna.page.locator(".toast")).to_have_text("No connection to the server")
    anna.offline(False)
    anna.online()
    expect(anna.input).to_have_value("half a sen")


@pytest.fixture
def operated(tmp_path: Path) -> Iterator[Server]:
    """A server whose operator is Anna, not Cleo."""
    with Server(tmp_path, ["--operators", "13800000001"]) as running:
        yield running


def test_nodes_page(chromium: Browser, operated: Server) -> None:
    """The operator's page names its user in its requests, and stops when somebody else is logged in."""
    with chromium.new_context(base_url=operated.url, locale="en-GB") as context:
        anna, cleo = (Person(context, name, f"1380000000{at}", SHOTS) for at, name in enumerate(("Anna", "Cleo"), 1))
        cleo.page.close()
        anna.register()
        context.request.post("/user/register", form={"mobile": cleo.mobile, "passwd": PASSWORD})
        log_in(anna.page, anna.mobile)
        anna.page.goto("/operate/nodes.shtml")
        expect(anna.page.locator(".nodes tbody tr")).to_have_count(1)
        log_in_unheard(anna, cleo.mobile)
        stopped(anna)
        assert anna.errors == []
