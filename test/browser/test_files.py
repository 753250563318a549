"""Files have addresses that expire: who may read a message or profile sees its pictures all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Response, Route, expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]
REFUSED = "the server responded with a status of 403"
THREE_DAYS = 3 * 24 * 3600 * 1000


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG without a small copy."""
    path = tmp_path / "sunset.png"
    Image.linear_gradient("L").resize((320, 200)).save(path)
    return path


def as_three_days_ago(page: Page, path: str) -> list[str]:
    """Let the first answer of `path` have addresses that have expired by now, as if it had come then. Gives what is
    asked of it, which grows."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.post_data or "")
        response = route.fetch()
        body = response.text()
        if len(asked) == 1:
            body, count = re.subn(r"[?]e=\d+&s=", "?e=1700000000&s=", body)
            assert count, body
        route.fulfill(response=response, body=body)

    page.route(f"**{path}*", answer)
    return asked


def shows(person: Person) -> None:
    """Wait until the picture is shown."""
    expect(person.page.locator("li.message .picture img")).to_have_js_property("naturalWidth", 320)


def forgive_refused(person: Person) -> None:
    """The browser writes down each file that it was refused, which these tests want."""
    assert any(REFUSED in one for one in person.errors)
    person.errors[:] = [one for one in person.errors if REFUSED not in one]


def test_only_signed(friends: Friends, picture: Path) -> None:
    """A picture is shown, to its sender as well, also after a reload; its plain address opens nothing."""
    anna, bo = friends
    anna.attach("picture", picture)
    for one in (anna, bo):
        shows(one)
        one.page.reload()
        shows(one)
    address = bo.page.locator("li.message .picture img").get_attribute("src") or ""
    plain, _, query = address.partition("?")
    assert query
    assert [bo.context.request.get(one).status for one in (address, plain)] == [200, 403]


def test_forwarded(friends: Friends, person: PeopleOf, picture: Path) -> None:
    """Who got a picture passes it on; who only knows its address can't."""
    anna, bo = friends
    eve = person("Eve")
    for one in friends:
        one.become_friend(eve)
    anna.attach("picture", picture)
    shows(bo)
    address = bo.page.locator("li.message .picture img").get_attribute("src")
    eve.open(10, bo.id)
    with pytest.raises(Exception, match="passes it on"):
        eve.post({"cmd": 10, "dstid": anna.id, "media": 4, "url": address})
    bo.post({"cmd": 10, "dstid": eve.id, "media": 4, "url": address})
    shows(eve)


def test_expired(friends: Friends, picture: Path) -> None:
    """A picture whose address has expired is asked for again, once, and shown."""
    anna, bo = friends
    anna.attach("picture", picture)
    shows(bo)
    asked = as_three_days_ago(bo.page, "/message/history")
    bo.page.reload()
    shows(bo)
    assert len(asked) == 2 and "limit=1" in asked[1]
    forgive_refused(bo)


def test_expired_avatar(friends: Friends, picture: Path) -> None:
    """So are the pictures of people."""
    anna, bo = friends
    content = {"name": "a.png", "mimeType": "image/png", "buffer": picture.read_bytes()}
    uploaded = anna.context.request.post("/attach/upload", multipart={"file": content}).json()
    anna.context.request.post("/user/update", form={"avatar": uploaded["data"]})
    asked = as_three_days_ago(bo.page, "/contact/loadfriend")
    bo.page.reload()
    bo.panel("friends")
    face = bo.page.locator(f"[data-user='{anna.id}'] .avatar img")
    expect(face).to_have_js_property("naturalWidth", 320)
    expect(face).to_have_attribute("src", re.compile(r"[?]e=17[^0]|[?]e=1[89]"))
    assert len(asked) >= 2
    bo.errors[:] = [one for one in bo.errors if REFUSED not in one]


def test_open_for_days(friends: Friends, picture: Path) -> None:
    """A page that stays open asks for new addresses before it needs them."""
    anna, bo = friends
    anna.attach("picture", picture)
    shows(bo)
    bo.page.clock.install()
    bo.page.reload()
    shows(bo)

    def is_anew(response: Response) -> bool:
        return "/message/history" in response.url and "before=" in (response.request.post_data or "")

    with bo.page.expect_response(is_anew) as answered:
        bo.page.clock.fast_forward(THREE_DAYS)
    (row,) = [one for one in json.loads(answered.value.text())["rows"] if one.get("url")]
    assert "?e=" in row["url"]
    shows(bo)
