"""Two servers below two paths of one site, behind nginx: of one nginx takes the path off, the other has `--prefix`."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from test.running.people import bare_device, close_all, friends, running
from test.running.prefix_front import PASSED_ON, TAKEN_OFF, prefix_front
from test.running.server import PROJECT

PNG = (PROJECT / "docs" / "examples" / "hello.png").read_bytes()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the site."""
    with prefix_front(tmp_path_factory.mktemp("site")) as found:
        yield found.url


both = pytest.mark.parametrize("prefix", [TAKEN_OFF, PASSED_ON])


@both
@running
async def test_chat_and_files(site: str, prefix: str) -> None:
    """Two people chat by clients that know only the base address, and one opens the other's file by it."""
    base = site + prefix
    ann, ben = await friends(base)
    sender, receiver = await ann.device(), await ben.device()
    answer = await sender.ask(cmd=10, dstid=ben.id, media=1, content="hello")
    assert (await receiver.hear(cmd=10, seq=answer["seq"]))["content"] == "hello"
    url = await ann.rest.upload("hello.png", PNG)
    await sender.ask(cmd=10, dstid=ben.id, media=4, url=url)
    heard = await receiver.hear(cmd=10, media=4)
    with urllib.request.urlopen(base + heard["url"], timeout=30) as opened:
        assert opened.headers["Content-Type"] == "image/png"
    await close_all([sender, receiver])


@both
@running
async def test_cookie(site: str, prefix: str) -> None:
    """A browser's log-in opens the socket below the path."""
    ann, _ = await friends(site + prefix)
    cookie = {"Cookie": f"token={ann.rest.token}; token=another"}
    device = await bare_device(site + prefix + "/chat", cookie, site)
    device.say(cmd=0)
    await device.hear(cmd=0)
    await close_all([device])


@both
def test_redirects(site: str, prefix: str) -> None:
    """The site's address of the chat leads to its log-in page; what watches the server isn't shown."""
    with urllib.request.urlopen(f"{site}{prefix}/", timeout=30) as opened:
        assert urlsplit(opened.url).path == f"{prefix}/user/login.shtml"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{site}/user/login.shtml", timeout=30)


def test_slash(site: str) -> None:
    """The path without its slash leads there too."""
    with urllib.request.urlopen(site + TAKEN_OFF, timeout=30) as opened:
        assert urlsplit(opened.url).path == f"{TAKEN_OFF}/user/login.shtml"
    for hidden in ("/metrics", "/health/ready"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(site + TAKEN_OFF + hidden, timeout=30)
