"""The JSON of answers, and the server's small frames."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import NotFound, Refusal
from twim.wire import envelope

ids = st.integers(0, 2**53 - 1)
cids = st.text(st.characters(codec="utf-8"), max_size=64)


class RestTests(SynchronousTestCase):
    """Answers of REST."""

    def test_shapes(self) -> None:
        """Exactly the shapes that the contract draws."""
        for body, text in (
            (envelope.ok(), '{"code":0,"msg":""}'),
            (envelope.ok({"id": 1}), '{"code":0,"msg":"","data":{"id":1}}'),
            (envelope.ok("/mnt/x", type="t"), '{"code":0,"msg":"","data":"/mnt/x","type":"t"}'),
            (envelope.rows([1, 2]), '{"code":0,"msg":"","rows":[1,2],"total":2}'),
            (envelope.rows([]), '{"code":0,"msg":"","rows":[],"total":0}'),
            (envelope.rows([1], 9), '{"code":0,"msg":"","rows":[1],"total":9}'),
            (
                envelope.ROWS + b"1,{}" + envelope.rows_end(5, epoch="e"),
                '{"code":0,"msg":"","rows":[1,{}],"total":5,"epoch":"e"}',
            ),
            (envelope.ROWS + envelope.rows_end(0), '{"code":0,"msg":"","rows":[],"total":0}'),
            (envelope.refusal(Refusal("why")), '{"code":-1,"msg":"why"}'),
            (envelope.refusal(NotFound("no")), '{"code":-4,"msg":"no"}'),
        ):
            self.assertEqual(body.decode(), text)


class FrameTests(SynchronousTestCase):
    """Frames of the WebSocket."""

    @given(ids, cids, st.sampled_from([10, 11]), ids, ids, ids)
    def test_answer(self, its_id: int, cid: str, scope: int, dstid: int, seq: int, at: int) -> None:
        """An answer names the message by the id or cid that its sender gave, and only by that."""
        if not (its_id or cid):
            return
        given_ids = {name: value for name, value in (("id", its_id), ("cid", cid)) if value}
        self.assertEqual(
            json.loads(envelope.answer(its_id, cid, scope, dstid, seq, at)),
            {"cmd": 1} | given_ids | {"code": 0, "scope": scope, "dstid": dstid, "seq": seq, "at": at},
        )

    @given(ids, cids, st.text(st.characters(codec="utf-8")))
    def test_refusal(self, its_id: int, cid: str, why: str) -> None:
        """A refusal names it in the same way."""
        given_ids = {name: value for name, value in (("id", its_id), ("cid", cid)) if value}
        self.assertEqual(
            json.loads(envelope.refused_frame(its_id, cid, Refusal(why))),
            {"cmd": 1} | given_ids | {"code": -1, "msg": why},
        )

    def test_shapes(self) -> None:
        """The others, to the letter."""
        for body, text in (
            (
                envelope.answer(7, "a/é", 10, 3, 9, 5),
                '{"cmd":1,"id":7,"cid":"a/é","code":0,"scope":10,"dstid":3,"seq":9,"at":5}',
            ),
            (envelope.answer(7, "", 11, 3, 9, 5), '{"cmd":1,"id":7,"code":0,"scope":11,"dstid":3,"seq":9,"at":5}'),
            (envelope.answer(0, "c", 10, 3, 9, 5), '{"cmd":1,"cid":"c","code":0,"scope":10,"dstid":3,"seq":9,"at":5}'),
            (envelope.heartbeat(5), '{"cmd":0,"at":5}'),
            (envelope.typing(10, 3, 2), '{"cmd":5,"scope":10,"dstid":3,"userid":2}'),
            (envelope.read(11, 7, 2, 9), '{"cmd":6,"scope":11,"dstid":7,"userid":2,"seq":9}'),
            (envelope.presence(3, True), '{"cmd":7,"userid":3,"online":1}'),
            (envelope.presence(3, False), '{"cmd":7,"userid":3,"online":0}'),
            (envelope.changed("friend", userid=3), '{"cmd":8,"what":"friend","userid":3}'),
            (
                envelope.catch_up_begin("e", False) + b"{},1" + envelope.CATCH_UP_END,
                '{"cmd":4,"epoch":"e","rows":[{},1]}',
            ),
            (
                envelope.catch_up_begin("e", True) + envelope.CATCH_UP_END,
                '{"cmd":4,"epoch":"e","reset":true,"rows":[]}',
            ),
        ):
            self.assertEqual(body.decode(), text)
