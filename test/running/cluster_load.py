"""Many devices at several nodes, in one loop over plain sockets: quick enough for tens of thousands of messages, and
strict: each device counts every `seq` that it was given.

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

Place = tuple[int, int]
IDLE = 0.02  # seconds without an event after which the loop looks around
UNAVAILABLE = -6  # the code of "come back in a moment"
RETRY = 0.3  # seconds between attempts to connect
_decode = msgspec.json.Decoder().decode


class Device:
    """A device of `userid` at `nodes[at]`, and later at others. `script` is what it will say: places, in order."""

    def __init__(self, load: Load, userid: int, token: str, nodes: Sequence[Node], at: int, name: str) -> None:
        self._load = load
        self.userid = userid
        self.token = token
        self.nodes = nodes
        self.at = at
        self.name = name
        self.script: deque[Place] = deque()
        self.waiting: dict[str, tuple[Place, str]] = {}
        self.given: dict[Place, list[int]] = {}
        self.own: dict[Place, set[int]] = {}
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
        self._newest: dict[Place, int] = {}

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
        """The connection is gone."""
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

    # What is said

    def have(self) -> dict[Place, int]:
        """Up to where each conversation is here without a gap."""
        found = {}
        for place in {*self.given, *self.own}:
            known, seq = {*self.given.get(place, ()), *self.own.get(place, ())}, 0
            while seq + 1 in known:
                seq += 1
            found[place] = seq
        return found

    def _heard(self, frame: dict[str, Any]) -> None:
        cmd = frame["cmd"]
        if cmd in (10, 11):
            dstid = frame["dstid"]
            place = (cmd, frame["userid"] if cmd == 10 and dstid == self.userid else dstid)
            self._message(place, frame)
        elif cmd == 1:
            self._answered(frame)
        elif cmd == 4:
            self._caught_up(frame)
        else:
            self.told.append(frame)

    def _message(self, place: Place, frame: dict[str, Any]) -> None:
        seq = frame["seq"]
        self._load.deliveries += 1
        self.reordered += seq <= self._newest.get(place, 0)
        self._newest[place] = seq
        self._keep(place, seq)

    def _keep(self, place: Place, seq: int) -> None:
        given = self.given.setdefault(place, [])
        if given and seq <= given[-1]:
            self.doubled += seq in given
        given.append(seq)

    def _answered(self, frame: dict[str, Any]) -> None:
        if frame["code"]:
            self.refused += 1
            place, _ = self.waiting.pop(frame["cid"])
            self.script.appendleft(place)
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
        for cid, (place, _) in list(self.waiting.items()):
            self._send(place, cid)
        self.go_on()

    def _page(self, place: Place, head: int) -> None:
        after = self.have().get(place, 0)
        node = self.nodes[self.at % len(self.nodes)]
        while after < head:
            path = f"/message/history?token={self.token}&scope={place[0]}&dstid={place[1]}&after={after}&limit=200"
            answer = node.call(path)
            if answer["code"] == UNAVAILABLE:
                time.sleep(RETRY)
                continue
            rows = answer["rows"]
            known = {*self.given.get(place, ()), *self.own.get(place, ())}
            for row in rows:
                if row["seq"] not in known and row["seq"] <= head:
                    self._keep(place, row["seq"])
            after = rows[-1]["seq"]

    def go_on(self) -> None:
        """Say the next things, up to the window."""
        while self.online and self.script and len(self.waiting) < self._load.window and not self._load.paused:
            place = self.script.popleft()
            self._count += 1
            cid = f"{self.name}-{self._count}"
            self.waiting[cid] = (place, "")
            self._send(place, cid)

    def _send(self, place: Place, cid: str) -> None:
        self.say(cmd=place[0], dstid=place[1], media=1, content=f"said {cid}", cid=cid)


class Load:
    """Every person has two devices, at different nodes; the first of them writes. `run` returns when everything is
    answered and given to every device, or fails."""

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
        """So many 1:1 messages and so many to the group, spread over everybody."""
        writers = self.devices[::2]
        for n in range(singles):
            who = n % len(writers)
            writers[who].script.append((10, self.people[who ^ 1][0]))
        for n in range(groups):
            script = writers[n % len(writers)].script
            script.insert(n * 7 % (len(script) + 1), (11, self.group))

    def turn(self) -> None:
        """One round of the loop."""
        now = time.monotonic()
        for device in self.devices:
            if not device.connected and now > device.retry_at:
                device.connect()
        for key, mask in self.selector.select(IDLE):
            if key.data.connected:
                key.data.ready(mask)

    def until(self, happened: Callable[[], bool], seconds: float, what: str) -> None:
        """Go on until `happened()`."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, f"{what}: not in {seconds} s; {self.state()}"
            self.turn()

    def online(self) -> None:
        """Connect everybody."""
        self.until(lambda: all(device.online for device in self.devices), 30, "everybody online")

    def resume(self) -> None:
        """Everybody goes on writing."""
        for device in self.devices:
            device.go_on()

    def rest(self) -> int:
        """What is still to be said or answered."""
        return sum(len(device.script) + len(device.waiting) for device in self.devices)

    def state(self) -> str:
        faults = [(d.name, d.doubled, d.reordered, d.refused, d.codes) for d in self.devices if d.doubled or d.codes]
        missing = [(d.name, place, count) for d, place, count in self.missing()]
        return f"answered {self.answered}, to go {self.rest()}, missing {missing[:6]}, faults {faults[:6]}"

    def heads(self) -> dict[tuple[int, ...], int]:
        """The highest seq that anybody knows of, by conversation."""
        found: dict[tuple[int, ...], int] = {}
        for device in self.devices:
            for place in {*device.given, *device.own}:
                key = self._key(device, place)
                seqs = [*device.given.get(place, [0]), *device.own.get(place, {0})]
                found[key] = max(found.get(key, 0), *seqs)
        return found

    def missing(self) -> list[tuple[Device, Place, int]]:
        """What devices lack."""
        heads = self.heads()
        lacking = []
        for n, device in enumerate(self.devices):
            for place in ((10, self.people[(n // 2) ^ 1][0]), (11, self.group)):
                have = {*device.given.get(place, ()), *device.own.get(place, ())}
                count = heads.get(self._key(device, place), 0) - len(have)
                if count:
                    lacking.append((device, place, count))
        return lacking

    def finish(self, seconds: float) -> None:
        """Until everything is answered and everybody has everything; then check."""
        self.until(lambda: not self.rest(), seconds, "everything answered")
        end = time.monotonic() + 20
        while self.missing() and time.monotonic() < end:
            for _ in range(20):
                self.turn()
        assert not self.missing(), self.state()
        assert not sum(device.doubled for device in self.devices), self.state()
        assert not sum(device.reordered for device in self.devices), self.state()

    def close(self) -> None:
        for device in self.devices:
            device.lost()
        self.selector.close()

    @staticmethod
    def _key(device: Device, place: Place) -> tuple[int, ...]:
        return (11, place[1]) if place[0] == 11 else (10, *sorted((device.userid, place[1])))
