"""A group is managed on its page: requests are answered, members get roles and mutes, and people are blocked."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]


def make_group(owner: Person, **rules: str) -> int:
    """Make a group with these rules by REST, without the page."""
    answer = owner.context.request.post("/contact/createcommunity", form={"name": "Choir"} | rules)
    return int(answer.json()["data"]["id"])


def test_ask_and_run(person: PeopleOf) -> None:
    """A request is accepted; the new member becomes an admin and is muted; the group is handed over and dissolved."""
    anna, bo = person("Anna"), person("Bo")
    group = make_group(anna, join="approve")
    bo.panel("groups")
    bo.page.locator(".side-tools .button").click()
    bo.page.fill("dialog [name=dstid]", str(group))
    bo.page.locator("dialog [type=submit]").click()
    expect(bo.page.locator("dialog")).to_have_count(0)
    anna.open(11, group)
    anna.page.locator(".talk-who").click()
    anna.shot("group-request")
    anna.page.get_by_role("button", name="Let in").click()
    expect(anna.page.locator("li.notice").last).to_have_text("Anna let Bo in")
    anna.page.keyboard.press("Escape")
    bo.open(11, group)
    bo.say("thanks")
    anna.sees("thanks")

    def act(name: str, notice: str) -> None:
        if not anna.page.locator("dialog").count():
            anna.page.locator(".talk-who").click()
        anna.page.locator(".members .row", has_text="Bo").get_by_role("button").click()
        anna.shot("group-member")
        anna.page.get_by_role("button", name=name, exact=True).click()
        expect(anna.page.locator("li.notice").last).to_have_text(notice)

    act("Mute for an hour", "Anna muted Bo")
    bo.say("la la la")
    bo.state_of("la la la", "refused")
    act("Unmute", "Anna lets Bo write again")
    act("Make admin", "Anna made Bo an admin")
    expect(anna.page.locator(".members .row", has_text="Bo")).to_contain_text("Admin")
    anna.shot("group-run")
    anna.page.get_by_role("button", name="Dissolve").click()
    anna.page.locator("dialog").last.locator(".bad").click()
    expect(bo.page.locator("li.notice").last).to_have_text("Anna dissolved the group")
    anna.errors.clear()


def test_block_and_remark(person: PeopleOf) -> None:
    """A friend gets a remark; a blocked friend's messages don't arrive until they are unblocked."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    anna.page.locator(".talk-who").click()
    anna.page.get_by_role("button", name="Your name for them").click()
    anna.page.fill("dialog [name=memo]", "Bobby")
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator(".talk-who")).to_contain_text("Bobby")
    anna.page.locator(".talk-who").click()
    anna.shot("friend-card")
    anna.page.get_by_role("button", name="Block", exact=True).click()
    anna.page.locator("dialog").last.locator(".bad").click()
    expect(anna.page.get_by_role("button", name="Unblock")).to_be_visible()
    bo.say("hello?")
    bo.state_of("hello?", "refused")
    anna.page.get_by_role("button", name="Unblock").click()
    expect(anna.page.get_by_role("button", name="Block", exact=True)).to_be_visible()
    bo.page.locator(".refusal button").first.click()
    anna.sees("hello?")


def test_phone(person: PeopleOf) -> None:
    """On a phone, in Chinese, the group's card and rules fit the window, and the chosen rules are kept."""
    anna = person("安娜", phone=True, lang="zh")
    group = make_group(anna, join="invite")
    anna.open(11, group)
    anna.page.locator(".talk-who").click()
    expect(anna.page.locator("dialog .me-card")).to_contain_text("只能由成员拉入")
    anna.shot("group-phone")
    anna.page.get_by_role("button", name="编辑").click()
    form = anna.page.locator("dialog").last
    form.locator("[name=notice]").fill("第一行\n第二行")
    form.locator("[name=post]").select_option("admins")
    anna.shot("group-phone-edit")
    assert anna.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    form.locator("[type=submit]").click()
    expect(anna.page.locator("dialog")).to_have_count(0)
    anna.page.locator(".talk-who").click()
    expect(anna.page.locator(".group-notice")).to_contain_text("第二行")
