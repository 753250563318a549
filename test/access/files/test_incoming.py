"""Uploads are written to disk while they arrive, as soon as it is known who sends them."""

from __future__ import annotations

import json
import os
from functools import cache

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint
from twisted.internet.ssl import CertificateOptions, KeyPair, PrivateCertificate
from twisted.web.server import Site

from test.access.http.request_rig import LIMIT, Rig, chunked, parsed, post
from test.storage.files.samples import multipart
from twim.access.files.uploads import AROUND_FILE, UPLOAD_LIMIT, UPLOADS_EACH

BEARER = "Authorization: Bearer 7"


def one_file(content: bytes) -> tuple[str, bytes]:
    return multipart(("file", "a.bin", "application/octet-stream", content))


class Uploading(Rig):
    async def test_whole(self) -> None:
        """A file is stored under its hash, and nothing stays in the spool."""
        status, answer = await self.upload(*one_file(b"\x00" * LIMIT))
        self.assertEqual((status, answer["code"]), (200, 0))
        self.assertEqual([self.urls.sign("/mnt/" + name) for name in self.kept()], [answer["data"]])

    async def test_the_connection_serves_on(self) -> None:
        """After an upload the same connection takes the next request, even one that came at once."""
        talk = await self.connect()
        kind, body = one_file(os.urandom(LIMIT // 2))
        head = post("/attach/upload", kind, len(body), BEARER).replace(b"Connection: close\r\n", b"")
        talk.transport.write((head + body) * 2 + b"GET /echo?n=3 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual((await talk.until(b'{"n": "3"}')).count(b"/mnt/"), 2)

    async def test_chunked(self) -> None:
        """A body without a length arrives in pieces of odd sizes."""
        kind, body = one_file(os.urandom(100_000))
        status, _, answer = await self.ask(post("/attach/upload", kind, None, BEARER) + chunked(body, 777))
        self.assertEqual((status, len(self.kept())), (200, 1))
        self.assertEqual((self.folder / self.kept()[0]).read_bytes(), body.split(b"\r\n\r\n")[1][:100_000])
        self.assertEqual(json.loads(answer)["type"], "application/octet-stream")

    async def test_declared_too_long(self) -> None:
        """An upload whose declared length is too large gets 413 before a byte of its body is read."""
        kind, _body = one_file(b"")
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, LIMIT + AROUND_FILE + 1, BEARER))
        self.assertEqual(parsed(await talk.until(b"}"))[0], 413)
        self.assertEqual(self.asked, 0)

    async def test_over_while_arriving(self) -> None:
        """An upload gets 413 as soon as the file exceeds the bound, and nothing of it is kept."""
        kind, body = one_file(b"\x00" * (LIMIT + 1))
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, None, BEARER))
        for at in range(0, LIMIT + 300, 1 << 16):
            piece = body[at : at + (1 << 16)]
            talk.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        answer = await talk.until(b"}")
        self.assertEqual(parsed(answer)[0], 413)
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_garbage_around_the_file(self) -> None:
        """The parts of the body that aren't the file are bounded too."""
        head = post("/attach/upload", "multipart/form-data; boundary=x", None, BEARER)
        status, _, _ = await self.ask(head + chunked(b"\0" * (LIMIT + AROUND_FILE + 1), 1 << 16))
        self.assertEqual(status, 413)

    async def test_cut_short(self) -> None:
        """A client that disconnects in the middle leaves nothing on the disk."""
        kind, body = one_file(os.urandom(LIMIT))
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, len(body), BEARER) + body[: LIMIT // 2])
        await self.until(self.spooled)
        talk.transport.abortConnection()
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_no_end(self) -> None:
        """A body without its closing boundary is malformed."""
        kind, body = one_file(b"x" * 1000)
        status, _answer = await self.upload(kind, body[:-10])
        self.assertEqual(status, 400)
        await self.settled()

    async def test_malformed(self) -> None:
        """Every kind of malformed upload is refused with its own status."""
        two = multipart(("file", "a", "", b"1"), ("file", "b", "", b"2"))
        cases = {
            "no file": (*multipart(("f", "", "", b"1")), 400),
            "two files": (*two, 400),
            "empty file": (*one_file(b""), 400),
            "no boundary": ("multipart/form-data", b"x", 400),
            "not a form": ("application/json", b"{}", 415),
            "no text": ("multipart/form-data; boundary=\udcff\udcfe", b"x", 400),
            "no body": ("multipart/form-data; boundary=x", b"", 400),
            "a large field": (*multipart(("filetype", "", "", b"x" * 5000), ("file", "a", "", b"1")), 413),
            "many parts": (*multipart(*[("f", "", "", b"1")] * 20), 413),
        }
        for name, (kind, body, expected) in cases.items():
            status, answer = await self.upload(kind, body)
            self.assertEqual((name, status), (name, expected), answer)
            self.assertEqual(answer["code"], -1)
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_too_many_at_once(self) -> None:
        """The uploads of one user at the same time are bounded; the next one is told when to try again."""
        kind, body = one_file(b"x" * 1000)
        for _ in range(UPLOADS_EACH):
            talk = await self.connect()
            talk.transport.write(post("/attach/upload", kind, len(body), BEARER) + body[:-5])
        await self.until(lambda: len(self.spooled()) == UPLOADS_EACH)
        status, headers, _ = await self.ask(post("/attach/upload", kind, len(body), BEARER) + body)
        self.assertEqual((status, headers[b"retry-after"]), (429, b"5"))
        status, _ = await self.upload(kind, body, "Authorization: Bearer 8")
        self.assertEqual(status, 200)


class AsShipped(Rig):
    limit = UPLOAD_LIMIT

    async def test_the_limit(self) -> None:
        """Exactly 20 MiB are accepted, and one byte more is refused."""
        for size, expected in ((20 * 1024 * 1024, 200), (20 * 1024 * 1024 + 1, 413)):
            status, _ = await self.upload(*one_file(bytes(size)))
            self.assertEqual(status, expected)


class WhoUploads(Rig):
    async def test_stranger(self) -> None:
        """A guest gets 401 before the body has been sent."""
        kind, body = one_file(b"x" * LIMIT)
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, len(body)) + body[:300])
        self.assertEqual(parsed(await talk.until(b"}"))[0], 401)
        self.assertEqual(self.spooled(), [])

    async def test_nothing_is_kept_before_it_is_known(self) -> None:
        """While the token is looked up, the socket isn't read and nothing is written to the disk."""
        kind, body = one_file(os.urandom(LIMIT))
        self.auth_waits = Deferred()
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, len(body), BEARER) + body)
        await self.until(lambda: self.asked)
        self.assertEqual(self.spooled(), [])
        self.auth_waits.callback(None)
        await talk.closed
        self.assertEqual(parsed(talk.received)[0], 200)

    async def test_a_small_body_before_it_is_known(self) -> None:
        """A whole body that came with the headers waits for the token, and is then used or refused."""
        kind, body = one_file(b"x")
        for token, status in ((BEARER, 200), ("Authorization: Bearer no", 401)):
            self.auth_waits = Deferred()
            talk = await self.connect()
            talk.transport.write(post("/attach/upload", kind, len(body), token) + body)
            before = self.asked
            await self.until(lambda before=before: self.asked > before)
            self.auth_waits.callback(None)
            await talk.closed
            self.assertEqual(parsed(talk.received)[0], status)

    async def test_leaves_before_it_is_known(self) -> None:
        """A client that disconnects while its token is looked up leaves nothing."""
        kind, body = one_file(b"x")
        self.auth_waits = Deferred()
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, len(body) + 5, BEARER) + body)
        await self.until(lambda: self.asked)
        talk.transport.abortConnection()
        await talk.closed
        self.auth_waits.callback(None)
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_100_once_it_is_known(self) -> None:
        """A client that sent Expect: 100-continue is told to continue after its token has been looked up."""
        kind, body = one_file(b"x")
        self.auth_waits = Deferred()
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", kind, len(body), BEARER, "Expect: 100-continue"))
        await self.until(lambda: self.asked)
        self.assertEqual(talk.received, b"")
        self.auth_waits.callback(None)
        await talk.until(b"100 Continue\r\n\r\n")
        talk.transport.write(body)
        await talk.closed
        self.assertIn(b"HTTP/1.1 200 OK", talk.received)

    async def test_token_in_the_query(self) -> None:
        """A token in the query is accepted."""
        kind, body = one_file(b"x")
        status, _, _ = await self.ask(post("/attach/upload?token=7", kind, len(body)) + body)
        self.assertEqual(status, 200)

    async def test_token_as_a_field(self) -> None:
        """A token in a field of the form, before the file, is accepted."""
        for first in (1, 10_000):
            kind, body = multipart(("token", "", "", b"7"), ("file", "a", "", b"x" * LIMIT))
            talk = await self.connect()
            talk.transport.write(post("/attach/upload", kind, len(body)) + body[:first])
            talk.transport.write(body[first:])
            await talk.closed
            self.assertEqual(parsed(talk.received)[0], 200)

    async def test_token_after_the_file(self) -> None:
        """A token after the file is too late."""
        kind, body = multipart(("file", "a", "", b"x"), ("token", "", "", b"7"))
        status, _, _ = await self.ask(post("/attach/upload", kind, len(body)) + body)
        self.assertEqual(status, 401)

    async def test_somebody_elses_id(self) -> None:
        """A userid that isn't the caller's is refused."""
        for claimed, expected in ((b"7", 200), (b"", 200), (b"8", 403), (b"0", 403)):
            kind, body = multipart(("userid", "", "", claimed), ("file", "a", "", b"x"))
            status, _ = await self.upload(kind, body)
            self.assertEqual(status, expected)

    async def test_our_bug(self) -> None:
        """An internal error is logged and answered with 500."""

        async def broken(request: object) -> int:
            raise ZeroDivisionError

        self.uploads.authorise = broken
        status, _answer = await self.upload(*one_file(b"x"))
        self.assertEqual(status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class OverTls(WhoUploads):
    """The same tests over TLS, where a TLS connection is paused and resumed."""

    def listen(self, site: Site) -> IListeningPort:
        port: IListeningPort = reactor.listenSSL(0, site, certificate().options(), interface="127.0.0.1")
        return port

    def endpoint(self) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = wrapClientTLS(CertificateOptions(), super().endpoint())
        return endpoint

    async def test_large(self) -> None:
        """A large file is stored, and a larger one is refused while it is being sent."""
        for size, expected in ((LIMIT, 200), (LIMIT + AROUND_FILE, 413)):
            kind, body = one_file(os.urandom(size))
            status, _ = await self.upload(kind, body)
            self.assertEqual(status, expected)


@cache
def certificate() -> PrivateCertificate:
    """A certificate for this test's server."""
    key = KeyPair.generate(size=2048)
    made: PrivateCertificate = key.selfSignedCert(1, CN="127.0.0.1")
    return made
