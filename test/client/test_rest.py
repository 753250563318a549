"""The client's REST calls, with treq over in-memory transports."""

from __future__ import annotations

import json
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource

from twim.client import ConversationKey, Rest, Unreachable, plain_address
from twim.client.rest import REQUEST_SECONDS, multipart
from twim.errors import Refusal
from twim.wire.message import Shown


class Answers(Resource):
    """Give what `answers` has for the path, and keep the requests."""

    isLeaf = True

    def __init__(self, answers: dict[str, Any], status: int = 200) -> None:
        super().__init__()
        self.answers = answers
        self.status = status
        self.files: dict[bytes, bytes] = {}
        self.asked: list[tuple[str, dict[str, str], str | None]] = []

    def render_GET(self, request: Request) -> bytes:
        found = self.files.get(request.uri)
        request.setResponseCode(403 if found is None else 200)
        return found or b"{}"

    def render_POST(self, request: Request) -> bytes:
        path = request.path.decode()
        fields = {k.decode(): v[0].decode(errors="replace") for k, v in (request.args or {}).items()}
        self.asked.append((path, fields, request.getHeader("authorization")))
        request.setResponseCode(self.status)
        answer = self.answers[path]
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


class Never:
    """Give no answer, or the failure that was passed."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def request(self, *_: Any, **__: Any) -> Deferred[Any]:
        return fail(self.failure) if self.failure else Deferred()


class RestTests(SynchronousTestCase):
    """Fields are sent, and the content of the envelope is returned."""

    def setUp(self) -> None:
        self.clock = Clock()

    def ask(self, resource: Answers, call: Any) -> Any:
        """The result of `call(rest)`, or its exception."""
        rest = Rest(self.clock, StubTreq(resource), "http://im.test/", "t0ken")
        return self.successResultOf(Deferred.fromCoroutine(call(rest)))

    def refused(self, resource: Answers, call: Any, kind: type[Exception] = Refusal) -> Any:
        rest = Rest(self.clock, StubTreq(resource), "http://im.test/", "t0ken")
        return self.failureResultOf(Deferred.fromCoroutine(call(rest)), kind).value

    def test_login_keeps_the_token(self) -> None:
        """After a login, later calls carry the new token in a header."""
        answers = Answers(
            {
                "/user/login": {"code": 0, "msg": "", "data": {"id": 3, "token": "fresh"}},
                "/contact/loadfriend": {
                    "code": 0,
                    "msg": "",
                    "rows": [{"id": 4, "nickname": "Ann"}],
                    "total": 1,
                },
            }
        )

        async def call(rest: Rest) -> list[str]:
            account = await rest.login("13800000001", "secret1")
            self.assertEqual(account.id, 3)
            return [friend.nickname for friend in await rest.friends()]

        self.assertEqual(self.ask(answers, call), ["Ann"])
        self.assertEqual(answers.asked[0][1], {"mobile": "13800000001", "passwd": "secret1"})
        self.assertEqual(answers.asked[1][2], "Bearer fresh")

    def test_history(self) -> None:
        """A page has its messages and the head; bounds that aren't given aren't sent."""
        rows = [{"userid": 2, "cmd": 10, "dstid": 1, "seq": 5, "media": 1, "content": "x", "recalled": 0}]
        answers = Answers({"/message/history": {"code": 0, "msg": "", "rows": rows, "total": 9}})
        page = self.ask(answers, lambda rest: rest.history(ConversationKey(10, 2), after=0, limit=1))
        self.assertEqual(([m.seq for m in page.rows], page.total), ([5], 9))
        self.assertEqual(answers.asked[0][1], {"scope": "10", "dstid": "2", "after": "0", "limit": "1"})

    def test_search(self) -> None:
        """A page of what is found has its messages, as the caller names their conversations, and where to go on; what
        isn't asked for isn't sent."""
        rows = [{"scope": 11, "userid": 2, "cmd": 11, "dstid": 7, "seq": 5, "media": 1, "content": "snow"}]
        answers = Answers({"/message/search": {"code": 0, "msg": "", "rows": rows, "total": 1, "next": 40}})
        page = self.ask(answers, lambda rest: rest.search("sno", ConversationKey(11, 7), since=3, limit=1))
        self.assertEqual(([(m.scope, m.dstid, m.content) for m in page.rows], page.next), ([(11, 7, "snow")], 40))
        asked = {"q": "sno", "limit": "1", "scope": "11", "dstid": "7", "from": "3"}
        self.assertEqual(answers.asked[0][1], asked)
        self.ask(answers, lambda rest: rest.search("sno"))
        self.assertEqual(answers.asked[1][1], {"q": "sno", "limit": "50"})

    def test_upload(self) -> None:
        """A file goes as the part `file` with its name and type, and its URL comes back."""
        answers = Answers({"/attach/upload": {"code": 0, "msg": "", "data": "/mnt/a.png"}})
        uploaded = self.ask(answers, lambda rest: rest.upload('a "1".png', b"\r\nPNG", ".png"))
        self.assertEqual(uploaded, "/mnt/a.png")
        self.assertEqual(answers.asked[0][1], {"file": "\r\nPNG", "filetype": ".png"})
        body, kind = multipart({"filetype": ".png"}, 'a "1".png', "image/png", b"x")
        self.assertIn(b'filename="a %221%22.png"\r\nContent-Type: image/png\r\n\r\nx\r\n--', body)
        self.assertEqual(body.count(kind.partition("boundary=")[2].encode()), 3)

    def test_file(self) -> None:
        """A file comes by the URL of its message; once that has expired, the message is asked for again."""
        row = {"userid": 2, "cmd": 10, "dstid": 1, "seq": 5, "media": 4, "url": "/mnt/a.png?e=2&s=y"}
        answers = Answers({"/message/history": {"code": 0, "msg": "", "rows": [row], "total": 5}})
        answers.files = {b"/mnt/a.png?e=2&s=y": b"\x89PNG"}
        key = ConversationKey(10, 2)
        old, new = (Shown(seq=5, url=f"/mnt/a.png?{query}") for query in ("e=1&s=x", "e=2&s=y"))
        for message, asked in ((new, 0), (old, 1)):
            self.assertEqual(self.ask(answers, lambda rest, message=message: rest.file_of(key, message)), b"\x89PNG")
            self.assertEqual(len(answers.asked), asked)
        self.assertEqual(answers.asked[0][1], {"scope": "10", "dstid": "2", "before": "6", "limit": "1"})
        self.assertEqual(self.refused(answers, lambda rest: rest.file(old.url)).status, 403)
        self.assertEqual(self.refused(answers, lambda rest: rest.file(new.url, most=3)).status, 413)
        answers.files = {}
        self.assertEqual(self.refused(answers, lambda rest: rest.file_of(key, new)).status, 403)
        self.assertEqual(self.refused(answers, lambda rest: rest.file_of(key, Shown(seq=4, url=old.url))).status, 403)

    def test_plain_address(self) -> None:
        """What is kept of an address has no signature; other addresses stay as they are."""
        self.assertEqual(plain_address("/mnt/ab/cd.png?e=12&s=a-_b"), "/mnt/ab/cd.png")
        self.assertEqual(
            plain_address("https://s.example/b/a.png?X-Amz-Date=1&X-Amz-Signature=0a"), "https://s.example/b/a.png"
        )
        for other in ("", "/asset/a.png", "https://example.com/?e=1&q=2"):
            self.assertEqual(plain_address(other), other)

    def test_refusals_keep_code_and_status(self) -> None:
        """Refusals by the original Go server's rules (200) and those with a status are raised alike."""
        for status, code in ((200, -1), (403, -3), (503, -6)):
            answers = Answers({"/user/logout": {"code": code, "msg": "why"}}, status)
            refused = self.refused(answers, lambda rest: rest.logout())
            self.assertEqual((refused.code, refused.status, refused.msg), (code, status, "why"))

    def test_not_this_protocol(self) -> None:
        """An HTML page of a proxy is an error, not an answer."""
        answers = Answers({"/user/logout": b"<h1>502</h1>"}, 502)
        self.assertIn("502", str(self.refused(answers, lambda rest: rest.logout(), Unreachable)))

    def test_unreachable(self) -> None:
        """A refused connection and a server that never answers are errors."""
        rest = Rest(self.clock, Never(ConnectionRefusedError()), "http://im.test")
        self.failureResultOf(Deferred.fromCoroutine(rest.logout()), Unreachable)
        slow = Deferred.fromCoroutine(Rest(self.clock, Never(), "http://im.test").logout())
        self.clock.advance(REQUEST_SECONDS)
        self.failureResultOf(slow, Unreachable)
