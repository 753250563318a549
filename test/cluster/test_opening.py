"""Buses and key files by their URLs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.cluster.alone import AloneBus
from twim.cluster.interface import BusUrlError
from twim.cluster.opening import Broadcast, RedisServer, open_bus, parse_bus_url
from twim.cluster.udp.bus import UdpBus
from twim.cluster.udp.key import load_or_make_key

KEY = bytes(32)


class UrlTests(SynchronousTestCase):
    """Which URLs are accepted."""

    def test_good(self) -> None:
        """Each form is accepted, with its optional parts left out too."""
        good = {
            "alone": None,
            "udp://192.168.0.255:3001": Broadcast("192.168.0.255", 3001),
            "udp://192.168.0.255": Broadcast("192.168.0.255", 3000),
            "redis://cache": RedisServer("cache", 6379, 0, None, None),
            "redis://cache:7000/5": RedisServer("cache", 7000, 5, None, None),
            "redis://:secret@cache": RedisServer("cache", 6379, 0, None, "secret"),
            "redis://im:s%2Fcret%40@cache/1": RedisServer("cache", 6379, 1, "im", "s/cret@"),
            "rediss://im:secret@cache": RedisServer("cache", 6379, 0, "im", "secret", True),
            "rediss://cache/2?ca=/a%20b.pem&cert=c": RedisServer("cache", 6379, 2, None, None, True, "/a b.pem", "c"),
        }
        for url, place in good.items():
            self.assertEqual(parse_bus_url(url), place)

    def test_bad(self) -> None:
        """Everything else is refused with a text for the operator that has no password in it."""
        for url in (
            "",
            "nobody",
            "tcp://1.2.3.4:5",
            "udp://",
            "udp://example.org:3000",
            "udp://192.168.0.256:3000",
            "udp://192.168.0.255:0",
            "udp://192.168.0.255:70000",
            "udp://192.168.0.255:port",
            "udp://192.168.0.255:3000/path",
            "udp://[::1]:3000",
            "redis://",
            "redis://:secret@host:port",
            "redis://:secret@host/db",
            "redis://:secret@host?x=1",
            "redis://:secret@host?ca=x",
            "rediss://:secret@host?ca=x&key=y",
            "rediss://:secret@host?ca",
            "rediss://",
        ):
            error = self.assertRaises(BusUrlError, parse_bus_url, url)
            self.assertNotIn("secret", str(error))

    def test_opening(self) -> None:
        """A URL opens its kind of bus; udp needs a key."""
        clock = Clock()
        self.assertIsInstance(open_bus("alone", key=None, epoch="e", reactor=clock), AloneBus)
        self.assertIsInstance(open_bus("udp://127.255.255.255", key=KEY, epoch="e", reactor=clock), UdpBus)
        for key in (None, b"short"):
            self.assertRaises(BusUrlError, open_bus, "udp://127.255.255.255", key=key, epoch="e", reactor=clock)

    def test_without_a_client_for_redis(self) -> None:
        """Only redis:// needs its package, and says which; nothing here chooses the reactor."""
        code = (
            "import sys; sys.modules['txredisapi'] = None\n"
            "from twim.cluster.opening import open_bus\n"
            "from twim.cluster.interface import BusUrlError\n"
            "assert 'twisted.internet.reactor' not in sys.modules\n"
            "try: open_bus('redis://host', key=None, epoch='e', reactor=None)\n"
            "except BusUrlError as error: assert 'txredisapi' in str(error)\n"
            "else: raise SystemExit('no error')\n"
        )
        root = Path(__file__).parents[2]
        subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


class KeyTests(SynchronousTestCase):
    """The file with the cluster's key."""

    def test_made_once(self) -> None:
        """The first call makes it, readable by its owner only; the next reads it."""
        path = Path(self.mktemp())
        key = load_or_make_key(path)
        self.assertEqual(len(key), 32)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(load_or_make_key(path), key)

    def test_copied_by_hand(self) -> None:
        """White space around it does no harm."""
        path = Path(self.mktemp())
        path.write_text(f"  {'AB' * 32}\r\n")
        self.assertEqual(load_or_make_key(path), b"\xab" * 32)

    def test_not_a_key(self) -> None:
        """A file with something else is refused, and left as it is."""
        for text in (b"", b"abc", b"00" * 31, b"zz" * 32, b"\xff" * 64):
            path = Path(self.mktemp())
            path.write_bytes(text)
            self.assertRaises(BusUrlError, load_or_make_key, path)
            self.assertEqual(path.read_bytes(), text)
