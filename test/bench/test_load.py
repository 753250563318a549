"""The figures of the load generators, and what they send to a server that gives false answers."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

from bench.load import compile_load, finish
from bench.measures import chosen
from bench.peers import Redis, those_here
from bench.trees import checkout, resolve


class OutputTests(SynchronousTestCase):
    """The line that a run prints."""

    def test_figures(self) -> None:
        """The line has pairs of name and number; the mode isn't one."""
        running = subprocess.Popen(["echo", "mode=pair done=7 p999_ms=1.25"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(finish(running), {"done": 7, "p999_ms": 1.25})

    def test_no_figures(self) -> None:
        """A generator without output has failed."""
        running = subprocess.Popen(["false"], stdout=subprocess.PIPE, text=True)
        self.assertRaises(SystemExit, finish, running)

    @skipUnless(importlib.util.find_spec("pika"), "needs pika")
    def test_amqp_figures(self) -> None:
        """The publishers' line has the names that the table wants, with the quantiles of what each message waited."""
        from bench.amqp import figures, options

        waits = [0.001 * n for n in range(1, 1001)]
        found = dict(pair.split("=") for pair in figures(waits, took=2, cpu=0.5, own=1).split())
        self.assertEqual(found["per_s"], "500.000")
        self.assertEqual(found["per_cpu_s"], "2000.000")
        self.assertEqual(found["load_busy"], "0.500")
        self.assertEqual((found["p50_ms"], found["p999_ms"], found["max_ms"]), ("501.000", "1000.000", "1000.000"))
        for measure in chosen(["pair-*", "few", "rate", "large"]):
            self.assertLessEqual({line.key for line in measure.lines}, found.keys())
        self.assertEqual(options(["window=4", "seconds=2"])["window"], 4)


class PeersTests(SynchronousTestCase):
    """Finding other programs on this machine."""

    def test_absent(self) -> None:
        """A program that isn't installed is left out."""
        self.patch(shutil, "which", lambda *_, **__: None)
        self.assertEqual(those_here(["redis", "rabbitmq"], Path(), Path(), Path(), 1), [])

    @skipUnless(shutil.which("redis-server") and shutil.which("gcc"), "needs redis-server and gcc")
    def test_redis(self) -> None:
        """Messages reach the peer through a Redis of the test's own; Redis has no storms and histories to measure."""
        folder = Path(self.mktemp())
        folder.mkdir()
        users = folder / "users"
        users.write_text("".join(f"{n} token\n" for n in range(1, 201)))
        found = those_here(["redis"], compile_load(folder), users, folder.resolve(), 0.2)
        self.assertIsInstance(found[0], Redis)
        for measure in chosen(["storm", "page", "bare-4"]):
            self.assertIsNone(found[0].run(measure))
        figures = found[0].run(chosen(["pair-4"])[0])
        assert figures is not None
        self.assertGreater(figures["done"], 0)
        self.assertEqual((figures["lost"], figures["refused"]), (0, 0))


class TreesTests(SynchronousTestCase):
    """Worktrees of earlier commits."""

    def setUp(self) -> None:
        self.repository = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.repository)
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
        self.git("init", "--quiet")
        for text in ("old", "new"):
            (self.repository / "file").write_text(text)
            self.git("add", "file")
            self.git(*who, "commit", "--quiet", "-m", text)

    def git(self, *words: str) -> str:
        """The output of a git command."""
        command = ["git", "-C", str(self.repository), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def test_checkout(self) -> None:
        """A worktree has the tree of its commit, and is removed afterwards."""
        with checkout("HEAD~1", self.repository) as tree:
            self.assertEqual((tree / "file").read_text(), "old")
        self.assertFalse(tree.exists())
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 1)

    def test_no_such_commit(self) -> None:
        """A revision that doesn't exist is named in the error."""
        self.assertIn("nowhere", str(self.assertRaises(SystemExit, resolve, "nowhere", self.repository)))


@skipUnless(shutil.which("gcc"), "needs gcc")
class CidTests(SynchronousTestCase):
    """What the generator sends, read from its socket."""

    def test_cids(self) -> None:
        """Each message has a cid of 128 bits, none of them twice, or with cid=0 none; `pad` is its text's length."""
        folder = Path(self.mktemp())
        folder.mkdir()
        program = compile_load(folder)
        cids = [re.findall(rb'"cid":"([0-9a-f]{32})"', one) for one in self.said(program, folder, "cid=1")]
        self.assertEqual([len(one) for one in cids], [1] * 4)
        self.assertEqual(len({one[0] for one in cids}), 4)
        for message in self.said(program, folder, "cid=0", "pad=4000"):
            self.assertNotIn(b"cid", message)
            self.assertIn(b"x" * 4000, message)

    def said(self, program: Path, folder: Path, *options: str) -> list[bytes]:
        """The messages of two clients with two in flight each, to a server that answers nothing."""
        users = folder / "users"
        users.write_text("1 a\n2 b\n")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            heard: list[bytes] = []
            threads = [threading.Thread(target=self.serve, args=(listener, heard)) for _ in range(2)]
            for thread in threads:
                thread.start()
            port = listener.getsockname()[1]
            given = [f"port={port}", f"users={users}", "conns=2", "window=2", "warm=0.1", "seconds=0.1", *options]
            subprocess.run([str(program), "pair", *given], capture_output=True, timeout=60)
            for thread in threads:
                thread.join()
        return [message for one in heard for message in unmasked(one)]

    def serve(self, listener: socket.socket, heard: list[bytes]) -> None:
        """Accept one client, and read from it to its end."""
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            parts = []
            while part := connection.recv(65_536):
                parts.append(part)
            heard.append(b"".join(parts))


def unmasked(data: bytes) -> list[bytes]:
    """The payloads of a client's frames."""
    found = []
    while data:
        size, head = data[1] & 127, 2
        if size == 126:
            size, head = int.from_bytes(data[2:4], "big"), 4
        key, body = data[head : head + 4], data[head + 4 : head + 4 + size]
        found.append(bytes(byte ^ key[n % 4] for n, byte in enumerate(body)))
        data = data[head + 4 + size :]
    return found
