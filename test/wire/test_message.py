"""Decoding frames: whatever arrives is a frame or a refusal that names what is wrong."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import Malformed
from twim.wire import commands
from twim.wire.message import (
    ADDRESS_CHARS,
    CID_CHARS,
    CONTENT_CHARS,
    ECHOED_CID_CHARS,
    ECHOED_ID_LIMIT,
    ID_LIMIT,
    MENTIONS,
    TEXT_CHARS,
    Frame,
    Message,
    decode_frame,
    decode_shown,
    encode,
    marks_of,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
loose = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
names = st.sampled_from([*Frame.__struct_fields__, "unknown"])
ids = st.integers(0, ID_LIMIT - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=50)
messages = st.builds(
    Message,
    id=ids,
    userid=ids,
    cmd=st.sampled_from(commands.SCOPES),
    dstid=ids,
    media=st.sampled_from(sorted(commands.SENDABLE)),
    content=texts,
    pic=texts,
    url=texts,
    memo=texts,
    amount=st.integers(1 - ID_LIMIT, ID_LIMIT - 1),
    cid=st.text(st.characters(codec="utf-8"), max_size=CID_CHARS),
    seq=ids,
    at=ids,
    ref=ids,
    mentions=st.lists(ids, max_size=5).map(tuple),
)
DEEP = b"[" * 20_000 + b"]" * 20_000  # newer Pythons follow 10,000 levels


def decoded(payload: bytes) -> Frame | None:
    """The frame, or None for a refusal; anything else is raised."""
    try:
        return decode_frame(payload)
    except Malformed as refused:
        assert refused.msg
        return None


class DecodeTests(SynchronousTestCase):
    """`decode_frame`."""

    @given(st.binary())
    def test_any_bytes(self, payload: bytes) -> None:
        """Any bytes are a frame or are refused."""
        decoded(payload)
        marks_of(payload)

    @given(st.dictionaries(names, loose, max_size=5), st.binary(max_size=5), st.integers(0, 200))
    def test_any_json(self, said: dict[str, Any], dirt: bytes, at: int) -> None:
        """Any JSON is a frame or is refused, whole or damaged."""
        whole = json.dumps(said).encode()
        for payload in (whole, whole[:at] + dirt + whole[at:], whole[:at]):
            decoded(payload)
            its_id, cid = marks_of(payload)
            self.assertTrue(0 <= its_id < ECHOED_ID_LIMIT and len(cid) <= ECHOED_CID_CHARS)
            cid.encode()

    @given(messages)
    def test_what_is_written_is_read(self, message: Message) -> None:
        """What was decoded and encoded decodes to the same, and encodes to the same bytes."""
        body = encode(message)
        frame = decode_frame(body)
        self.assertEqual(encode(frame), body)
        self.assertEqual(encode(decode_shown(body)), body)

    def test_wrong_before_malformed(self) -> None:
        """A wrong field before broken JSON is a refusal too."""
        for payload in (
            b'{"id":"x", broken',
            b'{"id":"x"',
            b'{"id":"x","a":' + DEEP + b"}",
            b'{"id":null,"x":' + b"[" * 20_000,
            b'{"id":"x","content":"\\ud800"}',
            b'{"id":' + b"9" * 5_000 + b"}",
            b'{"id":"x","amount":1e999}',
            b'{"id":"\xff"}',
            b'{"id":null,"id":"x","z":"\\ud800"}',
            DEEP,
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{}{}",
        ):
            self.assertIsNone(decoded(payload), payload[:40])

    def test_names_the_field(self) -> None:
        """A value of the wrong type or beyond its bound is refused by the field's name."""
        for name, value in (
            ("id", "1"),
            ("id", 1.5),
            ("id", True),
            ("id", -1),
            ("id", ID_LIMIT),
            ("cmd", "10"),
            ("dstid", -1),
            ("dstid", ID_LIMIT),
            ("media", [1]),
            ("content", 1),
            ("content", "c" * (CONTENT_CHARS + 1)),
            ("pic", "p" * (ADDRESS_CHARS + 1)),
            ("url", "u" * (ADDRESS_CHARS + 1)),
            ("memo", "m" * (TEXT_CHARS + 1)),
            ("amount", ID_LIMIT),
            ("amount", 0.5),
            ("cid", "c" * (CID_CHARS + 1)),
            ("cid", 7),
            ("ref", -1),
            ("mentions", 1),
            ("mentions", [-1]),
            ("mentions", ["1"]),
            ("mentions", list(range(MENTIONS + 1))),
            ("have", []),
            ("have", {"10:3": "x"}),
            ("have", {"10:3": -1}),
            ("epoch", "e" * 65),
        ):
            with self.assertRaises(Malformed) as caught:
                decode_frame(json.dumps({"cmd": 10, name: value}).encode())
            self.assertRegex(caught.exception.msg, rf"^{name}(\[[0-9.]+\])?: [a-z]")

    def test_words(self) -> None:
        """A refusal begins with the field's name and says what is expected there."""
        for payload, msg in (
            (b'{"cid":"' + b"c" * 65 + b'"}', "cid: expected `str` of length <= 64"),
            (b'{"id":null,"mentions":[1,-1]}', "mentions[1]: expected `int` >= 0"),
            (b'{"have":{"10:3":"x"}}', "have[...]: expected `int`, got `str`"),
            (b'{"amount":1.5}', "amount: expected `int`, got `float`"),
            (b"[]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b'{"id":NaN}', "not a JSON object"),
        ):
            with self.assertRaises(Malformed) as caught:
                decode_frame(payload)
            self.assertEqual(caught.exception.msg, msg)

    def test_at_the_bounds(self) -> None:
        """Bounds count characters, not bytes, and values at them are accepted."""
        said = {
            "id": ID_LIMIT - 1,
            "dstid": ID_LIMIT - 1,
            "content": "界" * CONTENT_CHARS,
            "url": "😀" * TEXT_CHARS,
            "cid": "密" * CID_CHARS,
            "mentions": tuple(range(MENTIONS)),
            "amount": 1 - ID_LIMIT,
        }
        frame = decode_frame(json.dumps(said, ensure_ascii=False).encode())
        self.assertEqual({name: getattr(frame, name) for name in said}, said)

    def test_null_is_empty(self) -> None:
        """As for the original Go server's decoder, null is a field left out; unknown fields are skipped."""
        frame = decode_frame(b'{"cmd":10,"id":null,"content":null,"mentions":null,"new":{"a":[1]}}')
        self.assertEqual(encode(frame), b'{"cmd":10}')

    def test_nothing_is_a_heartbeat(self) -> None:
        """The original Go client leaves out zeros, so an empty object is `cmd` 0."""
        self.assertEqual(decode_frame(b"{}").cmd, commands.HEARTBEAT)

    def test_marks(self) -> None:
        """A refused frame is answered by its `id` and `cid`, as far as they can be read."""
        for payload, marks in (
            (b'{"id":7,"cid":"c","dstid":"x"}', (7, "c")),
            (b'{"id":"7","cid":"c"}', (0, "c")),
            (b'{"id":7,"cid":8}', (7, "")),
            (b'{"id":true}', (0, "")),
            (b'{"id":-1,"cid":"' + b"c" * 65 + b'"}', (0, "c" * 65)),
            (b'{"cid":"' + b"c" * ECHOED_CID_CHARS + b'"}', (0, "c" * ECHOED_CID_CHARS)),
            (b'{"cid":"' + b"c" * (ECHOED_CID_CHARS + 1) + b'"}', (0, "")),
            (b'{"id":9007199254740992}', (ID_LIMIT, "")),
            (b'{"id":9223372036854775807}', (ECHOED_ID_LIMIT - 1, "")),
            (b'{"id":9223372036854775808}', (0, "")),
            (b'{"id":7,"cid":"c","content":"\\ud83d"}', (7, "c")),
            (b'{"id":7,"cid":"c\\ud83d"}', (7, "")),
            (b'{"id":7,"cid":"\\ud83d\\ude00"}', (7, "😀")),
            (b'{"id":7,"x":' + DEEP + b"}", (0, "")),
            (b"[7]", (0, "")),
            (b"{", (0, "")),
            (b"\xff", (0, "")),
        ):
            self.assertEqual(marks_of(payload), marks, payload[:60])

    def test_cut_inside_a_character(self) -> None:
        """A text that ends within a surrogate pair, as JSON.stringify escapes it, is refused by its field."""
        for payload, msg in (
            (b'{"cmd":10,"content":"cut \\ud83d"}', "content: cut inside a character"),
            (b'{"cmd":10,"content":"cut \\ude00 here"}', "content: cut inside a character"),
            (b'{"cmd":10,"cid":"\\ud83d"}', "cid: cut inside a character"),
            (b'{"id":"x","memo":"\\ud83d"}', "memo: cut inside a character"),
            (b'{"have":{"\\ud83d":1}}', "have: cut inside a character"),
            (b'{"new":["\\ud83d"]}', "a text: cut inside a character"),
            (b'{"\\ud83d":1}', "a text: cut inside a character"),
            (b'["\\ud83d"]', "not a JSON object"),
            (b'{"content":"\\ud83d",', "not a JSON object"),
        ):
            with self.assertRaises(Malformed) as caught:
                decode_frame(payload)
            self.assertEqual(caught.exception.msg, msg, payload)
