"""Events are packed into payloads and unpacked."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.cluster.interface import MAX_EVENT
from twim.cluster.udp.packing import Garbled, Packer, Unpacker

ROOM = 100


def payloads_of(events: list[bytes], room: int = ROOM) -> list[bytes]:
    """What a packer makes of them."""
    payloads: list[bytes] = []
    packer = Packer(room, payloads.append)
    for event in events:
        packer.add(event)
    packer.flush()
    return payloads


class PackingTests(SynchronousTestCase):
    """Joining and splitting events."""

    def test_there_and_back(self) -> None:
        """All events come back as they were, from payloads of the bounded size."""

        @settings(deadline=None)
        @given(st.lists(st.binary(min_size=1, max_size=450)), st.integers(16, 200))
        def check(events: list[bytes], room: int) -> None:
            payloads = payloads_of(events, room)
            self.assertTrue(all(0 < len(payload) <= room for payload in payloads))
            unpacker = Unpacker()
            self.assertEqual([event for payload in payloads for event in unpacker.feed(payload)], events)

        check()

    def test_joined(self) -> None:
        """Small events share a payload, also with the end of a large one."""
        self.assertEqual(len(payloads_of([b"x" * 8] * 10)), 1)
        self.assertEqual(len(payloads_of([b"x" * 110, b"y" * 70])), 2)

    def test_lost_parts(self) -> None:
        """When payloads are lost, only incomplete events are missing."""

        @settings(deadline=None)
        @given(st.lists(st.binary(min_size=1, max_size=450), min_size=1), st.data())
        def check(events: list[bytes], data: st.DataObject) -> None:
            payloads = payloads_of(events)
            lost = data.draw(st.integers(0, len(payloads) - 1))
            unpacker = Unpacker()
            heard = [event for payload in payloads[:lost] for event in unpacker.feed(payload)]
            unpacker.cut()
            self.assertEqual(heard, events[: len(heard)])
            after = [event for payload in payloads[lost + 1 :] for event in unpacker.feed(payload)]
            self.assertEqual(after, events[len(events) - len(after) :])

        check()

    def test_garbled(self) -> None:
        """Foreign data is Garbled or gives some events; what follows is read."""

        @settings(deadline=None)
        @given(st.lists(st.binary(max_size=60)))
        def check(payloads: list[bytes]) -> None:
            unpacker = Unpacker()
            for payload in payloads:
                with contextlib.suppress(Garbled):
                    unpacker.feed(payload)
            unpacker.cut()
            self.assertEqual(unpacker.feed(b"\x00\x01x"), [b"x"])

        check()

    def test_bounds(self) -> None:
        """An event that would be larger than any may be is refused with its first part."""
        head = (0x4000 | 5).to_bytes(2, "big")
        for total in (0, MAX_EVENT + 1, 2**32 - 1):
            self.assertRaises(Garbled, Unpacker().feed, head + total.to_bytes(4, "big") + b"x")
        self.assertEqual(Unpacker().feed(head + MAX_EVENT.to_bytes(4, "big") + b"x"), [])
        self.assertRaises(ValueError, Packer, 4096, print)
