"""Webhooks of real servers: the server and the receiver are killed under load; and the example of a mobile host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from test.running.server import PROJECT, Server, free_port
from test.running.tally import Tally

KILLS = int(os.environ.get("TWIM_WEBHOOK_KILLS", "3"))
BATCH = 50  # messages posted at once
ROUNDS = 3  # batches before each kill
PATIENCE = 120  # seconds


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.05)


class Host:
    """Another program with a key of the server's."""

    def __init__(self, server: Server) -> None:
        command = [sys.executable, "-m", "twim", "key", "create", "shop", "--data", str(server.data), "--json"]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT)
        assert made.returncode == 0, made.stdout + made.stderr
        self.key: str = json.loads(made.stdout)["key"]
        self.server = server

    def call(self, method: str, path: str, loose: object) -> Any:
        """The answer to a request that must be good."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        url = f"{self.server.url}/api/v1{path}"
        asked = urllib.request.Request(url, json.dumps(loose).encode(), headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            found = json.load(answer)
        assert found["code"] == 0, found
        return found.get("data", found.get("rows"))

    def people(self, *names: str) -> None:
        """Make these users."""
        for name in names:
            self.call("PUT", f"/users/{name}", {"nickname": name})


class Receiver:
    """The receiver's process, and what it has taken over all its lives."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "events"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill9()

    def start(self) -> None:
        """Listen, on the same port each time."""
        script = Path(__file__).with_name("webhook_receiver.py")
        self._process = subprocess.Popen([sys.executable, str(script), str(self._port), str(self._file)])

    def kill9(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def events(self) -> list[dict[str, Any]]:
        """All events, but one that was being written when it was killed."""
        lines = self._file.read_bytes().split(b"\n") if self._file.exists() else []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


class Faults:
    """What went wrong."""

    def __init__(self) -> None:
        self.lost = self.doubled = self.reordered = 0


def test_kills(tmp_path: Path, tally: Tally) -> None:
    """The server and the receiver are killed by kill -9 in turn, while messages are posted: the receiver has every
    message in the end, each conversation's in its order. What it has twice is what was on its way."""
    posted = 0
    with Receiver(tmp_path) as receiver, Server(tmp_path, ("--webhooks", "private")) as server:
        host = Host(server)
        host.people("ann", "ben", "cat")
        host.call("PUT", "/groups/g", {"owner": "ann", "name": "g", "members": ["ann", "ben", "cat"]})
        host.call("POST", "/webhooks", {"url": receiver.url, "events": ["message", "member"]})
        for kill in range(2 * KILLS):
            seen = len(receiver.events())
            for _ in range(ROUNDS):
                posted += post(host, posted)
            until(lambda n=seen: len(receiver.events()) > n, "events arrive")
            if kill % 2:
                receiver.kill9()
                posted += post(host, posted)
                receiver.start()
            else:
                server.kill9()
                server.start()
        wanted = {str(number) for number in range(posted)}
        until(lambda: wanted <= contents(receiver), "everything arrives")
    first: dict[str, list[int]] = defaultdict(list)
    known: set[str] = set()
    events = [one for one in receiver.events() if one["event"] == "message" and one["data"]["media"] == 1]
    for one in events:
        if one["id"] not in known:
            known.add(one["id"])
            first[one["data"].get("group") or one["data"]["to"]].append(one["data"]["seq"])
    faults = Faults()
    faults.lost = len(wanted - contents(receiver))
    faults.reordered = sum(a >= b for seqs in first.values() for a, b in pairwise(seqs))
    tally.add("kill -9 of server and webhook's receiver", f"{2 * KILLS} kills", posted, len(known), faults)
    tally.note(f"Of the events of webhooks {len(events) - len(known)} were sent once more after a kill")
    assert (faults.lost, faults.reordered, len(known)) == (0, 0, posted)
    assert len(first) == 3


def post(host: Host, number: int) -> int:
    """Post the next batch into three conversations. Gives how many."""
    places: list[dict[str, str]] = [{"group": "g"}, {"user": "ben"}, {"user": "cat"}]
    batch = [{"from": "ann", "to": places[n % 3], "content": str(n)} for n in range(number, number + BATCH)]
    assert all(row["code"] == 0 for row in host.call("POST", "/messages", batch))
    return BATCH


def contents(receiver: Receiver) -> set[str]:
    """The words of all messages that have arrived."""
    return {one["data"].get("content", "") for one in receiver.events() if one["event"] == "message"}


def test_mobile_push(tmp_path: Path) -> None:
    """docs/examples/mobile_push.py pushes to who isn't connected and hasn't muted the conversation, with a sound to
    who is mentioned; a request with a wrong signature is refused."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with Receiver(tmp_path) as vendor, Server(tmp_path, ("--webhooks", "private")) as server, ExitStack() as stack:
        host = Host(server)
        host.people("ann", "ben", "cat")
        host.call("PUT", "/groups/g", {"owner": "ann", "name": "g", "members": ["ann", "ben", "cat"]})
        secret = host.call("POST", "/webhooks", {"url": url, "events": ["message"]})["secret"]
        environment = os.environ | {"SECRET": secret, "GATEWAY": vendor.url, "PORT": str(port)}
        script = PROJECT / "docs" / "examples" / "mobile_push.py"
        bridge = subprocess.Popen([sys.executable, str(script)], env=environment)
        stack.callback(bridge.wait)
        stack.callback(bridge.kill)
        token = host.call("POST", "/users/cat/token", {})
        form = f"token={token['token']}&scope=11&dstid={group_id(host)}&mute=1".encode()
        with urllib.request.urlopen(f"{server.url}/message/setting", form, timeout=60) as answer:
            assert json.load(answer)["code"] == 0
        mentioned: tuple[list[str], ...] = ([], ["ben"])
        for mentions in mentioned:
            said = {"from": "ann", "to": {"group": "g"}, "content": "hello", "mentions": mentions}
            host.call("POST", "/messages", said)
        until(lambda: len(vendor.events()) >= 2, "pushes")
        pushes = [{"to": "ben", "title": "ann", "body": "hello", "sound": sound} for sound in (False, True)]
        assert vendor.events() == pushes
        asked = urllib.request.Request(url, b"{}", {"Twim-Signature": f"t={int(time.time())},v1=00"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=60)
        assert refused.value.code == 403


def group_id(host: Host) -> int:
    """The number of the group."""
    found: int = host.call("GET", "/groups/g", None)["id"]
    return found
