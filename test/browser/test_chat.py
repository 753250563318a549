"""Two people chat in two browsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from test.browser.person import Person
from test.running.server import Server

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small PNG."""
    path = tmp_path / "sunset.png"
    Image.linear_gradient("L").resize((320, 200)).save(path)
    return path


def test_all_through_the_pages(logged_out: PeopleOf) -> None:
    """Two people register and befriend each other through the pages; a message arrives, is read, and is answered."""
    anna, bo = logged_out("Anna"), logged_out("Bo")
    anna.register()
    bo.register()
    anna.befriend(bo)
    bo.panel("friends")
    bo.page.click(f"[data-user='{anna.id}']")
    bo.page.locator("dialog .primary").click()
    anna.open(10, bo.id)
    anna.say("Hello Bo")
    bo.sees("Hello Bo")
    anna.state_of("Hello Bo", "read")
    bo.say("Hello Anna")
    anna.sees("Hello Anna")
    assert anna.texts() == bo.texts() == ["Hello Bo", "Hello Anna"]


def test_sent_before_read(friends: Friends) -> None:
    """A message is only marked read once the other looks at it."""
    anna, bo = friends
    bo.page.evaluate("location.hash = '#'")
    anna.say("Are you there?")
    anna.state_of("Are you there?", "sent")
    bo.open(10, anna.id)
    anna.state_of("Are you there?", "read")
    anna.page.reload()
    anna.state_of("Are you there?", "read")


def test_unread_badge(friends: Friends) -> None:
    """Unread messages are counted in the list and in the title until they have been seen."""
    anna, bo = friends
    bo.panel("chats")
    bo.page.evaluate("location.hash = '#'")
    anna.say("one")
    anna.say("two")
    row = bo.page.locator(f"[data-conversation='10:{anna.id}']")
    expect(row.locator(".badge")).to_have_text("2")
    expect(row.locator(".row-last")).to_have_text("two")
    expect(bo.page).to_have_title("(2) twim")
    bo.page.reload()
    expect(row.locator(".badge")).to_have_text("2")
    row.click()
    expect(row.locator(".badge")).to_have_count(0)
    expect(bo.page).to_have_title("twim")


def test_emoji_and_sticker(friends: Friends) -> None:
    """A single emoji is shown large, one within a text is not, and a sticker is a picture of its pack."""
    anna, bo = friends
    anna.open_emoji()
    search = anna.page.locator(".emoji-search")
    search.fill("crying f")
    anna.page.locator(".emoji-grid [title='crying face']").click()
    anna.shot("emoji-panel")
    anna.input.press("Enter")
    expect(bo.page.locator(".big-emoji")).to_have_text("😢")
    anna.open_emoji()
    anna.input.fill("well done ")
    search.fill("赞")
    anna.page.locator(".emoji-grid [title='thumbs up sign']").click()
    anna.input.press("Enter")
    bo.sees("well done 👍")
    anna.open_emoji()
    anna.page.locator(".emoji-tabs [data-pack]").click()
    anna.page.locator(".sticker-grid [title=love]").click()
    sticker = bo.page.locator(".sticker img")
    expect(sticker).to_have_attribute("src", re.compile("/asset/stickers/twimmy/love.svg$"))
    expect(bo.page.locator("li.message[data-media='6']")).to_have_count(1)


def test_picture(friends: Friends, picture: Path) -> None:
    """A picture is uploaded, shown to the other person, and opened large."""
    anna, bo = friends
    anna.attach("picture", picture)
    image = bo.page.locator("li.message .picture img")
    expect(image).to_have_attribute("src", re.compile("/mnt/"))
    bo.page.wait_for_function("document.querySelector('li.message .picture img').naturalWidth === 320")
    expect(anna.page.locator(".upload")).to_have_count(0)
    image.click()
    expect(bo.page.locator(".lightbox img")).to_be_visible()
    bo.page.keyboard.press("Escape")
    expect(bo.page.locator(".lightbox")).to_have_count(0)


def test_pasted_and_dropped(friends: Friends, picture: Path) -> None:
    """Pictures that are pasted or dropped on the window are sent only after a preview."""
    anna, bo = friends
    transfer = """async (type) => {
        const canvas = new OffscreenCanvas(40, 30);
        canvas.getContext("2d").fillRect(0, 0, 20, 20);
        const data = new DataTransfer();
        data.items.add(new File([await canvas.convertToBlob()], "shot.png", {type: "image/png"}));
        const target = document.querySelector(type === "paste" ? ".composer-input" : ".talk-scroll");
        const both = {bubbles: true, cancelable: true};
        const event = type === "paste" ? new ClipboardEvent(type, {clipboardData: data, ...both})
          : new DragEvent(type, {dataTransfer: data, ...both});
        target.dispatchEvent(event);
    }"""
    for count, way in enumerate(("paste", "drop"), 1):
        anna.page.evaluate(transfer, way)
        expect(anna.page.locator(".tray-item img")).to_have_js_property("naturalWidth", 40)
        expect(anna.page.locator(".upload")).to_have_count(0)
        anna.input.press("Enter")
        expect(bo.page.locator("li.message .picture")).to_have_count(count)
        expect(anna.page.locator(".tray-item")).to_have_count(0)


def test_voice(friends: Friends) -> None:
    """A recording shows how long it is and can be played."""
    anna, bo = friends
    anna.page.click(".record")
    expect(anna.page.locator(".recording b")).to_have_text("0:01")
    anna.shot("recording")
    anna.page.locator(".recording .primary").click()
    voice = bo.page.locator("li.message .voice")
    expect(voice).to_have_attribute("data-seconds", re.compile("^[23]$"))
    play = voice.locator(".voice-play")
    play.click()
    expect(play).to_have_attribute("aria-label", "Pause")
    expect(play).to_have_attribute("aria-label", "Play")
    expect(voice).not_to_have_class(re.compile("broken"))


def test_voice_given_up(friends: Friends) -> None:
    """A cancelled recording is not sent, and the microphone is released."""
    anna, bo = friends
    anna.page.click(".record")
    anna.page.locator(".recording .button").first.click()
    expect(anna.page.locator(".recording")).to_be_hidden()
    anna.say("after all in writing")
    bo.sees("after all in writing")
    expect(bo.page.locator(".voice")).to_have_count(0)


def test_voice_without_tls(friends: Friends) -> None:
    """Where the browser gives no microphone, the button says why and offers to choose a file."""
    anna, _ = friends
    anna.page.evaluate("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    with anna.page.expect_file_chooser() as chooser:
        anna.page.click(".record")
    assert chooser.value.element.get_attribute("accept") is not None
    expect(anna.page.locator(".toast").last).to_contain_text("HTTPS")


def test_file(friends: Friends, tmp_path: Path) -> None:
    """A file of any kind arrives with its name and size, and can be saved."""
    anna, bo = friends
    path = tmp_path / "Plan für 2026.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"0" * 30_000)
    anna.attach("file", path)
    card = bo.page.locator("li.message .file")
    expect(card).to_contain_text("Plan für 2026.pdf")
    expect(card).to_contain_text("29 KB")
    answer = bo.context.request.get(card.get_attribute("href") or "")
    assert answer.body() == path.read_bytes()


def test_too_large(friends: Friends, tmp_path: Path) -> None:
    """A file above the limit is refused before it is uploaded."""
    anna, _ = friends
    path = tmp_path / "huge.bin"
    path.write_bytes(b"\0" * (20 * 1024 * 1024 + 1))
    anna.page.set_input_files("[data-choose=file]", path)
    expect(anna.page.locator(".upload.bad")).to_contain_text("Too large")


def test_refused_upload(friends: Friends, picture: Path) -> None:
    """An upload that fails is shown as failed and can be tried again."""
    anna, bo = friends
    anna.page.route("**/attach/upload", lambda route: route.abort())
    anna.attach("picture", picture)
    failed = anna.page.locator(".upload.bad")
    expect(failed).to_contain_text("No connection")
    anna.page.unroute("**/attach/upload")
    failed.get_by_text("Try again").click()
    expect(bo.page.locator("li.message .picture")).to_have_count(1)
    anna.errors.clear()  # the browser wrote down the upload that this test broke


def test_offline_then_online(friends: Friends) -> None:
    """Messages that are written without a network wait, and then arrive exactly once and in order."""
    anna, bo = friends
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    for number in range(3):
        anna.say(f"from the tunnel {number}")
        anna.state_of(f"from the tunnel {number}", "waiting")
    bo.say("meanwhile")
    anna.shot("offline")
    anna.offline(False)
    anna.online()
    anna.sees("meanwhile")
    for number in range(3):
        anna.state_of(f"from the tunnel {number}", "read")
    assert bo.texts() == ["meanwhile", *(f"from the tunnel {number}" for number in range(3))]
    assert anna.texts() == bo.texts()


def test_unsent_outlives_a_reload(friends: Friends) -> None:
    """Unsent messages of a closed page are sent once, when the page is opened again."""
    anna, bo = friends
    anna.page.route("**/*", lambda route: route.continue_())
    anna.offline(True)
    anna.say("written on a plane")
    anna.state_of("written on a plane", "waiting")
    anna.offline(False)
    anna.page.reload()
    anna.state_of("written on a plane", "read")
    anna.page.reload()
    bo.sees("written on a plane")
    anna.sees("written on a plane")


def test_draft_outlives_a_reload(friends: Friends) -> None:
    """A draft is still there after a reload, in its own conversation only."""
    anna, bo = friends
    anna.input.fill("to be conti")
    anna.page.reload()
    expect(anna.input).to_have_value("to be conti")
    anna.open(10, anna.id)
    expect(anna.input).to_have_value("")
    anna.open(10, bo.id)
    expect(anna.input).to_have_value("to be conti")
    anna.panel("chats")
    anna.say("to be continued")
    anna.page.reload()
    expect(anna.input).to_have_value("")


def test_lines_and_input_methods(friends: Friends) -> None:
    """Shift+Enter begins a line, and the Enter that ends a composition of an input method sends nothing."""
    anna, bo = friends
    anna.input.fill("first")
    anna.input.press("Shift+Enter")
    anna.input.press_sequentially("second")
    anna.input.evaluate(
        "(input) => input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    expect(anna.rows()).to_have_count(0)
    anna.input.press("Enter")
    expect(bo.page.locator("li.message .text")).to_have_text("first\nsecond", use_inner_text=True)


def test_reply_react_edit_recall(friends: Friends) -> None:
    """Replies, reactions, edits and recalls are shown to both people at their message, also after a reload."""
    anna, bo = friends
    anna.say("Lunch at noon?")
    row = bo.sees("Lunch at noon?")
    row.hover()
    row.locator("[data-action=reply]").click()
    bo.say("Yes please")
    expect(anna.sees("Yes please").locator(".quote")).to_contain_text("Lunch at noon?")
    row.hover()
    row.locator("[data-action=emoji]").click()
    row.locator(".palette button").first.click()
    expect(anna.page.locator(".reaction")).to_have_text("👍 1")
    mine = anna.page.locator("li.message.mine")
    anna.act(mine, "edit")
    expect(anna.input).to_have_value("Lunch at noon?")
    anna.say("Lunch at one?")
    for person in (anna, bo):
        expect(person.page.locator("li.message .text", has_text="Lunch at one?")).to_have_count(1)
        expect(person.page.locator(".foot", has_text="edited")).to_have_count(1)
    bo.page.reload()
    expect(bo.page.locator(".reaction")).to_have_text("👍 1")
    bo.page.locator(".reaction").click()
    expect(anna.page.locator(".reaction")).to_have_count(0)
    anna.act(mine, "undo")
    anna.page.locator("dialog .bad").click()
    expect(bo.page.locator("li.notice")).to_have_text("Anna recalled a message")
    bo.page.reload()
    expect(bo.page.locator("li.notice")).to_have_text("Anna recalled a message")
    expect(bo.page.locator("li.message .text")).to_have_text("Yes please")


def test_others_cannot_be_edited(friends: Friends) -> None:
    """Edit and recall are offered to the author only."""
    anna, bo = friends
    anna.say("mine alone")
    row = bo.sees("mine alone")
    row.hover()
    row.locator("[data-action=more]").click()
    menu = bo.page.locator(".message-menu")
    expect(menu.locator("[data-action=reply]")).to_be_visible()
    expect(menu.locator("[data-action=edit], [data-action=undo]")).to_have_count(0)


def test_typing_and_presence(friends: Friends) -> None:
    """The chat shows who is typing and who is online."""
    anna, bo = friends
    status = anna.page.locator(".talk-status")
    expect(status).to_have_text("online")
    bo.input.press_sequentially("hm")
    expect(status).to_have_text("Bo is typing…")
    bo.say("hm!")
    expect(status).to_have_text("online")
    bo.page.close()
    expect(status).to_have_text("offline", timeout=15_000)


def test_several_tabs(friends: Friends) -> None:
    """Two tabs of one person show the same, each message once."""
    anna, bo = friends
    tab = anna.another_page()
    tab.goto(f"/chat/index.shtml#10:{bo.id}")
    expect(tab.locator(".state")).to_have_attribute("data-state", "online")
    anna.say("from the first tab")
    expect(tab.locator("li.message.mine .text")).to_have_text(["from the first tab"])
    tab.locator(".composer-input").fill("from the second tab")
    tab.locator(".composer-input").press("Enter")
    bo.sees("from the second tab")
    assert anna.texts() == bo.texts() == ["from the first tab", "from the second tab"]


def test_history_is_paged(friends: Friends) -> None:
    """A long conversation opens at its end and loads what is older on the way up."""
    anna, bo = friends
    bo.post(*({"cmd": 10, "dstid": anna.id, "media": 1, "content": f"line {number}"} for number in range(130)))
    anna.sees("line 129")
    anna.page.reload()
    anna.sees("line 129")
    assert 10 < anna.rows().count() < 130
    for _ in range(20):
        anna.page.locator(".talk-scroll").evaluate("(box) => box.scrollTo(0, 0)")
        if anna.rows().count() == 130:
            break
        anna.page.wait_for_timeout(150)
    assert anna.texts() == [f"line {number}" for number in range(130)]
    expect(anna.page.locator(".to-end")).to_be_visible()
    bo.say("something new")
    anna.sees("something new")
    expect(anna.page.locator(".to-end")).to_be_visible()
    anna.page.click(".to-end")
    expect(anna.page.locator(".to-end")).to_be_hidden()


def test_all_media(friends: Friends, server: Server) -> None:
    """Each kind of message that other clients send is shown in its own form."""
    anna, bo = friends
    to = {"cmd": 10, "dstid": anna.id}
    icon = f"{server.url}/asset/icon.svg"
    bo.post(
        to
        | {"media": 2, "content": "The title", "pic": icon, "url": "http://www.a.com/dsturl", "memo": "What it says"},
        to | {"media": 5, "url": "http://www.baidu.com/a?id=100000", "amount": 300, "memo": "恭喜发财"},
        to | {"media": 6, "content": "cry"},
        to | {"media": 7, "url": "http://www.a.com/dsturl.html"},
        to | {"media": 8, "pic": icon, "url": f"{server.url}/mnt/none.mp4"},
        to | {"media": 9, "content": "10086", "pic": icon, "memo": "胡大力"},
        to | {"media": 100, "content": "made elsewhere"},
    )
    page = anna.page
    expect(page.locator(".news")).to_contain_text("What it says")
    expect(page.locator(".red-packet")).to_contain_text("¥ 3.00")
    expect(page.locator(".big-emoji")).to_have_text("😢")
    expect(page.locator("a.card[href='http://www.a.com/dsturl.html']")).to_be_visible()
    expect(page.locator("video")).to_have_attribute("poster", icon)
    expect(page.locator(".contact")).to_contain_text("胡大力")
    expect(page.locator(".unknown")).to_have_text("made elsewhere")
    for link in page.locator("li.message a").all():
        assert link.get_attribute("rel") == "noopener noreferrer"
    anna.shot("all-media")
    for who in friends:
        who.errors.clear()  # the video that isn't there


def test_strangers_text_stays_text(friends: Friends) -> None:
    """HTML and script addresses in a message are shown as text and never run."""
    anna, bo = friends
    to = {"cmd": 10, "dstid": anna.id}
    evil = "javascript:document.title='owned'"
    data = "data:text/html,<script>alert(1)</script>"
    bo.post(
        to | {"media": 1, "content": "<img src=x onerror=\"document.title='owned'\"> <b>bold</b> " + evil},
        to | {"media": 7, "url": evil, "content": "click here"},
        to | {"media": 2, "url": data, "pic": evil, "content": "read this"},
        to | {"media": 4, "url": evil},
        to | {"media": 8, "url": data, "pic": data},
        to | {"media": 9, "content": "<i>", "pic": evil, "memo": "<u>me</u>"},
        to | {"media": 3, "url": evil, "amount": 4},
        to | {"media": 6, "content": "<b>x</b>"},
        to | {"media": 1, "content": "the end"},
    )
    anna.sees("the end")
    expect(anna.page.locator("li.message .text").first).to_contain_text("<b>bold</b>")
    expect(anna.page.locator("li.message :is(b, i, u):has-text('bold')")).to_have_count(0)
    found = anna.page.evaluate(
        """[...document.querySelectorAll("li.message :is([href], [src], [poster])")]
            .flatMap((one) => ["href", "src", "poster"].map((name) => one.getAttribute(name)))
            .filter((address) => address && !/^https?:|^blob:/.test(address))"""
    )
    assert found == []
    expect(anna.page).to_have_title("twim")


def test_group(person: PeopleOf) -> None:
    """A group is created, joined, used and left; a mention shows whom it names."""
    anna, bo = person("Anna"), person("Bo")
    anna.panel("groups")
    anna.page.locator(".side-tools .round").click()
    anna.page.fill("dialog [name=name]", "Climbers")
    anna.page.locator("dialog [type=submit]").click()
    anna.page.wait_for_url("**/chat/index.shtml#11:*")
    group = int(anna.page.url.split(":")[-1])
    # A group made on the page can be joined only by being added, until its owner changes that.
    anna.page.locator(".talk-who").click()
    expect(anna.page.locator("dialog .me-card")).to_contain_text("Only who is added")
    anna.page.get_by_role("button", name="Edit group").click()
    form = anna.page.locator("dialog").last
    form.locator("[name=join]").select_option("open")
    form.locator("[type=submit]").click()
    expect(anna.page.locator("li.notice").last).to_have_text("Anna changed the group's rules")
    bo.panel("groups")
    bo.page.locator(".side-tools .button").click()
    bo.page.fill("dialog [name=dstid]", str(group))
    bo.page.locator("dialog [type=submit]").click()
    expect(bo.page.locator(".talk-who")).to_contain_text("Climbers")
    expect(anna.page.locator("li.notice").last).to_have_text("Bo joined")
    anna.input.press_sequentially("@")
    option = anna.page.locator(".suggestion", has_text="Bo")
    expect(option).to_be_visible()
    anna.input.press_sequentially("b")
    expect(anna.page.locator(".suggestion")).to_have_count(1)
    anna.input.press("Enter")
    anna.input.press_sequentially("are you coming?")
    anna.input.press("Enter")
    expect(bo.sees("are you coming?").locator(".mention")).to_have_text("@Bo")
    expect(bo.page.locator(".author")).to_have_text("Anna")
    bo.say("on my way")
    anna.sees("on my way")
    anna.shot("group")
    anna.page.locator(".talk-who").click()
    expect(anna.page.locator(".members")).to_contain_text("2 members")
    anna.page.get_by_role("button", name="Edit group").click()
    form = anna.page.locator("dialog").last
    form.locator("[name=name]").fill("Hikers")
    form.locator("[type=submit]").click()
    expect(bo.page.locator(".talk-who")).to_contain_text("Hikers")
    bo.page.locator(".talk-who").click()
    bo.page.locator("dialog .dialog-buttons .bad").click()
    bo.page.locator("dialog").last.locator(".bad").last.click()
    expect(anna.page.locator("li.notice").last).to_have_text("Bo left")
    expect(bo.page.locator("[data-group]")).to_have_count(0)


def test_member_is_removed(person: PeopleOf) -> None:
    """The owner removes a member, who is told so and can't write there any more."""
    anna, bo = person("Anna"), person("Bo")
    group = anna.page.evaluate(
        """async () => (await (await fetch("/contact/createcommunity",
            {method: "POST", body: new URLSearchParams({name: "Choir"})})).json()).data.id"""
    )
    bo.page.evaluate(
        """(dstid) => fetch("/contact/joincommunity", {method: "POST", body: new URLSearchParams({dstid})})""", group
    )
    anna.open(11, group)
    bo.open(11, group)
    bo.say("la la la")
    anna.sees("la la la")
    anna.page.locator(".talk-who").click()
    member = anna.page.locator(".members .row", has_text="Bo")
    member.locator(".button").click()
    anna.page.get_by_role("button", name="Remove").click()
    anna.page.locator("dialog").last.locator(".bad").click()
    expect(member).to_have_count(0)
    anna.page.keyboard.press("Escape")
    expect(anna.page.locator("li.notice").last).to_have_text("Anna removed Bo")
    bo.say("hello?")
    bo.state_of("hello?", "refused")
    bo.page.locator(".refusal button").last.click()
    expect(bo.rows()).to_have_count(1)


def test_stranger_is_refused(person: PeopleOf) -> None:
    """A message to somebody who is not a friend is refused, shown as refused, and can be discarded."""
    anna, bo = person("Anna"), person("Bo")
    anna.open(10, bo.id)
    anna.say("do you know me?")
    anna.state_of("do you know me?", "refused")
    anna.shot("refused")
    anna.befriend(bo)
    anna.page.locator(".refusal button").first.click()
    anna.state_of("do you know me?", "sent")


def test_server_restarts(friends: Friends, server: Server) -> None:
    """The server is killed while people write; every message arrives once, and nobody has to do anything for it."""
    anna, bo = friends
    anna.say("before")
    anna.state_of("before", "read")
    server.kill9()
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    anna.say("while it was down")
    bo.say("me too")
    server.start()
    for who in (anna, bo):
        expect(who.page.locator(".state")).to_have_attribute("data-state", "online", timeout=20_000)
    anna.state_of("while it was down", "read")
    bo.state_of("me too", "read")
    assert sorted(anna.texts()) == sorted(bo.texts()) == ["before", "me too", "while it was down"]
    assert anna.texts() == bo.texts()
