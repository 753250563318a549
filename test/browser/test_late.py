"""What is known only after it was first shown is shown once it has come: in cards, in lists and beside messages."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]


class Late:
    """Holds the page's requests for these paths back, until they are let through."""

    def __init__(self, page: Page, *paths: str) -> None:
        self._held: list[Route] | None = []
        for path in paths:
            page.route(f"**{path}*", self._asked)

    def _asked(self, route: Route) -> None:
        if self._held is None:
            route.continue_()
        else:
            self._held.append(route)

    def come(self) -> None:
        """Let them through, and all that follow."""
        held, self._held = self._held or [], None
        for route in held:
            route.continue_()


def posted(who: Person, path: str, **fields: object) -> int:
    """What this person's browser posts by REST, without the page; the id of what was made, if any."""
    answer = who.context.request.post(path, form={name: str(value) for name, value in fields.items()}).json()
    assert answer["code"] == 0, answer
    return int((answer.get("data") or {}).get("id", 0))


def reopened(who: Person, scope: int, dstid: int) -> None:
    """Load the page anew, with this conversation open."""
    who.page.goto("about:blank")
    who.page.goto(f"/chat/index.shtml#{scope}:{dstid}")
    expect(who.input).to_be_visible()


def test_group_card(person: PeopleOf) -> None:
    """The card of a group that isn't known yet fills with its name, its rules, its members and what one may do."""
    anna, bo = person("Anna"), person("Bo")
    group = posted(anna, "/contact/createcommunity", name="Choir", memo="Sundays at ten", join="open")
    posted(bo, "/contact/joincommunity", dstid=group)
    late = Late(anna.page, "/contact/loadcommunity", "/contact/loadmember")
    reopened(anna, 11, group)
    anna.page.locator(".talk-who").click()
    card = anna.page.locator("dialog")
    expect(card.locator("h2")).to_have_text(f"#{group}")
    expect(card.get_by_role("button", name="Edit")).to_have_count(0)
    late.come()
    expect(card.locator("h2")).to_have_text("Choir")
    expect(card).to_have_attribute("aria-label", "Choir")
    expect(card.locator(".me-card")).to_contain_text("Sundays at ten")
    expect(card.get_by_role("button", name="Edit")).to_be_visible()
    expect(card.locator(".members")).to_contain_text("2 members")
    expect(card.locator(".members .row", has_text="Bo").get_by_role("button")).to_be_visible()
    posted(bo, "/contact/leavecommunity", dstid=group)
    expect(card.locator(".members")).to_contain_text("1 member")
    expect(card.locator(".members .row", has_text="Bo")).to_have_count(0)


def test_user_card(person: PeopleOf) -> None:
    """The card of a friend who isn't known yet fills with their name and what friends can do; nobody is blocked or
    unblocked before it is known which of them it is."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    posted(anna, "/contact/block", dstid=bo.id)
    late = Late(anna.page, "/contact/loadfriend", "/user/find")
    blocks = Late(anna.page, "/contact/loadblock")
    reopened(anna, 10, bo.id)
    anna.page.locator(".talk-who").click()
    card = anna.page.locator("dialog")
    expect(card.locator("h2")).to_have_text(f"#{bo.id}")
    expect(card.get_by_role("button", name="Your name for them")).to_have_count(0)
    late.come()
    expect(card.locator("h2")).to_have_text("Bo")
    expect(card.get_by_role("button", name="Your name for them")).to_be_visible()
    expect(card.get_by_role("link")).to_have_count(1)
    expect(card.get_by_role("button", name="Block", exact=True)).to_be_disabled()
    blocks.come()
    expect(card.get_by_role("button", name="Unblock")).to_be_enabled()
    bo.errors.clear()


def test_beside_messages(person: PeopleOf) -> None:
    """The owner's buttons, the names in quotes and those in the list of readers come with what they are made of."""
    anna, bo = person("Anna"), person("Bo")
    group = posted(anna, "/contact/createcommunity", name="Choir", join="open")
    posted(bo, "/contact/joincommunity", dstid=group)
    bo.open(11, group)
    bo.say("shall we sing?")
    bo.state_of("shall we sing?", "sent")
    anna.open(11, group)
    anna.sees("shall we sing?").hover()
    anna.page.locator("li.message [data-action=reply]").click()
    anna.say("yes")
    anna.state_of("yes", "sent")
    bo.sees("yes")
    late = Late(anna.page, "/contact/loadcommunity", "/contact/loadmember", "/user/find")
    reopened(anna, 11, group)
    theirs, mine = anna.sees("shall we sing?"), anna.sees("yes")
    expect(mine.locator(".quote b")).to_have_text(f"#{bo.id}")
    undo = anna.page.locator(".message-menu [data-action=undo]")
    theirs.hover()
    theirs.locator("[data-action=more]").click()
    expect(undo).to_have_count(0)
    anna.page.keyboard.press("Escape")
    anna.act(mine, "checks")
    readers = anna.page.locator("dialog .row")
    expect(readers.locator("b")).to_have_text(f"#{bo.id}")
    late.come()
    expect(readers.locator("b")).to_have_text("Bo")
    expect(mine.locator(".quote b")).to_have_text("Bo")
    anna.page.keyboard.press("Escape")
    theirs.hover()
    theirs.locator("[data-action=more]").click()
    expect(undo).to_have_count(1)


def test_chat_menu(person: PeopleOf) -> None:
    """A conversation's menu says what is right once the list of conversations has come."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    anna.say("keep this")
    anna.state_of("keep this", "sent")
    posted(anna, "/message/setting", scope=10, dstid=bo.id, pin=1)
    late = Late(anna.page, "/message/conversations")
    reopened(anna, 10, bo.id)
    anna.page.locator(".chat-more").click()
    menu = anna.page.locator(".chat-menu")
    expect(menu.locator("button")).to_have_count(5)
    late.come()
    expect(menu.get_by_role("button", name="Unpin")).to_be_visible()
