"""A real Redis that is guarded as `docs/operating.md` says: TLS, users with passwords, and what each may do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from test.cluster.certificates import Authority
from test.cluster.contract import Buses, asynchronous
from test.cluster.recording import RecordingListener, pause, until
from test.cluster.redis.redis_server import RedisServer
from test.cluster.redis.test_bus import needs
from twim.cluster.interface import EVERYONE, BusUrlError, user
from twim.cluster.opening import open_bus

REFUSED = "Redis refuses what is asked of it"
UNREACHED = "Redis can't be reached yet"
RIGHTS = ("-@all", "+publish", "+subscribe", "+unsubscribe")


class GuardedTests(Buses, TestCase):
    """A private Redis with one port, over TLS."""

    timeout = 120

    def setUp(self) -> None:
        needs(shutil.which("redis-server") is not None, "no redis-server to start (package redis-server)")
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.folder = folder
        self.authority = Authority(folder)
        # Its users may use the channels of cluster 0 and nothing else; nobody may connect without a user name.
        rules = [
            "user default off",
            f"user twim on >s3cret/@ resetchannels &twim:0:* {' '.join(RIGHTS)}",
            f"user half on >half resetchannels &twim:0:nodes {' '.join(RIGHTS)}",
            "user admin on >admin ~* &* +@all",
        ]
        (folder / "users.acl").write_text("\n".join(rules) + "\n")

    def serve(self, certificate: Path, *options: str) -> None:
        """Start it. The rights and the authority are in files, as an operator would have them."""
        files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(certificate))
        files += ("--tls-ca-cert-file", str(self.authority.file), "--aclfile", str(self.folder / "users.acl"))
        self.server = RedisServer(*files, *options)
        self.server._options += ("--port", "0", "--tls-port", str(self.server.port))
        self.addCleanup(self.server.kill)
        self.server.start()

    def make(self, epoch: str = "epoch", login: str = "twim:s3cret%2F%40", db: int = 0, **files: object) -> Any:
        query = "&".join(f"{name}={file}" for name, file in ({"ca": self.authority.file} | files).items() if file)
        url = f"rediss://{login}@127.0.0.1:{self.server.port}/{db}" + (f"?{query}" if query else "")
        return open_bus(url, key=None, epoch=epoch, reactor=reactor)

    async def hears(self, *buses: Any) -> RecordingListener:
        """Start both, and check that the second receives what the first publishes."""
        listeners = [RecordingListener(), RecordingListener()]
        for bus, listener in zip(buses, listeners, strict=True):
            self.addCleanup(bus.stop)
            await bus.start(listener)
        await buses[1].subscribe(user(1))
        await until(reactor, lambda: all(listener.up for listener in listeners), "they met")
        buses[0].publish((EVERYONE, user(1)), b"hello")
        await until(reactor, lambda: b"hello" in listeners[1].events, "it was heard")
        return listeners[1]

    async def unreached(self, bus: Any) -> None:
        """Start the node, and check that it is told that it can't reach Redis."""
        self.addCleanup(bus.stop)
        await bus.start(RecordingListener())
        self.assertIn(UNREACHED, bus.problems.counts)
        self.assertIsNone(bus._subscribed)

    @asynchronous
    async def test_user_and_password(self) -> None:
        """Nodes whose user has only the documented rights form a cluster."""
        self.serve(self.authority.sign("server", address="127.0.0.1"), "--tls-auth-clients", "no")
        first, second = self.make(), self.make()
        await self.hears(first, second)
        second.unsubscribe(user(1))
        await second.subscribe(user(2))
        await pause(reactor, 0.7)
        self.assertEqual([bus.problems.counts for bus in (first, second)], [{}, {}])

    @asynchronous
    async def test_a_connection_that_is_lost(self) -> None:
        """A lost connection over TLS is made again, and the nodes know that they missed something."""
        self.serve(self.authority.sign("server", address="127.0.0.1"), "--tls-auth-clients", "no")
        first, second = self.make(), self.make()
        listener = await self.hears(first, second)
        self.server.kill()
        await pause(reactor, 0.3)
        self.server.start()
        await until(reactor, lambda: None in listener.gaps, "it knows that something was missed")
        await until(reactor, lambda: first.node in listener.up and second._subscribed is not None, "they met again")
        first.publish((user(1),), b"again")
        await until(reactor, lambda: b"again" in listener.events, "it was heard")

    @asynchronous
    async def test_own_certificate(self) -> None:
        """A Redis that asks for a client certificate gets the one the URL names, and refuses clients without one."""
        self.serve(self.authority.sign("server", address="127.0.0.1"))
        own = self.authority.sign("node")
        await self.hears(self.make(cert=own), self.make(cert=own))
        await self.unreached(self.make())

    @asynchronous
    async def test_who_is_not_trusted(self) -> None:
        """A server with another host's certificate, or one of an unknown authority, is sent nothing, nor the
        password."""
        stranger = Authority(self.folder, "stranger")
        self.serve(self.authority.sign("server", host="redis.example"), "--tls-auth-clients", "no")
        await gatherResults(
            [
                Deferred.fromCoroutine(self.unreached(bus))
                for bus in (self.make(), self.make(ca=stranger.file), self.make(ca=""))
            ]
        )

    @asynchronous
    async def test_rights(self) -> None:
        """A user with a wrong password, other channels or fewer rights is refused; this is logged, and the node still
        runs and can be stopped."""
        self.serve(self.authority.sign("server", address="127.0.0.1"), "--tls-auth-clients", "no")
        for bus in (
            self.make(login="twim:wrong"),
            self.make(db=1),
            self.make(login="half:half"),
            self.make(login="x:y"),
        ):
            self.addCleanup(bus.stop)
            await bus.start(RecordingListener())
            await until(reactor, lambda bus=bus: REFUSED in bus.problems.counts, "it is told")
            bus.publish((EVERYONE,), b"nobody's")
            await bus.subscribe(user(1))

    @asynchronous
    async def test_what_the_user_may_not(self) -> None:
        """The documented rights end at the cluster's channels: the user can read nothing else and disconnect nobody."""
        self.serve(self.authority.sign("server", address="127.0.0.1"), "--tls-auth-clients", "no")
        client = shutil.which("redis-cli")
        needs(client is not None, "no redis-cli (package redis-tools)")
        login = [str(client), "--tls", "--cacert", str(self.authority.file), "-p", str(self.server.port)]
        login += ["--user", "twim", "--pass", "s3cret/@", "--no-auth-warning"]
        for words in (
            ("CLIENT", "LIST"),
            ("CONFIG", "GET", "*"),
            ("PUBLISH", "other", "x"),
            ("FLUSHALL",),
            ("GET", "x"),
        ):
            told = subprocess.run(
                [*login, *words],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertIn("NOPERM", told.stdout + told.stderr)

    def test_files_that_cannot_be_used(self) -> None:
        """A file that isn't there, or holds no certificate, or no key, ends the start with a line that says so."""
        self.server = RedisServer()
        empty = self.folder / "empty.pem"
        empty.write_text("nothing")
        broken = self.folder / "broken.pem"
        broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for files in (
            {"ca": "/not/there"},
            {"ca": empty},
            {"ca": broken},
            {"cert": empty},
            {"cert": self.authority.file},
        ):
            error = self.assertRaises(BusUrlError, self.make, **files)
            self.assertIn(str(next(iter(files.values()))), str(error))
            self.assertNotIn("s3cret", str(error))
