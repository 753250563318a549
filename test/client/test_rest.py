"""The REST side, over treq with in-memory transports."""

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

from twim.client import Place, Rest, Unreachable
from twim.client.rest import REQUEST_SECONDS
from twim.errors import Refusal


class Answers(Resource):
    """Gives what `answers` holds for the path, and keeps what was asked."""

    isLeaf = True

    def __init__(self, answers: dict[str, Any], status: int = 200) -> None:
        super().__init__()
        self.answers = answers
        self.status = status
        self.asked: list[tuple[str, dict[str, str], str | None]] = []

    def render_POST(self, request: Request) -> bytes:
        path = request.path.decode()
        fields = {k.decode(): v[0].decode(errors="replace") for k, v in (request.args or {}).items()}
        self.asked.append((path, fields, request.getHeader("authorization")))
        request.setResponseCode(self.status)
        answer = self.answers[path]
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


class Never:
    """No answer comes, or the failure that it is given."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def request(self, *_: Any, **__: Any) -> Deferred[Any]:
        return fail(self.failure) if self.failure else Deferred()


class RestTests(SynchronousTestCase):
    """Fields out, the envelope's content back."""

    def setUp(self) -> None:
        self.clock = Clock()

    def ask(self, resource: Answers, call: Any) -> Any:
        """What `call(rest)` returned, or raised."""
        rest = Rest(self.clock, StubTreq(resource), "http://im.test/", "t0ken")
        return self.successResultOf(Deferred.fromCoroutine(call(rest)))

    def refused(self, resource: Answers, call: Any, kind: type[Exception] = Refusal) -> Any:
        rest = Rest(self.clock, StubTreq(resource), "http://im.test/", "t0ken")
        return self.failureResultOf(Deferred.fromCoroutine(call(rest)), kind).value

    def test_login_keeps_the_token(self) -> None:
        """After a login later calls carry the new token, in a header."""
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
        """A page has its messages and the head; edges that aren't given aren't sent."""
        rows = [{"userid": 2, "cmd": 10, "dstid": 1, "seq": 5, "media": 1, "content": "x", "recalled": 0}]
        answers = Answers({"/message/history": {"code": 0, "msg": "", "rows": rows, "total": 9}})
        page = self.ask(answers, lambda rest: rest.history(Place(10, 2), after=0, limit=1))
        self.assertEqual(([m.seq for m in page.rows], page.total), ([5], 9))
        self.assertEqual(answers.asked[0][1], {"scope": "10", "dstid": "2", "after": "0", "limit": "1"})

    def test_upload(self) -> None:
        """A file goes as the part `file` with its name and type, and its URL comes back."""
        stub = StubTreq(Answers({"/attach/upload": {"code": 0, "msg": "", "data": "/mnt/a.png"}}))
        sent = {}

        class Files:
            """treq's stub takes no files."""

            def request(self, method: str, url: str, files: Any, data: Any, **options: Any) -> Deferred[Any]:
                sent.update(files | data)
                return stub.request(method, url, **options)

        rest = Rest(self.clock, Files(), "http://im.test")
        uploaded = Deferred.fromCoroutine(rest.upload("a.png", b"\x89PNG", ".png"))
        self.assertEqual(self.successResultOf(uploaded), "/mnt/a.png")
        self.assertEqual(sent, {"file": ("a.png", "image/png", b"\x89PNG"), "filetype": ".png"})

    def test_refusals_keep_code_and_status(self) -> None:
        """A refusal of the seed's rules (200) and one with a status are both raised as such."""
        for status, code in ((200, -1), (403, -3), (503, -6)):
            answers = Answers({"/user/logout": {"code": code, "msg": "why"}}, status)
            refused = self.refused(answers, lambda rest: rest.logout())
            self.assertEqual((refused.code, refused.status, refused.msg), (code, status, "why"))

    def test_not_this_protocol(self) -> None:
        """A proxy's page of HTML is no answer."""
        answers = Answers({"/user/logout": b"<h1>502</h1>"}, 502)
        self.assertIn("502", str(self.refused(answers, lambda rest: rest.logout(), Unreachable)))

    def test_unreachable(self) -> None:
        """A refused connection, and a server that never answers."""
        rest = Rest(self.clock, Never(ConnectionRefusedError()), "http://im.test")
        self.failureResultOf(Deferred.fromCoroutine(rest.logout()), Unreachable)
        slow = Deferred.fromCoroutine(Rest(self.clock, Never(), "http://im.test").logout())
        self.clock.advance(REQUEST_SECONDS)
        self.failureResultOf(slow, Unreachable)
