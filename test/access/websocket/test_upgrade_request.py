"""Upgrades that are read without twisted.web: of every one of them twisted.web would have told the same."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import HTTPChannel, Request

from test.internals.test_autobahn_handshake import BROWSER, ORDINARY, UNUSUAL
from twim.access.http.authentication import COOKIE, Authenticator
from twim.access.http.fields import read_fields, read_query
from twim.access.websocket.upgrade_request import HEAD_BYTES, HEADERS, Upgrade, read_upgrade
from twim.errors import Refusal
from twim.internals.autobahn_handshake import ordinary_key
from twim.internals.http import CookieOrder
from twim.limits.limits import Limits
from twim.logic.accounts import Tokens

NAMES = (b"authorization", b"cookie", b"origin", b"host", b"user-agent", b"x-forwarded-for", b"upgrade", b"nothing")
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="

printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
values = st.text(st.one_of(printable, st.just("\t")), max_size=30).map(str.encode)
anything = st.binary(max_size=12)
targets = st.one_of(
    st.text(printable, max_size=40).map(lambda query: b"/chat?" + query.encode()),
    st.builds(
        lambda pairs: b"/chat?" + b"&".join(pairs),
        st.lists(
            st.builds(
                lambda name, value: name + b"=" + value,
                st.sampled_from([b"id", b"token", b"%69d", b"to+ken", b"", b"x;id", b"%ff"]),
                st.sampled_from([b"1", b"", b"a%20b", b"%ff", b"a+b", b"=;", b"t" * 43, b"%e5%af%86"]),
            ),
            max_size=4,
        ),
    ),
    st.sampled_from([b"/chat", b"/chat?", b"/chat/", b"//chat", b"/%63hat", b"/chat#x", b"http://x/chat", b"/", b"*"]),
)
needed = st.fixed_dictionaries(
    {},
    optional={
        b"Host": st.sampled_from([b"chat.example.org", b"127.0.0.1:8080", b"[::1]", b"", b"x y", b"\xff"]),
        b"Upgrade": st.sampled_from([b"websocket", b"WebSocket", b"h2c", b" websocket\t", b""]),
        b"Connection": st.sampled_from([b"Upgrade", b"keep-alive, Upgrade", b"close", b"close, upgrade", b"upgrade,"]),
        b"Sec-WebSocket-Version": st.sampled_from([b"13", b"8", b" 13", b"013"]),
        b"Sec-WebSocket-Key": st.sampled_from([KEY, KEY[:-1], b" " + KEY, b"A" * 24]),
    },
)
others = st.tuples(
    st.one_of(
        st.sampled_from([one.title() for one in NAMES]),
        st.sampled_from(
            [b"Content-Length", b"Transfer-Encoding", b"Expect", b"Sec-WebSocket-Protocol", b"Content-Type"]
        ),
        st.from_regex(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,10}", fullmatch=True),
        anything,
    ),
    st.one_of(
        st.sampled_from([b"0", b"chunked", b"100-continue", b"http://chat.example.org", b"null", b"Bearer  x "]),
        st.sampled_from([b"token=a; b; token = c;token=d=e", b"token", b"", b"\x0btoken=x", b"x=y;\ttoken=z"]),
        values,
        anything,
    ),
)
USUAL = {
    b"Host": b"chat.example.org",
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": KEY,
}


def written(target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """A request."""
    return b"".join([b"GET %b HTTP/1.1\r\n" % target, *(b"%b: %b\r\n" % one for one in headers), b"\r\n"])


requests = st.builds(
    lambda target, changes, more, order: written(target, order((USUAL | changes), more)),
    targets,
    st.one_of(st.just({}), needed),
    st.lists(others, max_size=5),
    st.sampled_from(
        [
            lambda usual, more: [*usual.items(), *more],
            lambda usual, more: [*more, *usual.items()],
            lambda usual, more: [*(more + list(usual.items()))[::2], *(more + list(usual.items()))[1::2]],
        ]
    ),
)


class Kept(CookieOrder, Request):
    """A request that its channel keeps."""

    def process(self) -> None:
        cast(Any, self.channel).kept.append(self)


def by_twisted(data: bytes) -> list[Request]:
    """The requests that twisted.web finds in `data`."""
    channel: Any = HTTPChannel()
    channel.requestFactory = Kept
    channel.kept = []
    channel.timeOut = None
    channel.makeConnection(StringTransport())
    channel.dataReceived(data)
    return list(channel.kept)


def token_by(asked: Request | Upgrade) -> object:
    """The token that the authenticator finds in a request, or how it refuses."""
    authenticator = Authenticator(cast(Tokens, None), Limits(False, lambda: 0.0))
    try:
        return authenticator.token_of(asked, read_query(asked), upgrade=True)
    except Refusal as refused:
        return type(refused), refused.msg


def fields_by(asked: Request | Upgrade) -> object:
    """What the fields of a request are, or how they are refused."""
    try:
        return (read_fields(asked) if isinstance(asked, Request) else read_query(asked))._values
    except Refusal as refused:
        return type(refused), refused.msg


class ReadUpgrade(SynchronousTestCase):
    """`read_upgrade`."""

    def assert_same(self, data: bytes) -> None:
        """What is read is what twisted.web reads; what isn't read may be anything."""
        found = read_upgrade(data)
        if found is None:
            return
        asked, end = found
        self.assertTrue(data[:end].endswith(b"\r\n\r\n"))
        (request,) = by_twisted(data[:end])
        self.assertEqual((request.method, request.path), (b"GET", b"/chat"))
        self.assertEqual(request.content.read(), b"")
        self.assertEqual(asked.key, ordinary_key(request))
        self.assertEqual(asked.args, request.args)
        for name in NAMES:
            self.assertEqual(asked.getHeader(name), request.getHeader(name), name)
        for name in (COOKIE, b"b", b"x", b""):
            self.assertEqual(asked.getCookie(name), request.getCookie(name), name)
        self.assertEqual(token_by(asked), token_by(request))
        self.assertEqual(fields_by(asked), fields_by(request))

    @given(requests, st.binary(max_size=20))
    @settings(max_examples=1_500, deadline=None)
    @example(written(b"/chat?token=x", list(USUAL.items())), b"\x81\x80mask")
    def test_as_twisted_web(self, request: bytes, behind: bytes) -> None:
        """Any request, with anything behind it."""
        self.assert_same(request + behind)

    @given(st.sampled_from([dict(headers) for headers in ORDINARY.values()]), st.data())
    @settings(max_examples=500, deadline=None)
    def test_broken(self, headers: dict[str, str], data: Any) -> None:
        """An ordinary request of which some bytes are lost, doubled or changed."""
        request = written(b"/chat?id=1&token=x", [(k.encode(), v.encode()) for k, v in headers.items()])
        at = data.draw(st.integers(0, len(request) - 1))
        until = data.draw(st.integers(at, min(len(request), at + 4)))
        for changed in (
            request[:at] + request[until:],
            request[:until] + request[at:],
            request[:at] + data.draw(anything) + request[until:],
        ):
            self.assert_same(changed)

    def test_ordinary(self) -> None:
        """What browsers, programs and a proxy of ours send is read, with what is behind it left."""
        by_proxy = [("X-Real-IP", "::1"), ("X-Forwarded-For", "::1"), ("X-Forwarded-Proto", "https")]
        for headers in (*ORDINARY.values(), [*BROWSER.items(), *by_proxy]):
            request = written(b"/chat?id=1&token=x", [(k.encode(), v.encode()) for k, v in headers])
            for behind in (b"", b"\x81\x80mask", b"GET / HTTP/1.1\r\n\r\n"):
                found = read_upgrade(request + behind)
                assert found is not None, headers
                self.assertEqual((found[0].key, found[1]), (KEY, len(request)))

    def test_unusual(self) -> None:
        """What is Autobahn's to answer isn't read."""
        for name, headers in UNUSUAL.items():
            request = written(b"/chat", [(k.encode(), v.encode()) for k, v in headers])
            self.assertIsNone(read_upgrade(request), name)

    def test_left_to_twisted_web(self) -> None:
        """Other paths, methods and versions; pieces; bodies; folded, repeated and unheard-of headers."""
        usual = list(USUAL.items())
        whole = written(b"/chat?token=x", usual)
        for name, request in {
            "nothing": b"",
            "another path": written(b"/chat/", usual),
            "a longer path": written(b"/chatter", usual),
            "an escaped path": written(b"/%63hat", usual),
            "a fragment": written(b"/chat?token=x#y", usual),
            "a blank in the query": written(b"/chat?token=x y", usual),
            "not ASCII": written(b"/chat?token=\xc3\xa4", usual),
            "a POST": whole.replace(b"GET", b"POST"),
            "HTTP/1.0": whole.replace(b"HTTP/1.1", b"HTTP/1.0"),
            "a blank line before": b"\r\n" + whole,
            "bare line feeds": whole.replace(b"\r\n", b"\n"),
            "a body": written(b"/chat", [*usual, (b"Content-Length", b"0")]),
            "a chunked body": written(b"/chat", [*usual, (b"Transfer-Encoding", b"chunked")]),
            "an expectation": written(b"/chat", [*usual, (b"Expect", b"100-continue")]),
            "a header twice": written(b"/chat", [*usual, (b"cookie", b"a=b"), (b"Cookie", b"c=d")]),
            "a folded header": written(b"/chat", [*usual, (b"X", b"y\r\n z")]),
            "a blank before the colon": written(b"/chat", [*usual, (b"X ", b"y")]),
            "a control character": written(b"/chat", [*usual, (b"X", b"\x00")]),
            "a header that isn't ASCII": written(b"/chat", [*usual, (b"X", "ä".encode())]),
            "too many headers": written(b"/chat", [*usual, *((b"X%d" % n, b"") for n in range(HEADERS))]),
            "too long": written(b"/chat", [*usual, (b"X", b"x" * HEAD_BYTES)]),
        }.items():
            self.assertIsNone(read_upgrade(request), name)
        for end in range(len(whole)):
            self.assertIsNone(read_upgrade(whole[:end]))
