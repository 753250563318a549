"""Health and metrics of a node, and who is told what."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, gatherResults

from test.access.running_node import OnUnixSocket, RunningNode
from twim.storage import probe

COUNTERS = {"messages_stored", "commits", "messages_delivered", "messages_read_again", "bus_dropped"}
COUNTERS |= {"pushes_sent", "pushes_dropped"}
HISTOGRAMS = {"commit_seconds", "batch_seconds", "delivery_seconds", "batch_messages", "request_seconds"}
ADDRESSED = "X-Forwarded-For: "


class HealthTests(RunningNode):
    """Asked by a program on the same machine."""

    async def test_live(self) -> None:
        """The node is live while the reactor runs."""
        answer = await self.ask("GET", "/health/live")
        self.assertEqual((answer.status, answer.json), (200, {"code": 0, "msg": ""}))
        self.assertEqual((await self.ask("HEAD", "/health/live")).status, 200)
        self.assert_refused(await self.post("/health/live"), 405)
        self.assert_refused(await self.ask("GET", "/health/other"), 404)
        self.assert_refused(await self.ask("GET", "/metrics/other"), 404)

    async def test_ready(self) -> None:
        """The data of readiness names each part."""
        answer = await self.ask("GET", "/health/ready")
        parts = {"database": 1, "bus": 1, "serving": 1}
        self.assertEqual((answer.status, answer.json), (200, {"code": 0, "msg": "", "data": parts}))

    async def test_unnamed_proxy(self) -> None:
        """A proxy that isn't named is told of, to programs here and not to who comes by it."""
        answer = await self.ask("GET", "/health/ready", f"{ADDRESSED}203.0.113.9")
        self.assertNotIn("data", answer.json)
        self.assertEqual((await self.ask("GET", "/health/ready")).data["unnamed_proxy"], "127.0.0.1")

    async def test_no_database(self) -> None:
        """Readiness is 503 while nothing can be committed, and 200 again afterwards."""
        path = self.folder / "im.db"
        path.rename(path.with_name("away.db"))
        answer = await self.ask("GET", "/health/ready")
        self.assertEqual((answer.status, answer.json["code"], answer.data["database"]), (503, -6, 0))
        path.with_name("away.db").rename(path)
        self.patch(probe, "FRESH_SECONDS", 0.0)
        self.assertEqual((await self.ask("GET", "/health/ready")).status, 200)
        self.assertEqual((await self.ask("GET", "/health/live")).status, 200)

    async def test_locked_database(self) -> None:
        """Readiness is 503 soon after another process has locked the database, before its lock timeout ends."""
        self.patch(probe, "WAIT_SECONDS", 0.2)
        other = sqlite3.connect(self.folder / "im.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answers = await gatherResults([Deferred.fromCoroutine(self.ask("GET", "/health/ready")) for _ in range(3)])
        self.assertEqual([one.status for one in answers], [503] * 3)
        other.execute("ROLLBACK")
        other.close()
        self.patch(probe, "FRESH_SECONDS", 0.0)
        self.patch(probe, "WAIT_SECONDS", 20.0)
        self.assertEqual((await self.ask("GET", "/health/ready")).status, 200)

    async def test_no_space(self) -> None:
        """Readiness is 503 when the disk has no room for a batch, even if one commit succeeds."""
        self.patch(probe, "SPARE_BYTES", 1 << 62)
        self.assertEqual((await self.ask("GET", "/health/ready")).status, 503)

    async def test_asked_often(self) -> None:
        """However often readiness is asked, one commit a second is tried, and none while messages are stored."""
        tried = []
        write = self.database.write
        self.patch(self.database, "write", lambda *work: tried.append(work) or write(*work))
        for _ in range(5):
            self.assertEqual((await self.ask("GET", "/health/ready")).status, 200)
        self.assertEqual(len(tried), 1)
        one, two = await self.friends()
        await (await one.device()).tell(10, two.id, "hello")
        del tried[:]
        self.node.readiness._probe._asked_at = None
        self.assertEqual((await self.ask("GET", "/health/ready")).status, 200)
        self.assertEqual(tried, [])

    async def test_draining(self) -> None:
        """A node that is about to end isn't ready, but live."""
        self.node.readiness.draining = True
        answer = await self.ask("GET", "/health/ready")
        self.assertEqual((answer.status, answer.data["serving"]), (503, 0))
        self.assertEqual((await self.ask("GET", "/health/live")).status, 200)

    async def test_bus_lost(self) -> None:
        """Readiness is 503 while the other nodes can't be heard."""
        self.patch(type(self.node.bus), "joined", False)
        answer = await self.ask("GET", "/health/ready")
        self.assertEqual((answer.status, answer.data["bus"]), (503, 0))

    async def test_metrics(self) -> None:
        """Every metric has its type, and only counters end in `_total`."""
        one, two = await self.friends()
        device = await one.device()
        for _ in range(3):
            await device.tell(10, two.id, "hello")
        answer = await self.ask("GET", "/metrics")
        self.assertTrue(answer.header("content-type").startswith("text/plain; version="), answer.headers)
        self.assertEqual(answer.header("cache-control"), "no-store")
        families = {one.name: one for one in text_string_to_metric_families(answer.body.decode())}
        ours = {name.removeprefix("twim_"): one for name, one in families.items() if name.startswith("twim_")}
        self.assertEqual({name for name, one in ours.items() if one.type == "counter"}, COUNTERS)
        self.assertEqual({name for name, one in ours.items() if one.type == "histogram"}, HISTOGRAMS)
        self.assertEqual({one.type for one in ours.values()}, {"counter", "gauge", "histogram"})
        for family in families.values():
            self.assertTrue(family.documentation, family.name)
            for sample in family.samples:
                self.assertEqual(sample.name.endswith("_total"), family.type == "counter", sample)
        self.assertEqual(ours["messages_stored"].samples[0].value, 3)
        counted = {one.name: one.value for one in ours["commit_seconds"].samples if not one.name.endswith("bucket")}
        self.assertEqual(counted["twim_commit_seconds_count"], ours["commits"].samples[0].value)
        self.assertGreater(counted["twim_commit_seconds_sum"], 0)
        sizes = {one.name: one.value for one in ours["batch_messages"].samples if not one.name.endswith("bucket")}
        self.assertEqual(sizes["twim_batch_messages_sum"], 3)
        ready = {one.labels["part"]: one.value for one in ours["ready"].samples}
        self.assertEqual(ready, {"database": 1, "bus": 1, "serving": 1})
        asked = {
            one.labels["status"]: one.value for one in ours["request_seconds"].samples if one.name.endswith("_count")
        }
        self.assertGreater(asked["2xx"], 2)
        self.assertIn("process_cpu_seconds", families)

    async def test_open_metrics(self) -> None:
        """Prometheus gets the newer format when it asks for it."""
        answer = await self.ask("GET", "/metrics", "Accept: application/openmetrics-text; version=1.0.0")
        self.assertIn("application/openmetrics-text", answer.header("content-type"))
        self.assertTrue(answer.body.endswith(b"# EOF\n"))

    async def test_no_strangers(self) -> None:
        """Through an untrusted proxy nobody gets metrics, and readiness is the bare status."""
        for line in ("X-Forwarded-For: 127.0.0.1", "Via: 1.1 x", "Forwarded: for=127.0.0.1"):
            self.assert_refused(await self.ask("GET", "/metrics", line), 404)
            self.assertEqual((await self.ask("GET", "/health/ready", line)).json, {"code": 0, "msg": ""})
        self.node.readiness.draining = True
        answer = await self.ask("GET", "/health/ready", "Via: 1.1 x")
        self.assertEqual((answer.status, answer.json), (503, {"code": -6, "msg": "not ready"}))


class MonitorsTests(RunningNode):
    """Asked through a proxy that is ours."""

    settings: ClassVar[dict[str, str]] = {
        "limits": "off",
        "proxies": "127.0.0.1",
        "monitors": "192.0.2.7, 198.51.100.0/24 2001:db8::/32",
    }

    async def test_who(self) -> None:
        """Behind a trusted proxy the client's address decides whether it is a monitor; the proxy itself is none."""
        for address, may in [
            ("192.0.2.7", True),
            ("198.51.100.200", True),
            ("[2001:db8::5]:1234", True),
            ("::ffff:192.0.2.7", True),
            ("192.0.2.8", False),
            ("127.0.0.1", False),
            ("192.0.2.7, 192.0.2.8", False),
            ("192.0.2.8, 192.0.2.7", True),
            ("192.0.2.7, unknown", False),
            ("2001:db9::5", False),
        ]:
            answer = await self.ask("GET", "/metrics", ADDRESSED + address)
            ready = await self.ask("GET", "/health/ready", ADDRESSED + address)
            self.assertEqual((answer.status, "data" in ready.json), (200 if may else 404, may), address)
        self.assertEqual((await self.ask("GET", "/metrics")).status, 200)


class UntrustedTests(RunningNode):
    """A proxy at a monitor's address that isn't a trusted proxy."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "monitors": "127.0.0.1"}

    async def test_passed_on(self) -> None:
        """A client of an untrusted proxy isn't taken for a monitor."""
        self.assert_refused(await self.ask("GET", "/metrics", ADDRESSED + "192.0.2.7"), 404)
        self.assertEqual((await self.ask("GET", "/metrics")).status, 200)


class UnixTests(OnUnixSocket):
    """A proxy that isn't trusted, on a Unix socket."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "monitors": "0.0.0.0/0"}

    async def test_no_address(self) -> None:
        """A program of this machine may read them; a forwarded request without an address may not."""
        self.assertEqual((await self.ask("GET", "/metrics")).status, 200)
        self.assert_refused(await self.ask("GET", "/metrics", ADDRESSED + "192.0.2.7"), 404)
