"""The button that logs in at a provider, on a desktop and on a phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from test.browser.person import Person
from test.running.provider import RunningProvider
from test.running.server import Server, free_port

Arrive = Callable[..., Person]


@pytest.fixture(scope="module")
def port() -> int:
    """The server's, which the provider must know before both start."""
    return free_port()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[RunningProvider]:
    """One for the module."""
    with RunningProvider(tmp_path_factory.mktemp("provider"), [f"http://127.0.0.1:{port}/user/oidc"]) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: RunningProvider, port: int) -> Iterator[Server]:
    """One that sends people there."""
    with Server(tmp_path_factory.mktemp("server"), ("--login", provider.option), port=port) as running:
        yield running


@pytest.fixture
def visitor(logged_out: Arrive, provider: RunningProvider) -> Arrive:
    """As `logged_out`; the provider's pages get neither the font that they ask another site for, nor an icon."""

    def arrive(name: str, **how: object) -> Person:
        person: Person = logged_out(name, **how)
        for url, media in (
            ("https://fonts.googleapis.com/**", "text/css"),
            (f"{provider.issuer}/favicon.ico", "image/png"),
        ):
            person.context.route(url, lambda route, media=media: route.fulfill(body="", content_type=media))
        return person

    return arrive


def log_in_there(page: Page, login: str) -> None:
    """Fill in the provider's own pages."""
    page.fill("[name=login]", login)
    page.fill("[name=password]", "any")
    page.click("[type=submit]")
    page.locator("[name=prompt][value=consent]").wait_for(state="attached")
    page.click("[type=submit]")


@pytest.mark.parametrize(
    ("phone", "lang", "words"), [(False, "en", "Log in with {}"), (True, "zh", "用 {} 登录")], ids=["en", "zh"]
)
def test_logs_in(
    visitor: Arrive, provider: RunningProvider, server: Server, phone: bool, lang: str, words: str
) -> None:
    """The button leads to the provider, and from there into the chat that was asked for, where one is oneself."""
    person = visitor("Ann", phone=phone, lang=lang)
    page = person.page
    page.goto("/user/login.shtml#user=12345678")
    button = page.locator("[data-provider] button")
    expect(button).to_have_text(words.format(provider.issuer.removeprefix("http://")))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    person.shot(f"provider-{lang}")
    button.click()
    log_in_there(page, f"ann-{lang}")
    page.wait_for_url(re.compile(r"/chat/index\.shtml#user=12345678$"))
    person.online()
    assert page.evaluate("JSON.parse(document.body.dataset.me).nickname") == f"ann-{lang} of the provider"[:20].strip()
    person.shot(f"provider-in-{lang}")


@pytest.mark.parametrize(("lang", "words"), [("en", "You have not logged in there."), ("zh", "你没有完成登录。")])
def test_gives_up(visitor: Arrive, server: Server, lang: str, words: str) -> None:
    """Who gives up at the provider is told so on the log-in page, and may begin again."""
    person = visitor("Ben", lang=lang)
    page = person.page
    page.goto("/user/login.shtml")
    page.locator("[data-provider] button").click()
    page.locator("a[href$='/abort']").click()
    page.wait_for_url("**/user/login.shtml?failed=cancelled")
    expect(page.locator("[data-provider] [role=alert]")).to_have_text(words)
    person.shot(f"provider-cancelled-{lang}")
    page.locator("[data-provider] button").click()
    expect(page.locator("[name=login]")).to_be_visible()
