"""The JSON around every REST answer, and the small server frames of the WebSocket.

REST: ``{"code":0,"msg":"","data":…}``, a list ``{"code":0,"msg":"","rows":[…],"total":n}``, a refusal
``{"code":-1,"msg":"why"}``. Rows that are stored as bytes are joined, not encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from twim.errors import Refusal, TooMany
from twim.wire import commands

encode = msgspec.json.Encoder().encode
ROWS: Final = b'{"code":0,"msg":"","rows":['
"""How a list begins; after its rows comes `rows_end`."""
CATCH_UP_END: Final = b"]}"


def ok(data: object = None, **more: object) -> bytes:
    """Success; `data` is left out when there is none, `more` stands beside it at the top level."""
    body: dict[str, Any] = {"code": 0, "msg": ""}
    if data is not None:
        body["data"] = data
    return encode(body | more)


def rows(items: Sequence[object], total: int | None = None) -> bytes:
    """A list; `total` is the number of rows unless told."""
    count = len(items) if total is None else total
    return encode({"code": 0, "msg": "", "rows": items, "total": count})


def stored_rows(bodies: Sequence[bytes], total: int) -> bytes:
    """A list of rows that are JSON already."""
    return ROWS + b",".join(bodies) + rows_end(total)


def rows_end(total: int, **more: object) -> bytes:
    """What follows the rows of a list."""
    return b"]," + encode({"total": total} | more)[1:]


def refusal(refused: Refusal) -> bytes:
    """A refusal in the envelope of REST."""
    return encode({"code": refused.code, "msg": refused.msg} | _wait(refused))


def _wait(refused: Refusal) -> dict[str, int]:
    """After how many milliseconds what is refused would pass, where that is known."""
    return {"wait": refused.wait} if isinstance(refused, TooMany) else {}


class _Answer(msgspec.Struct, tag_field="cmd", tag=commands.ANSWER, omit_defaults=True, kw_only=True, gc=False):
    # Every message gets one, and a Struct is made and encoded in three quarters of the time that formatting takes.
    id: int = 0
    cid: str = ""
    code: int
    scope: int
    dstid: int
    seq: int
    at: int


def answer(its_id: int, cid: str, scope: int, dstid: int, seq: int, at: int) -> bytes:
    """`cmd` 1: the message is stored as `seq` of conversation `scope:dstid`, accepted at `at`."""
    return encode(_Answer(id=its_id, cid=cid, code=0, scope=scope, dstid=dstid, seq=seq, at=at))


def refused_frame(its_id: int, cid: str, refused: Refusal) -> bytes:
    """`cmd` 1 with a negative code: what the client said is refused, and why."""
    body: dict[str, object] = {"cmd": commands.ANSWER}
    if its_id:
        body["id"] = its_id
    if cid:
        body["cid"] = cid
    return encode(body | {"code": refused.code, "msg": refused.msg} | _wait(refused))


def heartbeat(at: int) -> bytes:
    """The answer to `cmd` 0."""
    return b'{"cmd":0,"at":%d}' % at


def typing(scope: int, dstid: int, userid: int) -> bytes:
    """`userid` is typing in the conversation that its receiver calls `scope:dstid`."""
    return b'{"cmd":5,"scope":%d,"dstid":%d,"userid":%d}' % (scope, dstid, userid)


def read(scope: int, dstid: int, userid: int, seq: int) -> bytes:
    """`userid` has read up to `seq` of the conversation that its receiver calls `scope:dstid`."""
    return b'{"cmd":6,"scope":%d,"dstid":%d,"userid":%d,"seq":%d}' % (scope, dstid, userid, seq)


def presence(userid: int, online: bool) -> bytes:
    """A friend came (`online` 1) or went."""
    return b'{"cmd":7,"userid":%d,"online":%d}' % (userid, online)


def changed(what: str, **more: object) -> bytes:
    """`cmd` 8: something that isn't a message changed; `what` says what to fetch again."""
    return encode({"cmd": commands.CHANGED, "what": what} | more)


def catch_up_begin(epoch: str, reset: bool) -> bytes:
    """How the end of a catch-up begins; its conversations and `CATCH_UP_END` follow."""
    return encode({"cmd": commands.CATCH_UP, "epoch": epoch} | ({"reset": True} if reset else {}))[:-1] + b',"rows":['
