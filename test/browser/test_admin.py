"""The administrators' pages in both languages, on a desktop and on a phone: what is done there, and that it can be read
by everybody."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person
from test.running.server import Server

Arrive = Callable[..., Person]

SECTIONS = (
    *("overview", "people", "groups", "invites", "settings", "keys"),
    *("webhooks", "storage", "retention", "audit", "nodes"),
)
BOSS = "13700000001"
PASSWD = "a good password"
WAITS = 15_000  # ms until the first values are measured
HOSTILE = "שלום <b>Eve</b>"  # reads from right to left, and looks like HTML


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of which one setting was given as an option."""
    with Server(tmp_path_factory.mktemp("server"), ("--friend", "open")) as running:
        yield running


@pytest.fixture(scope="module")
def world(chromium: Browser, server: Server) -> dict[str, int]:
    """The administrator, who is the first to register, a group with an invitation, a key, and a stranger's odd name."""
    context = chromium.new_context(base_url=server.url)

    def post(path: str, **fields: object) -> dict[str, int]:
        answer = context.request.post(path, form={name: str(value) for name, value in fields.items()})
        assert answer.ok, answer.text()
        found: dict[str, int] = answer.json()["data"]
        return found

    post("/user/register", mobile=BOSS, nickname="Boss", passwd=PASSWD)
    eve = post("/user/register", mobile="13700000002", nickname=HOSTILE, passwd=PASSWD)
    post("/contact/createcommunity", name="Rowing club")
    post("/user/login", mobile=BOSS, passwd=PASSWD)
    group = post("/contact/createcommunity", name="Choir of the whole school")
    post("/invite/create", **{"for": group["id"]})
    post("/invite/create", **{"for": "server"})
    post("/admin/api/keys", name="timetable")
    context.close()
    return {"eve": eve["id"], "group": group["id"]}


def posted(person: Person, path: str, **fields: object) -> APIResponse:
    """What a person's browser posts past the page."""
    answer = person.context.request.post(path, form={name: str(value) for name, value in fields.items()})
    assert answer.ok, answer.text()
    return answer


@pytest.fixture
def boss(logged_out: Arrive, world: dict[str, int]) -> Callable[..., Person]:
    """Gives a browser of the administrator."""

    def arrive(*, phone: bool = False, lang: str = "en") -> Person:
        who = logged_out("Boss", phone=phone, lang=lang)
        posted(who, "/user/login", mobile=BOSS, passwd=PASSWD)
        if phone:
            who.page.set_viewport_size({"width": 360, "height": 740})
        return who

    return arrive


@pytest.fixture
def member(logged_out: Arrive, world: dict[str, int]) -> Callable[[str], Person]:
    """Registers a member, past the page."""

    def registered(name: str) -> Person:
        who = logged_out(name)
        answer = posted(who, "/user/register", mobile=who.mobile, nickname=name, passwd=PASSWD)
        who.id = answer.json()["data"]["id"]
        return who

    return registered


def opened(person: Person, section: str) -> Page:
    """One of the pages."""
    person.page.goto(f"/admin/{section}.shtml")
    return person.page


def row(page: Page, text: str) -> Locator:
    """The row of a list that has this text."""
    return page.locator(".admin-list > li", has_text=text)


def press(page: Page, name: str) -> None:
    """A button of the dialog that lies over the others."""
    page.locator("dialog").last.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(
    ("phone", "lang", "dark"), [(False, "en", False), (True, "zh", True), (False, "zh", True), (True, "en", False)]
)
def test_pages(boss: Callable[..., Person], phone: bool, lang: str, dark: bool) -> None:
    """Each page is shown, fits the window and is accessible, in both themes."""
    who = boss(phone=phone, lang=lang)
    page = who.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    for section in SECTIONS:
        opened(who, section)
        expect(page.locator(".admin-content > *").first).to_be_attached()
        if section == "overview":
            expect(page.locator(".plot svg").first).to_be_visible(timeout=WAITS)
        page.wait_for_load_state("networkidle")
        who.shot(f"admin-{section}-{'phone' if phone else 'desktop'}-{lang}", full=True)
        expect(page.locator(".form-error:visible")).to_have_count(0)
        check_accessible(page)


def test_plots(boss: Callable[..., Person]) -> None:
    """A plot says in words what it shows, has its values as a table, and is drawn anew for the day."""
    page = opened(boss(), "overview")
    expect(page.get_by_role("img", name="Connections.")).to_be_visible(timeout=WAITS)
    page.locator(".plot summary").first.click()
    table = page.locator(".plot table").first
    expect(table.locator("caption")).to_have_text("Connections (connections)")
    expect(table.locator("tbody tr").first).to_be_visible()
    page.get_by_role("button", name="Last day").click()
    expect(page.get_by_role("button", name="Last day")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".plot-drawing").first).to_contain_text("Nothing measured yet")


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)])
def test_full_plots(boss: Callable[..., Person], phone: bool, dark: bool) -> None:
    """An hour of values is drawn from one side to the other, with a gap where nothing was measured."""
    who = boss(phone=phone, lang="zh" if phone else "en")
    page = who.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    now = int(time.time() * 1000)
    places = range(360)
    figures = {
        "step": 10,
        "at": [now - 10_000 * (359 - place) for place in places],
        "connections": [400 + round(250 * math.sin(place / 40)) for place in places],
        "messages": [30 + 25 * math.sin(place / 9) * math.sin(place / 50) for place in places],
        "commit": [None if 100 < place < 130 else 2 + (place % 17) / 20 for place in places],
        "slow": [None if 100 < place < 130 else 5 if place % 60 else 25 for place in places],
        "database": [4_000_000_000 + 900_000 * place for place in places],
        "free": [80_000_000_000 - 2_000_000 * place for place in places],
    }
    answer = {"code": 0, "msg": "", "data": figures}
    page.route("**/admin/api/figures?*", lambda route: route.fulfill(json=answer))
    opened(who, "overview")
    lines = page.locator(".plot-line")
    expect(lines).to_have_count(6)
    drawn = [line.get_attribute("d") or "" for line in lines.all()]
    assert [one.count("M") for one in drawn] == [1, 1, 2, 2, 1, 1]
    expect(page.get_by_role("img").nth(2)).to_have_attribute("aria-label", re.compile("2[.]"))
    who.shot(f"admin-plots-{'phone' if phone else 'desktop'}", full=True)
    check_accessible(page)


def test_people(boss: Callable[..., Person], member: Callable[[str], Person]) -> None:
    """A user is found, disabled and enabled, made an administrator and a member again, logged out; each act is asked
    for, and the page tells it."""
    cai = member("Cai")
    who = boss()
    page = opened(who, "people")
    page.get_by_role("searchbox").fill(cai.mobile)
    expect(page.locator(".admin-list > li")).to_have_count(1)
    page.get_by_role("button", name="Manage Cai").click()
    press(page, "Disable")
    press(page, "Disable")
    expect(page.locator("dialog .tag")).to_have_text("Disabled")
    who.shot("admin-person")
    check_accessible(page)
    expect(row(page, "Cai")).to_contain_text("Disabled")
    press(page, "Enable")
    expect(page.locator("dialog .tag")).to_have_count(0)
    press(page, "Make administrator")
    press(page, "Make administrator")
    expect(row(page, "Cai")).to_contain_text("Administrator")
    press(page, "No longer administrator")
    press(page, "Cancel")
    expect(page.locator("dialog .tag")).to_have_text("Administrator")
    press(page, "No longer administrator")
    press(page, "No longer administrator")
    expect(page.locator("dialog .tag")).to_have_count(0)
    press(page, "End all log-ins")
    press(page, "End all log-ins")
    expect(page.locator("dialog").first).to_contain_text("Logged-in devices: 0")
    page.goto("/admin/audit.shtml")
    expect(page.locator(".admin-list > li").first).to_contain_text("Ended a user's log-ins")
    expect(page.locator(".admin-list > li").first).to_contain_text(f"user {cai.id}")


def test_reset(boss: Callable[..., Person], member: Callable[[str], Person], logged_out: Arrive) -> None:
    """A reset shows its link once, and by it the user sets a new password."""
    dan = member("Dan")
    who = boss(phone=True)
    page = opened(who, "people")
    page.get_by_role("searchbox").fill(str(dan.id))
    expect(page.locator(".admin-list > li")).to_have_count(1)
    page.get_by_role("button", name="Manage Dan").click()
    press(page, "Reset password")
    press(page, "Reset password")
    link = page.locator("dialog .once").input_value()
    who.shot("admin-reset-phone")
    check_accessible(page)
    assert link.startswith(page.url.split("/admin/")[0] + "/reset/")
    page.locator("dialog").last.get_by_role("button", name="Close").last.click()
    expect(page.locator("dialog .once")).to_have_count(0)
    assert dan.context.request.post("/user/sessions").status == 401


def test_erase(boss: Callable[..., Person], member: Callable[[str], Person]) -> None:
    """A user is erased once the number was typed, and is gone from the list."""
    ida = member("Ida")
    who = boss(phone=True)
    page = opened(who, "people")
    page.get_by_role("searchbox").fill(str(ida.id))
    expect(page.locator(".admin-list > li")).to_have_count(1)
    page.get_by_role("button", name="Manage Ida").click()
    press(page, "Erase")
    page.locator("dialog [name=typed]").fill(str(ida.id))
    who.shot("admin-erase-phone")
    check_accessible(page)
    press(page, "Erase")
    expect(page.locator("dialog")).to_have_count(0)
    expect(row(page, "Ida")).to_have_count(0)
    assert ida.context.request.post("/user/sessions").status == 401


def test_retention(boss: Callable[..., Person]) -> None:
    """What is older is deleted once the days were typed, and the page says how much that was; a group that isn't there
    is told beside what was tried."""
    who = boss(lang="zh")
    page = opened(who, "retention")
    page.locator("[name=days]").fill("30")
    page.locator("[name=group]").fill("1")
    page.locator("main [type=submit]").click()
    page.locator("dialog [name=typed]").fill("30")
    who.shot("admin-retention-typed")
    press(page, "删除")
    expect(page.locator("dialog .form-error")).to_have_text("没有找到该群聊")
    press(page, "取消")
    page.locator("[name=group]").fill("")
    page.locator("main [type=submit]").click()
    page.locator("dialog [name=typed]").fill("30")
    press(page, "删除")
    expect(page.get_by_role("status")).to_contain_text("已删除：0 条消息")
    who.shot("admin-retention-done")
    check_accessible(page)
    who.errors.clear()  # the browser writes down the 404


def test_differing_settings(boss: Callable[..., Person]) -> None:
    """Nodes that were given different values of a setting are told, with what each was given."""
    who = boss()
    node = {"version": "1", "age": 90_000, "silent": 0, "connections": 5, "events_per_second": 1.5}
    node |= {"bytes_per_second": 900, "gaps": 0, "asked": 0, "lost": 2}
    rows = [
        node | {"node": "a" * 16, "address": "10.0.0.1:8080", "differs": {"signup": "invite"}},
        node | {"node": "b" * 16, "address": "10.0.0.2:8080", "differs": {"signup": "open"}},
    ]
    answer = {"code": 0, "msg": "", "rows": rows, "total": 2, "next": 0}
    who.page.route("**/admin/api/nodes", lambda route: route.fulfill(json=answer))
    page = opened(who, "nodes")
    expect(page.locator(".admin-notice li")).to_have_text(
        ["10.0.0.1:8080: signup invite", "10.0.0.2:8080: signup open"]
    )
    expect(page.locator(".nodes tbody tr")).to_have_count(2)
    who.shot("admin-nodes-differ")
    check_accessible(page)


def test_storage(boss: Callable[..., Person]) -> None:
    """Who takes how much of the store, in sizes that are read at once."""
    who = boss(phone=True, lang="zh")
    rows = [
        {"user": 4, "nickname": "安娜", "files": 120, "bytes": 3_400_000_000},
        {"user": 5, "nickname": HOSTILE, "files": 3, "bytes": 1_250_000},
    ]
    answer = {"code": 0, "msg": "", "rows": rows, "total": 2, "next": 0, "files": 123, "bytes": 3_401_250_000}
    who.page.route("**/admin/api/storage?*", lambda route: route.fulfill(json=answer))
    page = opened(who, "storage")
    expect(page.locator("tbody tr").first).to_contain_text("3.4 GB")
    expect(page.locator(".admin-tiles")).to_contain_text("3.4 GB")
    who.shot("admin-storage-phone")
    check_accessible(page)


def test_last_administrator(boss: Callable[..., Person]) -> None:
    """What is refused is told beside it, and nothing changed."""
    who = boss(lang="zh")
    page = opened(who, "people")
    page.get_by_role("searchbox").fill(BOSS)
    page.get_by_role("button", name="管理 Boss").click()
    press(page, "取消管理员")
    press(page, "取消管理员")
    expect(page.locator("dialog .form-error")).to_be_visible()
    who.shot("admin-refused")
    expect(page.locator("dialog .form-error")).to_have_text("这是最后一位管理员，请先设置另一位。")
    expect(page.locator("dialog .tag")).to_have_text("管理员")
    who.errors.clear()  # the browser writes down the 409


def test_waiting(boss: Callable[..., Person], logged_out: Arrive) -> None:
    """Who waits for an approval is told on the first page, and approved from the list."""
    who = boss(lang="zh", phone=True)
    who.context.request.patch("/admin/api/settings", form={"signup": "approve"})
    guest = logged_out("Guest")
    posted(guest, "/user/register", mobile=guest.mobile, nickname="访客", passwd=PASSWD)
    who.context.request.patch("/admin/api/settings", form={"signup": "open"})
    page = opened(who, "overview")
    page.get_by_role("link", name="查看").click()
    page.wait_for_url("**/people.shtml?waiting=1")
    expect(row(page, "访客")).to_contain_text("待审批")
    who.shot("admin-waiting-phone")
    row(page, "访客").get_by_role("button", name="批准").click()
    expect(row(page, "访客")).not_to_contain_text("待审批")
    posted(guest, "/user/login", mobile=guest.mobile, passwd=PASSWD)


def test_groups(boss: Callable[..., Person], member: Callable[[str], Person]) -> None:
    """A group is taken over, and dissolved only once its number was typed."""
    eli = member("Eli")
    group = posted(eli, "/contact/createcommunity", name="Chess").json()["data"]["id"]
    who = boss()
    page = opened(who, "groups")
    page.get_by_role("searchbox").fill("Chess")
    expect(page.locator(".admin-list > li")).to_have_count(1)
    page.get_by_role("button", name="Manage Chess").click()
    press(page, "Take over")
    press(page, "Take over")
    expect(page.locator("dialog .me-card")).to_contain_text("Owner Boss")
    press(page, "Dissolve")
    go = page.locator("dialog").last.get_by_role("button", name="Dissolve")
    expect(go).to_be_disabled()
    page.locator("dialog [name=typed]").fill("1")
    expect(go).to_be_disabled()
    page.locator("dialog [name=typed]").fill(str(group))
    who.shot("admin-dissolve")
    check_accessible(page)
    go.click()
    expect(page.locator("dialog .tag")).to_have_text("Dissolved")
    expect(row(page, "Chess")).to_contain_text("Dissolved")


def test_invites(boss: Callable[..., Person], logged_out: Arrive) -> None:
    """An invitation is made, its link is shown once and is good until it is revoked."""
    who = boss(phone=True, lang="zh")
    page = opened(who, "invites")
    page.get_by_role("button", name="新建邀请").click()
    page.locator("dialog [name=uses]").fill("3")
    who.shot("admin-invite-phone")
    page.locator("dialog [type=submit]").click()
    link = page.locator("dialog .once").input_value()
    page.keyboard.press("Escape")
    assert who.context.request.get(link).status == 200
    first = page.locator(".admin-list > li").first
    expect(first).to_contain_text("3/3")
    first.get_by_role("button").click()
    press(page, "撤销")
    expect(page.locator(".admin-list > li", has_text="3/3")).to_have_count(0)
    assert who.context.request.get(link).status == 404


def test_keys(boss: Callable[..., Person]) -> None:
    """A key is made with what it may do, shown once, and revoked; one that may do nothing is not made."""
    who = boss()
    page = opened(who, "keys")
    page.get_by_role("button", name="New key").click()
    page.locator("dialog [name=name]").fill("library")
    for scope in ("Users", "Groups", "Messages", "Webhooks", "Read all"):
        page.get_by_label(scope, exact=True).uncheck()
    page.locator("dialog [type=submit]").click()
    expect(page.locator("dialog .form-error")).to_have_text("Choose at least one thing that the key may do")
    page.get_by_label("Read all").check()
    who.shot("admin-key")
    page.locator("dialog [type=submit]").click()
    assert page.locator("dialog .once").input_value().startswith("twk_")
    who.shot("admin-key-once")
    check_accessible(page)
    page.keyboard.press("Escape")
    library = row(page, "library")
    expect(library.locator(".tag")).to_have_text("Read all")
    library.get_by_role("button").click()
    press(page, "Revoke")
    expect(library).to_have_count(0)


def test_settings(boss: Callable[..., Person]) -> None:
    """A setting is changed and stays so; one that was given as an option is shown with the reason and can't be."""
    who = boss()
    page = opened(who, "settings")
    page.locator("[name=name]").fill("Our school")
    form = page.locator("form", has=page.locator("[name=name]"))
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Saved")
    page.locator("[name=upload_limit]").fill("0")
    page.locator("[name=find]").select_option("id")
    form = page.locator("form", has=page.locator("[name=find]"))
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Saved")
    who.shot("admin-settings-saved")
    page.reload()
    expect(page.locator("[name=name]")).to_have_value("Our school")
    expect(page.locator("[name=find]")).to_have_value("id")
    fixed = page.locator("form", has=page.locator("[name=friend]"))
    expect(fixed.locator("[name=friend]")).to_be_disabled()
    expect(fixed).to_contain_text("--friend")


def test_odd_names(boss: Callable[..., Person], world: dict[str, int]) -> None:
    """What a stranger calls itself stays text, in its own direction."""
    page = opened(boss(), "people")
    page.get_by_role("searchbox").fill(str(world["eve"]))
    expect(page.locator(".admin-list > li")).to_have_count(1)
    name = page.locator(".admin-list bdi")
    expect(name).to_have_text(HOSTILE)
    expect(name.locator("b")).to_have_count(0)


def test_keyboard(boss: Callable[..., Person]) -> None:
    """Without a mouse: the sections, the search and a user's acts are reached by Tab, and Escape leads back."""
    page = opened(boss(), "people")
    expect(page.locator(".admin-list > li").first).to_be_visible()
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.textContent") == "Manage"


def test_who(boss: Callable[..., Person], member: Callable[[str], Person], logged_out: Arrive) -> None:
    """The chat leads administrators to the pages, and them alone; others are told; the log-in leads back."""
    who = boss()
    who.page.goto("/chat/index.shtml")
    who.panel("me")
    who.shot("me-admin")
    who.page.get_by_role("link", name="Administration").click()
    who.page.wait_for_url("**/admin/overview.shtml")
    fay = member("Fay")
    fay.page.goto("/chat/index.shtml")
    fay.panel("me")
    expect(fay.page.locator(".me-actions")).to_contain_text("Log out")
    expect(fay.page.get_by_role("link", name="Administration")).to_have_count(0)
    answer = fay.page.goto("/admin/people.shtml")
    assert answer is not None and answer.status == 403
    expect(fay.page.locator("main")).to_contain_text("for administrators")
    fay.shot("admin-for-others")
    fay.errors.clear()  # the browser writes down the 403
    guest = logged_out("Boss")
    guest.page.goto("/admin/keys.shtml")
    guest.page.fill("[name=mobile]", BOSS)
    guest.page.fill("[name=passwd]", PASSWD)
    guest.page.click("[type=submit]")
    guest.page.wait_for_url("**/admin/keys.shtml")
    expect(row(guest.page, "timetable")).to_be_visible()


def test_logged_out_meanwhile(boss: Callable[..., Person]) -> None:
    """A page whose user was logged out elsewhere leads to the log-in, and from there back."""
    who = boss()
    page = opened(who, "groups")
    expect(page.locator(".admin-list > li").first).to_be_visible()
    posted(who, "/user/logout")
    page.get_by_role("searchbox").fill("x")
    page.wait_for_url("**/user/login.shtml?to=/admin/groups.shtml")
    who.errors.clear()  # the browser writes down the 401


@pytest.mark.parametrize(("phone", "lang"), [(False, "en"), (True, "zh")])
def test_group_link(member: Callable[[str], Person], logged_out: Arrive, phone: bool, lang: str) -> None:
    """Who may add members makes a link into the group on its card, which is listed, good, and revoked."""
    gus = logged_out("Gus", phone=phone, lang=lang)
    gus.arrive()
    group = posted(gus, "/contact/createcommunity", name="Band", join="invite").json()["data"]["id"]
    gus.open(11, group)
    page = gus.page
    page.locator(".talk-who").click()
    page.get_by_role("button", name={"en": "Invite by link", "zh": "链接邀请"}[lang]).click()
    dialog = page.locator("dialog").last
    dialog.locator("[name=uses]").fill("5")
    dialog.locator("[type=submit]").click()
    link = dialog.locator(".invite-made input").input_value()
    expect(dialog.locator(".list .row")).to_have_count(1)
    gus.shot(f"group-link-{lang}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    hal = member("Hal")
    hal.page.goto(link)
    hal.page.locator("[type=submit]").click()
    hal.page.wait_for_url(f"**/chat/index.shtml#11:{group}")
    dialog.locator(".list .row .button").click()
    with page.expect_response("**/invite/revoke"):
        press(page, {"en": "Revoke", "zh": "撤销"}[lang])
    expect(dialog.locator(".list .row")).to_have_count(0)
    assert hal.context.request.get(link).status == 404
