"""Fixtures of the browser tests: a real Chromium, a real server, and people who use the chat page."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from test.browser.person import Person
from test.running.server import Server

SHOTS = Path(__file__).parent / "shots"
DESKTOP: ViewportSize = {"width": 1200, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 780}
PATIENCE = 20_000  # ms that the page may take for what a test expects of it, on a machine that does much else
UNUSED = [
    # Playwright's own list, in whose place this one comes.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *(
        "HttpsFirstBalancedModeAutoEnable",
        "LensOverlay",
        "MediaRouter",
        "PaintHolding",
        "ThirdPartyStoragePartitioning",
    ),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    "PreconnectToSearch",
    # The address bar's suggestions are pages that each window loads: more than half of what a window takes.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
]
ARGUMENTS = [
    f"--disable-features={','.join(UNUSED)}",
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    *("--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"),
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; without one the test is skipped, or fails where skipping is forbidden."""
    path = shutil.which("chromium")
    if path is None:
        why = "there is no chromium: install the Debian package chromium"
        pytest.fail(why) if os.environ.get("TWIM_TEST_NO_SKIP") == "1" else pytest.skip(why)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


MOBILES = itertools.count(13_900_000_001)


@pytest.fixture
def logged_out(chromium: Browser, server: Server) -> Iterator[Callable[..., Person]]:
    """Opens a browser window for a person who isn't logged in; errors in its console fail the test."""
    people: list[Person] = []

    def arrive(name: str, *, phone: bool = False, lang: str = "en") -> Person:
        context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            is_mobile=phone,
            locale={"en": "en-GB", "zh": "zh-CN"}[lang],
            base_url=server.url,
            permissions=["microphone"],
        )
        context.set_default_timeout(PATIENCE)
        people.append(Person(context, name, str(next(MOBILES)), SHOTS))
        return people[-1]

    yield arrive
    for person in people:
        person.context.close()
    assert [error for person in people for error in person.errors] == []


@pytest.fixture
def person(logged_out: Callable[..., Person]) -> Callable[..., Person]:
    """Like `logged_out`, registered and in the chat."""

    def registered(name: str, *, phone: bool = False, lang: str = "en") -> Person:
        who = logged_out(name, phone=phone, lang=lang)
        who.arrive()
        return who

    return registered


@pytest.fixture
def friends(person: Callable[..., Person]) -> tuple[Person, Person]:
    """Two friends, each with the other's chat open."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    return anna, bo
