"""Many devices at several nodes, in one loop over plain sockets. It is fast enough for tens of thousands of messages,
and strict: each device counts every `seq` that it was given.

A device whose node goes away connects to the next one, catches up, and sends again what wasn't answered.
"""

from __future__ import annotations

import base64
import os
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from test.running.cluster_nodes import Node

ConversationKey = tuple[int, int]
IDLE = 0.02  # seconds without an event after which the loop checks its state
UNAVAILABLE = -6  # the code of a refusal that is to be tried again
RETRY = 0.3  # seconds between attempts to connect
_decode = msgspec.json.Decoder().decode


class Device:
    """A device of `userid` at `nodes[at]`, and later at others. `script` has the conversations it will write to."""

    def __init__(self, load: Load, userid: int, token: str, nodes: Sequence[Node], at: int, name: str) -> None:
        self._load = load
        self.userid = userid
        self.token = token
        self.nodes = nodes
        self.at = at
        self.name = name
        self.script: deque[ConversationKey] = deque()
        self.waiting: dict[str, tuple[ConversationKey, str]] = {}
        self.given: dict[ConversationKey, list[int]] = {}
        self.own: dict[ConversationKey, set[int]] = {}
        self.online = False
        self.connects = 0
        self.doubled = self.reordered = self.refused = 0
        self.codes: list[int] = []
        self.told: list[dict[str, Any]] = []
        self.retry_at = 0.0
        self._count = 0
        self._socket: socket.socket | None = None
        self._in = b""
        self._out = b""
        self._upgraded = False
        self._newest: dict[ConversationKey, int] = {}

    # The socket

    def connect(self) -> None:
        node = self.nodes[self.at % len(self.nodes)]
        self.retry_at = time.monotonic() + RETRY
        try:
            sock = socket.create_connection((node.host, node.port), timeout=2)
        except OSError:
            self.at += 1
            return
        sock.setblocking(False)
        self._socket, self._in, self._upgraded, self._newest = sock, b"", False, {}
        key = base64.b64encode(os.urandom(16)).decode()
        ask = f"GET /chat?id={self.userid}&token={self.token} HTTP/1.1\r\nHost: {node.host}:{node.port}\r\n"
        ask += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        ask += f"Sec-WebSocket-Key: {key}\r\n\r\n"
        self._out = ask.encode()
        self._load.selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        self.connects += 1

    def lost(self) -> None:
        """Handle the end of the connection."""
        if self._socket is not None:
            self._load.selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
        self.online = False
        self.at += 1

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def ready(self, mask: int) -> None:
        assert self._socket is not None
        try:
            if mask & selectors.EVENT_READ:
                data = self._socket.recv(1 << 18)
                if not data:
                    self.lost()
                    return
                self._in += data
                self._take()
            if self._socket is not None and self._out:
                sent = self._socket.send(self._out)
                self._out = self._out[sent:]
            if self._socket is not None:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
                self._load.selector.modify(self._socket, wanted, self)
        except BlockingIOError:
            pass
        except OSError:
            self.lost()

    def say(self, **frame: object) -> None:
        payload = msgspec.json.encode(frame)
        size = len(payload)
        head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + struct.pack(">H", size)
        self._out += head + b"\0\0\0\0" + payload
        if self._socket is not None:
            self._load.selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def _take(self) -> None:
        data, at = self._in, 0
        if not self._upgraded:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.lost()
                return
            self._upgraded, data = True, rest
            self.say(cmd=4, have={f"{scope}:{dstid}": seq for (scope, dstid), seq in self.have().items()})
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                if len(data) < at + 4:
                    break
                size, start = struct.unpack_from(">H", data, at + 2)[0], at + 4
            elif size == 127:
                if len(data) < at + 10:
                    break
                size, start = struct.unpack_from(">Q", data, at + 2)[0], at + 10
            if len(data) < start + size:
                break
            if data[at] == 0x81:
                self._heard(_decode(data[start : start + size]))
            elif data[at] == 0x88:
                self.codes.append(struct.unpack_from(">H", data, start)[0])
                self.lost()
                return
            at = start + size
        self._in = data[at:]

    # Messages

    def have(self) -> dict[ConversationKey, int]:
        """By conversation, the highest seq up to which this device has every message."""
        found = {}
        for conversation in {*self.given, *self.own}:
            known, seq = {*self.given.get(conversation, ()), *self.own.get(conversation, ())}, 0
            while seq + 1 in known:
                seq += 1
            found[conversation] = seq
        return found

    def _heard(self, frame: dict[str, Any]) -> None:
        cmd = frame["cmd"]
        if cmd in (10, 11):
            dstid = frame["dstid"]
            conversation = (cmd, frame["userid"] if cmd == 10 and dstid == self.userid else dstid)
            self._message(conversation, frame)
        elif cmd == 1:
            self._answered(frame)
        elif cmd == 4:
            self._caught_up(frame)
        else:
            self.told.append(frame)

    def _message(self, conversation: ConversationKey, frame: dict[str, Any]) -> None:
        seq = frame["seq"]
        self._load.deliveries += 1
        self.reordered += seq <= self._newest.get(conversation, 0)
        self._newest[conversation] = seq
        self._keep(conversation, seq)

    def _keep(self, conversation: ConversationKey, seq: int) -> None:
        given = self.given.setdefault(conversation, [])
        if given and seq <= given[-1]:
            self.doubled += seq in given
        given.append(seq)

    def _answered(self, frame: dict[str, Any]) -> None:
        if frame["code"]:
            self.refused += 1
            conversation, _ = self.waiting.pop(frame["cid"])
            self.script.appendleft(conversation)
            return
        if self.waiting.pop(frame["cid"], None) is not None:
            self.own.setdefault((frame["scope"], frame["dstid"]), set()).add(frame["seq"])
            self._load.answered += 1
        self.go_on()

    def _caught_up(self, frame: dict[str, Any]) -> None:
        for row in frame["rows"]:
            if row.get("more"):
                self._page((row["scope"], row["dstid"]), row["seq"])
        self.online = True
        for cid, (conversation, _) in list(self.waiting.items()):
            self._send(conversation, cid)
        self.go_on()

    def _page(self, conversation: ConversationKey, head: int) -> None:
        after = self.have().get(conversation, 0)
        node = self.nodes[self.at % len(self.nodes)]
        while after < head:
            scope, dstid = conversation
            path = f"/message/history?token={self.token}&scope={scope}&dstid={dstid}&after={after}&limit=200"
            answer = node.call(path)
            if answer["code"] == UNAVAILABLE:
                time.sleep(RETRY)
                continue
            rows = answer["rows"]
            known = {*self.given.get(conversation, ()), *self.own.get(conversation, ())}
            for row in rows:
                if row["seq"] not in known and row["seq"] <= head:
                    self._keep(conversation, row["seq"])
            after = rows[-1]["seq"]

    def go_on(self) -> None:
        """Send the next messages, up to the window of unanswered ones."""
        while self.online and self.script and len(self.waiting) < self._load.window and not self._load.paused:
            conversation = self.script.popleft()
            self._count += 1
            cid = f"{self.name}-{self._count}"
            self.waiting[cid] = (conversation, "")
            self._send(conversation, cid)

    def _send(self, conversation: ConversationKey, cid: str) -> None:
        self.say(cmd=conversation[0], dstid=conversation[1], media=1, content=f"said {cid}", cid=cid)


class Load:
    """Every user has two devices, at different nodes, of which the first one writes. `run` returns when everything is
    answered and was given to every device; otherwise it fails."""

    def __init__(self, nodes: Sequence[Node], people: list[tuple[int, str]], group: int, window: int = 16) -> None:
        self.selector = selectors.DefaultSelector()
        self.window = window
        self.paused = False
        self.deliveries = self.answered = 0
        self.group = group
        self.people = people
        self.devices = [
            Device(self, userid, token, nodes, at, f"{userid}.{at}")
            for n, (userid, token) in enumerate(people)
            for at in (n % len(nodes), (n + 1) % len(nodes))
        ]

    def write(self, singles: int, groups: int) -> None:
        """Plan so many messages of single chats and so many to the group, spread over all users."""
        writers = self.devices[::2]
        for n in range(singles):
            who = n % len(writers)
            writers[who].script.append((10, self.people[who ^ 1][0]))
        for n in range(groups):
            script = writers[n % len(writers)].script
            script.insert(n * 7 % (len(script) + 1), (11, self.group))

    def iterate(self) -> None:
        """One iteration of the loop."""
        now = time.monotonic()
        for device in self.devices:
            if not device.connected and now > device.retry_at:
                device.connect()
        for key, mask in self.selector.select(IDLE):
            if key.data.connected:
                key.data.ready(mask)

    def until(self, happened: Callable[[], bool], seconds: float, what: str) -> None:
        """Continue until `happened()` is true."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, f"{what}: not in {seconds} s; {self.state()}"
            self.iterate()

    def online(self) -> None:
        """Connect everybody."""
        self.until(lambda: all(device.online for device in self.devices), 30, "everybody online")

    def resume(self) -> None:
        """Everybody goes on writing."""
        for device in self.devices:
            device.go_on()

    def rest(self) -> int:
        """How many messages are still to be sent or answered."""
        return sum(len(device.script) + len(device.waiting) for device in self.devices)

    def state(self) -> str:
        faults = [(d.name, d.doubled, d.reordered, d.refused, d.codes) for d in self.devices if d.doubled or d.codes]
        missing = [(d.name, conversation, count) for d, conversation, count in self.missing()]
        return f"answered {self.answered}, to go {self.rest()}, missing {missing[:6]}, faults {faults[:6]}"

    def heads(self) -> dict[tuple[int, ...], int]:
        """The highest seq that any device knows of, by conversation."""
        found: dict[tuple[int, ...], int] = {}
        for device in self.devices:
            for conversation in {*device.given, *device.own}:
                key = self._key(device, conversation)
                seqs = [*device.given.get(conversation, [0]), *device.own.get(conversation, {0})]
                found[key] = max(found.get(key, 0), *seqs)
        return found

    def missing(self) -> list[tuple[Device, ConversationKey, int]]:
        """The messages that devices lack: device, conversation, how many."""
        heads = self.heads()
        lacking = []
        for n, device in enumerate(self.devices):
            for conversation in ((10, self.people[(n // 2) ^ 1][0]), (11, self.group)):
                have = {*device.given.get(conversation, ()), *device.own.get(conversation, ())}
                count = heads.get(self._key(device, conversation), 0) - len(have)
                if count:
                    lacking.append((device, conversation, count))
        return lacking

    def finish(self, seconds: float) -> None:
        """Continue until everything is answered and everybody has everything. Then check it."""
        self.until(lambda: not self.rest(), seconds, "everything answered")
        end = time.monotonic() + 20
        while self.missing() and time.monotonic() < end:
            for _ in range(20):
                self.iterate()
        assert not self.missing(), self.state()
        assert not sum(device.doubled for device in self.devices), self.state()
        assert not sum(device.reordered for device in self.devices), self.state()

    def close(self) -> None:
        for device in self.devices:
            device.lost()
        self.selector.close()

    @staticmethod
    def _key(device: Device, conversation: ConversationKey) -> tuple[int, ...]:
        return (11, conversation[1]) if conversation[0] == 11 else (10, *sorted((device.userid, conversation[1])))
