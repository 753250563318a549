"""Files in an object store, for which Swift stands: its S3 interface checks signatures."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Awaitable
from pathlib import Path
from tempfile import mkdtemp

import treq
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest, TestCase
from twisted.web.client import Agent

from test.storage.files.contract import FileStoreContract, StoreRig, Taker
from test.storage.files.swift import KEY_ID, MISSING, SECRET, Swift, find_swift
from twim.errors import Unavailable
from twim.storage.files import producers as bodies
from twim.storage.files import s3
from twim.storage.files.bucket import Bucket, read_bucket
from twim.storage.files.interface import Stored, name_of
from twim.storage.files.opening import open_files
from twim.storage.files.s3 import Asking, S3Files
from twim.storage.files.sigv4 import Credentials
from twim.storage.files.spool import Spooled
from twim.storage.files.urls import FileUrls

NAME = name_of("a" * 64, ".png")
ENVIRON = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


_running: list[Swift] = []


def swift() -> Swift:
    """One Swift for all tests, until the end of the run."""
    if not _running:
        programs = find_swift()
        if programs is None:
            if os.environ.get("TWIM_TEST_NO_SKIP") == "1":
                raise RuntimeError(MISSING)
            raise SkipTest(MISSING)
        started = Swift(programs, Path(mkdtemp(prefix="swift", dir=".")))
        atexit.register(started.stop)
        started.start()
        started.make_bucket("pictures")
        _running.append(started)
    return _running[0]


class S3Tests(FileStoreContract, TestCase):
    """Each test has a folder of its own in one bucket."""

    store: S3Files

    def make_store(self) -> S3Files:
        return self.open_store(ENVIRON)

    def open_store(self, environ: dict[str, str], more: str = "&direct=on") -> S3Files:
        url = f"s3://pictures/{self.id()[-40:]}?endpoint={swift().endpoint}{more}"
        store = open_files(url, self.folder / "spool", reactor, self.threads, environ)
        assert isinstance(store, S3Files)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def spool(self, content: bytes) -> Spooled:
        spooled: Spooled = await self.threads.run(self.store.spool.whole, content)
        return spooled

    async def test_what_browsers_get(self) -> None:
        """The store is told the type, and to offer for saving what could run."""
        client = treq.client.HTTPClient(Agent(reactor))
        for suffix, disposition in ((".png", b"inline"), (".txt", b"attachment")):
            spooled = await self.spool(suffix.encode())
            name = name_of(spooled.sha256, suffix)
            await self.store.adopt(spooled, name, "x/y")
            query = self.store._signer.presign(
                "GET", self.store._path(name), {"Host": self.store._bucket.host}, self.store._at(), 60
            )
            response = await client.get(self.store._bucket.address + self.store._path(name), params=query)
            await response.content()
            self.assertEqual(response.code, 200)
            self.assertEqual(response.headers.getRawHeaders(b"content-type"), [b"x/y"])
            self.assertEqual(response.headers.getRawHeaders(b"content-disposition"), [disposition])
        await deferLater(reactor, 0)

    async def test_signed_urls(self) -> None:
        """A file in a bucket of which strangers may read nothing is given to who has a presigned URL of it, whole and
        in parts, until it expires; the same URL all day. It opens no other file."""
        client = treq.client.HTTPClient(Agent(reactor))
        urls = FileUrls(self.store, b"k" * 32, time.time)
        name, plain = await self.keep(b"0123456789")
        _, other = await self.keep(b"other")
        signed = urls.sign(plain)
        query = signed.partition("?")[2]
        yesterday = FileUrls(self.store, b"k" * 32, lambda: time.time() - 86_400).sign(plain)
        before = FileUrls(self.store, b"k" * 32, lambda: time.time() - 3 * 86_400).sign(plain)
        for url, headers, status, content in (
            (signed, {}, 200, b"0123456789"),
            (yesterday, {}, 200, b"0123456789"),
            (signed, {"Range": "bytes=2-4"}, 206, b"234"),
            (before, {}, 403, None),
            (plain, {}, 400, None),  # to Swift this is no request of S3 at all; others answer 403
            (f"{other}?{query}", {}, 403, None),
            (signed[:-1] + ("0" if signed[-1] != "0" else "1"), {}, 403, None),
        ):
            response = await client.get(url, headers=headers)
            body = await response.content()
            self.assertEqual(response.code, status, url)
            if content is not None:
                self.assertEqual(body, content)
        self.assertEqual(urls.plain(signed), (plain, name[:65]))
        await deferLater(reactor, 0)

    async def test_wrong_secret(self) -> None:
        """A request signed with another secret is refused by the store, and so Unavailable."""
        wrong = self.open_store(ENVIRON | {"AWS_SECRET_ACCESS_KEY": "another"})
        spooled = await self.spool(b"x")
        name = name_of(spooled.sha256, ".bin")
        for asked in (wrong.adopt(spooled, name, ""), wrong.find(name), wrong.send(name, 0, 1, Taker())):
            with self.assertRaises(Unavailable):
                await asked
        self.assertIsNone(await self.store.find(name))
        self.assertEqual(await self.listed(), [])

    async def test_a_changed_file(self) -> None:
        """A file that doesn't match its hash is refused by the store."""
        spooled = await self.spool(b"before")
        spooled.path.write_bytes(b"after!")
        name = name_of(spooled.sha256, ".bin")
        with self.assertRaises(Unavailable):
            await self.store.adopt(spooled, name, "")
        self.assertIsNone(await self.store.find(name))

    async def test_many(self) -> None:
        """A list longer than one page is read to its end."""
        names = [(await self.keep(b"%d" % number))[0] for number in range(5)]
        pages = 0
        ask = self.store._ask

        async def two_at_a_time(asking: Asking, allowed: int = 0) -> object:
            nonlocal pages
            pages += 1
            return await ask(Asking(asking.method, asking.path, [*asking.query, ("max-keys", "2")]), allowed)

        self.patch(self.store, "_ask", two_at_a_time)
        self.assertEqual(sorted(found.name for found in await self.listed()), sorted(names))
        self.assertEqual(pages, 3)

    async def test_presigned(self) -> None:
        """A browser can store a file with the signed request, and nothing else."""
        client = treq.client.HTTPClient(Agent(reactor))
        signed = self.store.presign(".png", "image/png", 5, "")
        for content, more, expected in (
            (b"123456", {}, 403),
            (b"12345", {"Content-Type": "text/html"}, 403),
            (b"12345", {}, 200),
        ):
            response = await client.put(signed.url, headers={**signed.headers, **more}, data=content)
            await response.content()
            self.assertEqual(response.code, expected)
        name = self.store.name(signed.data)
        self.assertEqual((await self.store.find(name)).size, 5)
        await deferLater(reactor, 0)


class Server(Protocol):
    """Answers what the factory's `answer` gives for the bytes so far, if anything, and then closes."""

    def connectionMade(self) -> None:
        self.taken = b""

    def dataReceived(self, data: bytes) -> None:
        self.taken += data
        answer = self.factory.answer(self.taken)  # type: ignore[attr-defined]
        if answer is not None:
            self.factory.asked += 1  # type: ignore[attr-defined]
            self.transport.write(answer)
            self.transport.loseConnection()


class StoreDown(StoreRig, TestCase):
    """A store that is down or breaks off."""

    def make_store(self) -> S3Files:
        self.factory = Factory.forProtocol(Server)
        self.factory.asked = 0
        self.factory.answer = lambda taken: None
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.patch(s3, "PAUSE_SECONDS", 0.01)
        url = f"s3://pictures?endpoint=http://127.0.0.1:{self.port.getHost().port}"
        store = open_files(url, self.folder / "spool", reactor, self.threads, ENVIRON)
        assert isinstance(store, S3Files)
        return store

    async def refused(self, asked: Awaitable[object]) -> None:
        with self.assertRaises(Unavailable):
            await asked

    async def test_nobody_there(self) -> None:
        """Refused connections are Unavailable after a few attempts."""
        await self.port.stopListening()
        await self.refused(self.store.find(NAME))
        await self.refused(self.keep(b"x"))
        await self.refused(self.listed())

    async def test_silence(self) -> None:
        """A store that doesn't answer is Unavailable."""
        self.patch(s3, "ANSWER_SECONDS", 0.05)
        await self.refused(self.store.find(NAME))

    async def test_troubled(self) -> None:
        """A store with errors is asked again a few times."""
        self.factory.answer = lambda taken: b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"
        await self.refused(self.store.find(NAME))
        self.assertEqual(self.factory.asked, s3.ATTEMPTS)

    async def test_recovers(self) -> None:
        """A single failure has no effect."""

        def answer(taken: bytes) -> bytes:
            found = b"Content-Length: 7\r\nLast-Modified: Fri, 24 May 2013 00:00:00 GMT\r\n\r\n"
            return b"" if not self.factory.asked else b"HTTP/1.1 200 OK\r\n" + found

        self.factory.answer = answer
        self.assertEqual(await self.store.find(NAME), Stored(NAME, 7, 1369353600.0))

    async def test_forbidden(self) -> None:
        """A refused request isn't tried again."""
        self.factory.answer = lambda taken: b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
        await self.refused(self.store.find(NAME))
        self.assertEqual(self.factory.asked, 1)

    async def test_cut_while_storing(self) -> None:
        """A connection that breaks during a file is Unavailable, and the file can be discarded."""

        def answer(taken: bytes) -> bytes | None:
            if taken.startswith(b"HEAD"):
                return b"HTTP/1.1 404 Not Found\r\n\r\n"
            return b"" if len(taken) > 300_000 else None

        self.factory.answer = answer
        spooled = await self.threads.run(self.store.spool.whole, bytes(4_000_000))
        await self.refused(self.store.adopt(spooled, NAME, ""))
        self.assertEqual(self.spooled(), [spooled.path])
        spooled.discard()

    async def test_cut_while_sending(self) -> None:
        """A file that breaks off isn't taken for complete."""
        self.factory.answer = lambda taken: b"HTTP/1.1 206 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(500)
        taker = Taker()
        await self.refused(self.store.send(NAME, 0, 1000, taker))
        self.assertEqual(len(taker.taken), 500)

    async def test_stalls_while_sending(self) -> None:
        """A store that stops sending is given up."""
        self.patch(bodies, "STALL_SECONDS", 0.05)
        server: list[Server] = []
        self.factory.buildProtocol = lambda address: server.append(Stalling()) or server[0]
        await self.refused(self.store.send(NAME, 0, 1000, Taker()))

    async def test_a_client_that_leaves(self) -> None:
        """A request that is cancelled while the store is asked ends as cancelled, not as Unavailable."""
        for seconds in (0, 0.0005, 0.005, 0.05):  # while it connects, and while it waits for the answer
            asked = Deferred.fromCoroutine(self.store.find(NAME))
            await deferLater(reactor, seconds)
            asked.cancel()
            with self.assertRaises(CancelledError):
                await asked


class Stalling(Protocol):
    """A store that begins an answer and then stops."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"HTTP/1.1 206 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(500))


class SavedAs(TestCase):
    """The name under which a browser saves a file of the store."""

    def test_true_ending(self) -> None:
        """Nothing in a name makes its extension look like another; nothing else is changed."""
        for name, saved in {
            "holiday\u202egpj.exe": "; filename*=UTF-8''holidaygpj.exe",
            "a\u2066\u200f\n.pdf": "; filename*=UTF-8''a.pdf",
            "\u202e": "",
            "Pl\u00e4ne.pdf": "; filename*=UTF-8''Pl%C3%A4ne.pdf",
        }.items():
            said = s3.headers_of("x.pdf", "application/pdf", name)["Content-Disposition"]
            self.assertEqual(said.partition(";")[1] + said.partition(";")[2], saved)


class Addresses(TestCase):
    """How URLs of stores are read."""

    def read(self, url: str, environ: dict[str, str] = ENVIRON) -> Bucket:
        return read_bucket(url, environ)

    def test_aws(self) -> None:
        """AWS is the default, with the bucket in the host name."""
        bucket = self.read("s3://pics/chat?region=eu-west-1")
        self.assertEqual(bucket.address, "https://pics.s3.eu-west-1.amazonaws.com")
        self.assertEqual((bucket.base, bucket.listed, bucket.prefix), ("/chat/", "/", "chat/"))
        self.assertEqual(bucket.public, "https://pics.s3.eu-west-1.amazonaws.com/chat/")

    def test_oss(self) -> None:
        """Alibaba Cloud OSS takes the bucket in the host name only."""
        bucket = self.read("s3://pics?endpoint=https://s3.oss-cn-hangzhou.aliyuncs.com&region=cn-hangzhou")
        self.assertEqual(bucket.host, "pics.s3.oss-cn-hangzhou.aliyuncs.com")
        self.assertEqual((bucket.base, bucket.region), ("/", "cn-hangzhou"))

    def test_minio(self) -> None:
        """Other stores take the bucket in the path."""
        bucket = self.read("s3://pics/a/b/?endpoint=http://192.168.0.9:9000")
        self.assertEqual((bucket.address, bucket.base), ("http://192.168.0.9:9000", "/pics/a/b/"))
        self.assertEqual(bucket.listed, "/pics")
        self.assertEqual(bucket.public, "http://192.168.0.9:9000/pics/a/b/")

    def test_public(self) -> None:
        """Clients may be given another address."""
        bucket = self.read("s3://pics?endpoint=http://h:9000&public=https://cdn.example/x&style=virtual")
        self.assertEqual((bucket.public, bucket.host), ("https://cdn.example/x/", "pics.h:9000"))

    def test_wrong(self) -> None:
        """A wrong URL is a ValueError that says what is wrong."""
        for url, why in {
            "s3://": "name of a bucket",
            "s3://UPPER": "name of a bucket",
            "s3://pics?endpoint=ftp://x": "endpoint",
            "s3://pics?endpoint=http://x/y": "endpoint",
            "s3://pics?style=other": "style",
            "s3://pics?direct=yes": "direct",
            "s3://pics?colour=red": "colour",
            "s3://pics/a%20b": "prefix",
            "s3://pics/a/../b": "prefix",
        }.items():
            with self.assertRaisesRegex(ValueError, why):
                self.read(url)

    def test_wrong_kinds(self) -> None:
        """A URL of an unknown kind is a ValueError too."""
        for url in ("", "/mnt", "http://x", "file://host/x", "file:relative", "file:///x?y=1"):
            with self.assertRaisesRegex(ValueError, "--files"):
                open_files(url, Path(self.mktemp()), reactor, None, {})

    def test_credentials(self) -> None:
        """Credentials come from the environment, a named file, AWS's own file, or are missing."""
        file = Path(self.mktemp())
        file.write_text("[default]\naws_access_key_id = a%b\naws_secret_access_key = c\n")
        named = f"s3://pics?credentials={file}"
        self.assertEqual(self.read("s3://pics").credentials, Credentials(KEY_ID, SECRET))
        self.assertEqual(self.read(named).credentials, Credentials("a%b", "c"))
        of_aws = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
        self.assertEqual(self.read("s3://pics", of_aws).credentials, Credentials("a%b", "c"))
        with self.assertRaisesRegex(ValueError, "no credentials"):
            self.read("s3://pics", {"AWS_SHARED_CREDENTIALS_FILE": "/nowhere"})
