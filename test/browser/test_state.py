"""Replies, edits and dialogs belong to their chat; Back closes the topmost dialog; every link leads somewhere or says
that it can't."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from test.browser.person import Person
from test.browser.test_reading import fill

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]


def act(who: Person, text: str, action: str) -> None:
    """Reply to a message, edit it or recall it."""
    who.act(who.sees(text), action)


def test_reply_and_edit_stay_with_their_chat(friends: Friends) -> None:
    """A reply and an edit are restored with their chat, also after a reload, and don't show in another chat."""
    anna, bo = friends
    about = anna.page.locator(".composer-about")
    bo.say("shall we?")
    act(anna, "shall we?", "reply")
    anna.input.fill("yes, ")
    for leave in (lambda: anna.open(10, anna.id), anna.page.reload):
        leave()
        anna.open(10, anna.id)
        expect(about).to_be_hidden()
        expect(anna.input).to_have_value("")
        anna.open(10, bo.id)
        expect(about).to_contain_text("shall we?")
        expect(anna.input).to_have_value("yes, ")
    anna.say("yes, at noon")
    expect(bo.sees("yes, at noon").locator(".quote")).to_contain_text("shall we?")
    expect(about).to_be_hidden()
    anna.input.fill("a draft")
    act(anna, "yes, at noon", "edit")
    anna.input.fill("yes, at one")
    anna.open(10, anna.id)
    expect(anna.input).to_have_value("")
    anna.page.reload()
    anna.open(10, bo.id)
    expect(about).to_contain_text("yes, at noon")
    expect(anna.input).to_have_value("yes, at one")
    anna.input.press("Enter")
    bo.sees("yes, at one")
    expect(bo.page.locator(".foot", has_text="edited")).to_have_count(1)
    expect(anna.input).to_have_value("a draft")


def test_reply_ends_an_edit(friends: Friends) -> None:
    """Beginning a reply during an edit restores the draft; the edited text isn't sent as a new message."""
    anna, bo = friends
    anna.say("mine")
    bo.say("yours")
    anna.input.fill("a draft")
    act(anna, "mine", "edit")
    expect(anna.input).to_have_value("mine")
    act(anna, "yours", "reply")
    expect(anna.input).to_have_value("a draft")
    anna.input.press("Enter")
    expect(bo.sees("a draft").locator(".quote")).to_contain_text("yours")


def test_recalled_meanwhile(friends: Friends) -> None:
    """A reply to a message that is recalled meanwhile ends, and its text is kept."""
    anna, bo = friends
    bo.say("a mistake")
    act(anna, "a mistake", "reply")
    anna.input.fill("what?")
    bo.post({"cmd": 10, "dstid": anna.id, "media": 20, "ref": 1})
    expect(anna.page.locator(".composer-about")).to_be_hidden()
    expect(anna.input).to_have_value("what?")


def test_mention_outlives_switching(person: PeopleOf) -> None:
    """Somebody chosen by @ is still mentioned after another chat was open, and after a reload."""
    anna, bo = person("Anna"), person("Bo")
    group = new_group(anna, bo)
    anna.open(11, group)
    anna.input.press_sequentially("@b")
    anna.page.locator(".suggestion", has_text="Bo").click()
    anna.input.press_sequentially("look")
    anna.open(10, anna.id)
    anna.open(11, group)
    anna.page.reload()
    expect(anna.input).to_have_value("@Bo look")
    anna.input.press("Enter")
    bo.open(11, group)
    expect(bo.sees("look").locator(".mention")).to_have_text("@Bo")


def new_group(owner: Person, *others: Person) -> int:
    """Make a group with these members by REST."""
    answer = owner.context.request.post("/contact/createcommunity", form={"name": "Choir"})
    group = int(answer.json()["data"]["id"])
    for other in others:
        other.context.request.post("/contact/joincommunity", form={"dstid": str(group)})
    return group


def test_recall_question_belongs_to_its_chat(friends: Friends) -> None:
    """A question about a recall closes when another chat opens, and recalls nothing there."""
    anna, bo = friends
    anna.say("stays")
    anna.state_of("stays", "read")
    act(anna, "stays", "undo")
    expect(anna.page.locator("dialog")).to_be_visible()
    anna.page.evaluate(f"location.hash = '#10:{anna.id}'")
    expect(anna.page.locator("dialog")).to_have_count(0)
    anna.open(10, bo.id)
    anna.sees("stays")
    bo.sees("stays")


@pytest.mark.parametrize("phone", [False, True])
def test_back_closes_what_is_on_top(person: PeopleOf, phone: bool) -> None:
    """Each Back closes one thing: a dialog, a dialog above it, a picture or the emoji, and only then the chat."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 4, "url": "/asset/icon.svg"})
    page = anna.page
    page.locator(f"[data-conversation='10:{bo.id}']").click()
    chat = re.compile(f"#10:{bo.id}$")
    page.locator(".talk-who").click()
    page.get_by_text("Share contact").click()
    expect(page.locator("dialog")).to_have_count(2)
    for left in (1, 0):
        page.go_back()
        expect(page.locator("dialog")).to_have_count(left)
        expect(page).to_have_url(chat)
    page.locator("li.message .picture").click()
    expect(page.locator(".lightbox")).to_be_visible()
    page.go_back()
    expect(page.locator(".lightbox")).to_have_count(0)
    anna.open_emoji()
    expect(page.locator(".emoji-panel")).to_be_visible()
    page.go_back()
    expect(page.locator(".emoji-panel")).to_be_hidden()
    expect(page).to_have_url(chat)
    expect(anna.input).to_be_visible()
    page.go_back()
    expect(page).not_to_have_url(chat)
    expect(anna.input).to_be_hidden()


def test_back_after_closing_otherwise(friends: Friends) -> None:
    """After dialogs were closed by Escape, a click or a link, one Back leaves the chat."""
    anna, bo = friends
    page = anna.page
    page.evaluate("location.hash = '#'")
    expect(anna.input).to_be_hidden()
    page.locator("[data-panel=friends]").click()
    page.click(f"[data-user='{bo.id}']")
    page.locator("dialog .primary").click()
    expect(anna.input).to_be_visible()
    for _ in range(2):
        page.locator(".talk-who").click()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_have_count(0)
    page.locator(".composer-row .round").first.click()
    anna.input.press("Escape")
    expect(page.locator(".emoji-panel")).to_be_hidden()
    expect(anna.input).to_be_visible()
    page.go_back()
    expect(anna.input).to_be_hidden()
    expect(page.locator("dialog")).to_have_count(0)
    page.go_forward()
    expect(anna.input).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("way", ["log in", "register"])
@pytest.mark.parametrize("fragment", ["#10:{}", "#user={}"])
def test_link_outlives_the_login(logged_out: PeopleOf, person: PeopleOf, way: str, fragment: str) -> None:
    """A link to a chat or contact that a guest follows leads there after the log-in."""
    bo, anna = person("Bo"), logged_out("Anna")
    fragment = fragment.format(bo.id)
    if way == "log in":
        anna.context.request.post("/user/register", form={"mobile": anna.mobile, "passwd": "a good password"})
        anna.context.clear_cookies()
    anna.page.goto(f"/chat/index.shtml{fragment}")
    anna.page.wait_for_url("**/user/login.shtml#*")
    if way == "register":
        anna.page.locator(".login-other a").click()
    anna.page.fill("[name=mobile]", anna.mobile)
    anna.page.fill("[name=passwd]", "a good password")
    anna.page.click("[type=submit]")
    anna.page.wait_for_url(f"**/chat/index.shtml{fragment}")
    if fragment.startswith("#10"):
        expect(anna.page.locator(".talk-who")).to_contain_text("Bo")
    else:
        expect(anna.page.locator("dialog h2")).to_have_text("Bo")


@pytest.mark.parametrize(
    "fragment", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "10:0", "12:5", "10:5@evil.example"]
)
def test_link_leads_nowhere_else(logged_out: PeopleOf, fragment: str) -> None:
    """Any other fragment of the address leads to the plain chat page."""
    anna = logged_out("Anna")
    anna.context.request.post("/user/register", form={"mobile": anna.mobile, "passwd": "a good password"})
    anna.context.clear_cookies()
    anna.page.goto(f"/user/login.shtml#{fragment}")
    anna.page.fill("[name=mobile]", anna.mobile)
    anna.page.fill("[name=passwd]", "a good password")
    anna.page.click("[type=submit]")
    anna.page.wait_for_url(re.compile("^http://127[.]0[.]0[.]1:[0-9]+/chat/index[.]shtml$"))


def test_ended_login_comes_back_to_the_chat(friends: Friends) -> None:
    """After a login that ended within a chat the next log-in returns to it; after logging out it doesn't."""
    anna, bo = friends
    sessions = anna.context.request.post("/user/sessions").json()["rows"]
    anna.context.request.post("/user/revoke", form={"id": str(sessions[0]["id"])})
    anna.page.wait_for_url(f"**/user/login.shtml#10:{bo.id}")
    bo.panel("me")
    bo.page.locator(".me-actions button").last.click()
    bo.page.locator("dialog .bad").click()
    bo.page.wait_for_url("**/user/login.shtml")
    anna.errors.clear()  # the browser wrote down the 401


def test_quote_that_is_not_loaded(friends: Friends) -> None:
    """A click on a quote loads and shows the quoted message; a recalled one is shown as recalled."""
    anna, bo = friends
    fill(bo, anna, 1, 400)
    to: dict[str, Any] = {"cmd": 10, "dstid": anna.id}
    bo.post(
        to | {"media": 20, "ref": 9}, *({**to, "media": 1, "content": f"about {ref}", "ref": ref} for ref in (7, 9))
    )
    anna.page.reload()
    for ref, row in ((7, "li.message[data-seq='7']"), (9, "li.notice[data-seq='9']")):
        quote = anna.sees(f"about {ref}").locator(".quote")
        expect(quote).not_to_have_text("…")
        quote.click()
        expect(anna.page.locator(row)).to_be_in_viewport()
        expect(anna.page.locator(row)).to_have_class(re.compile("found"))
        anna.page.click(".to-end")


def test_quote_that_leads_nowhere(friends: Friends) -> None:
    """A click on a quote says so if the message can't be shown."""
    anna, bo = friends
    to: dict[str, Any] = {"cmd": 10, "dstid": anna.id}
    fill(bo, anna, 1, 200)
    bo.post(
        to | {"media": 22, "ref": 1, "content": "🎉"},
        to | {"media": 1, "content": "of a reaction", "ref": 201},
        to | {"media": 1, "content": "of what is gone", "ref": 2},
    )
    anna.page.route(
        "**/message/history",
        lambda route: (
            route.fulfill(json={"code": 0, "msg": "", "rows": [], "total": 203})
            if "limit=1&" in f"{route.request.post_data}&"
            else route.continue_()
        ),
    )
    anna.page.reload()
    for text in ("of a reaction", "of what is gone"):
        anna.sees(text).locator(".quote").click()
        expect(anna.page.locator(".toast.bad").last).to_have_text("That message can't be shown any more")


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("count", ["5", "99+", "1000+"])
def test_badges(person: PeopleOf, phone: bool, count: str) -> None:
    """A count of any size stays on one line, within its tab and its row."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "a rather long message that fills the row " * 3})
    badge = anna.page.locator(".side .badge")
    expect(badge).to_have_text("1")
    found = anna.page.evaluate(
        """(count) => {
            const badge = document.querySelector(".side .badge");
            badge.textContent = count;
            const tab = document.querySelector("[data-panel=chats]");
            tab.dataset.count = count;
            const mark = getComputedStyle(tab, "::after");
            const row = badge.closest(".row").getBoundingClientRect();
            const at = badge.getBoundingClientRect();
            return { badge: at.height, inside: at.right <= row.right && at.left >= row.left,
                     tab: parseFloat(mark.height), left: parseFloat(mark.left), right: parseFloat(mark.right) };
        }""",
        count,
    )
    anna.shot(f"badge-{count}-{'phone' if phone else 'desktop'}")
    assert found["badge"] == 20
    assert found["inside"]
    assert found["tab"] == 18
    assert found["left"] >= 0
    assert found["right"] >= 0


@pytest.mark.parametrize("phone", [False, True])
def test_toast_lies_over_its_dialog(person: PeopleOf, phone: bool) -> None:
    """A toast is visible above the dialog it belongs to, and above a dialog that opens later."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.page.route("**/contact/addfriend", lambda route: route.abort())
    anna.page.evaluate(f"location.hash = '#user={bo.id}'")
    anna.page.locator("dialog .primary").click()
    expect(anna.page.locator(".toast.bad")).to_be_visible()
    assert painted_on_top(anna)
    anna.page.keyboard.press("Escape")
    anna.page.evaluate("""async () => {
        const { toast } = await import("/asset/js/page/toast.js");
        const { openDialog } = await import("/asset/js/page/dialog.js");
        toast("said before");
        openDialog("opened after", "x ".repeat(3000));
    }""")
    anna.shot(f"toast-{'phone' if phone else 'desktop'}")
    assert painted_on_top(anna)
    anna.errors.clear()  # the browser wrote down what this test broke


def painted_on_top(who: Person) -> bool:
    """Whether the toast's own colour is painted at its position."""
    box = who.page.locator(".toast").last.bounding_box()
    assert box is not None
    area = {"x": box["x"] + 3, "y": box["y"] + box["height"] / 2, "width": 4, "height": 1}
    who.page.evaluate(
        "() => { for (const one of document.querySelectorAll('.toast')) one.style.background = '#00ff00'; }"
    )
    with_toast = who.page.screenshot(clip=area, animations="disabled")
    who.page.evaluate(
        "() => { for (const one of document.querySelectorAll('.toast')) one.style.background = '#0000ff'; }"
    )
    return with_toast != who.page.screenshot(clip=area, animations="disabled")
