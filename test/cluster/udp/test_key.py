"""The file of the cluster's key."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from twim.cluster.interface import BusUrlError
from twim.cluster.udp.key import KEY_SIZE, fingerprint, load_key, load_or_make_key


class KeyTests(SynchronousTestCase):
    """Keys in a folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_made_once(self) -> None:
        """The first who asks makes it, for its user alone; the next ones read the same."""
        path = self.folder / "cluster.key"
        key = load_or_make_key(path)
        self.assertEqual((len(key), path.stat().st_mode & 0o777), (KEY_SIZE, 0o600))
        self.assertEqual([load_or_make_key(path), load_key(path)], [key, key])

    def test_none(self) -> None:
        """Who only reads makes none, and a file with anything else is refused."""
        path = self.folder / "cluster.key"
        with self.assertRaises(OSError):
            load_key(path)
        self.assertFalse(path.exists())
        path.write_text("hello")
        with self.assertRaises(BusUrlError):
            load_key(path)

    def test_fingerprint(self) -> None:
        """It is the same for the same key in whatever file, another for another, and no part of it."""
        one, copy, other = (self.folder / name for name in ("one", "copy", "other"))
        load_or_make_key(one)
        load_or_make_key(other)
        copy.write_text(one.read_text().upper() + "\n\n")
        self.assertEqual(fingerprint(one), fingerprint(copy))
        self.assertNotEqual(fingerprint(one), fingerprint(other))
        self.assertEqual(len(fingerprint(one)), 16)
        self.assertNotIn(fingerprint(one), one.read_text())
