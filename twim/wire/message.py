"""What travels in a WebSocket text frame: one JSON object, decoded once into a typed struct.

`Frame` is anything a client may say, `Message` what is stored and delivered, `Shown` a stored message after later
events (recall, edit, reaction) changed how it is displayed. Bounds are part of the types, so a value beyond
them is refused by the decoder, which names the field.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import msgspec

from twim.errors import Malformed

CONTENT_CHARS: Final = 8_000
TEXT_CHARS: Final = 2_000
ADDRESS_CHARS: Final = TEXT_CHARS + 4_000  # of an address with its signature, which doesn't count
CID_CHARS: Final = 64
MENTIONS: Final = 500  # members named in one message
HAVE_ENTRIES: Final = 5_000  # conversations named in one catch-up; a frame is 64 KiB at most anyway
FRAME_BYTES: Final = 64 * 1024  # a larger frame closes its connection with 1009
ID_LIMIT: Final = 2**53  # ids stay exact in a client that knows only doubles
# A refusal repeats more than a message may have, so that the client finds what was refused.
ECHOED_CID_CHARS: Final = 256
ECHOED_ID_LIMIT: Final = 2**63

Id = Annotated[int, msgspec.Meta(ge=0, lt=ID_LIMIT)]
Content = Annotated[str, msgspec.Meta(max_length=CONTENT_CHARS)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS)]
Address = Annotated[str, msgspec.Meta(max_length=ADDRESS_CHARS)]


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    """A message as the original Go server defines it, and what this server adds. Empty fields are left out on the wire.

    `id` and `cid` are the sender's own, `seq` (1, 2, 3 … in its conversation) and `at` (milliseconds since
    1970) the server's. `amount` is seconds of voice or hundredths of a currency unit.
    """

    id: Id = 0
    userid: Id = 0
    cmd: int = 0
    dstid: Id = 0
    media: int = 0
    content: Content = ""
    pic: Address = ""
    url: Address = ""
    memo: Text = ""
    amount: Annotated[int, msgspec.Meta(gt=-ID_LIMIT, lt=ID_LIMIT)] = 0
    cid: Annotated[str, msgspec.Meta(max_length=CID_CHARS)] = ""
    seq: Id = 0
    at: Id = 0
    ref: Id = 0
    # A tuple and None are made once; a list and a dict would be made for every frame.
    mentions: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MENTIONS)] = ()


class Frame(Message, omit_defaults=True, gc=False):
    """Whatever a client says: a message, or a command with the fields below.

    A missing `cmd` is 0: the original Go server's encoder leaves out zeros, so this is how its clients write a
    heartbeat.
    """

    scope: int = 0
    epoch: Annotated[str, msgspec.Meta(max_length=64)] = ""
    have: Annotated[dict[str, Id], msgspec.Meta(max_length=HAVE_ENTRIES)] | None = None


class Shown(Message, omit_defaults=True, gc=False):
    """A stored message as later events left it: what history and catch-up give instead of the original."""

    recalled: int = 0
    edited: int = 0
    reactions: dict[str, list[int]] = {}


_frame_decoder = msgspec.json.Decoder(Frame)
_shown_decoder = msgspec.json.Decoder(Shown)
_loose_decoder = msgspec.json.Decoder()
encode = msgspec.json.Encoder().encode


def decode_frame(payload: bytes) -> Frame:
    """The frame in `payload`; `Malformed` (naming the field) when it is none."""
    try:
        return _frame_decoder.decode(payload)
    except msgspec.ValidationError as error:
        return _without_nulls(payload, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable(payload) from None


def _without_nulls(payload: bytes, error: msgspec.ValidationError) -> Frame:
    """Null means an empty field, as in the original Go server: only a frame that is wrong without nulls is refused."""
    # A wrong field is found before what follows it is looked at, and that may be no JSON at all.
    loose = _loosely(payload)
    if isinstance(loose, dict) and None in loose.values():
        try:
            return msgspec.convert({k: v for k, v in loose.items() if v is not None}, Frame)
        except msgspec.ValidationError as second:
            error = second
    raise Malformed(_describe(error)) from None


def _describe(error: msgspec.ValidationError) -> str:
    """The text of an error, with the name of its field first. An error that names no field concerns the whole frame."""
    what, _, field = str(error).removesuffix("`").rpartition(" - at `$.")
    return f"{field}: {what[0].lower()}{what[1:]}" if what else "not a JSON object"


def _loosely(payload: bytes) -> Any:
    try:
        return _loose_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable(payload) from None


def _unreadable(payload: bytes) -> Malformed:
    """The refusal of a payload that msgspec does not accept as JSON. It may be JSON with a text that was cut inside an
    emoji: JSON.stringify writes the half that is left as an escape."""
    loose = _leniently(payload)
    if not isinstance(loose, dict) or not _is_cut(loose):
        return Malformed("not a JSON object")
    field = next((name for name in Frame.__struct_fields__ if _is_cut(loose.get(name))), "a text")
    return Malformed(f"{field}: cut inside a character")


def _leniently(payload: bytes) -> Any:
    """The JSON in `payload`, of which texts may be no Unicode; None if it is none. Slower than msgspec, and only for
    wrong frames, of which a connection has few."""
    try:
        return json.loads(payload.decode())
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError, too
        return None


def _is_cut(loose: object) -> bool:
    try:
        json.dumps(loose, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except RecursionError:
        return False
    return False


def decode_shown(body: bytes) -> Shown:
    """A stored body, for the few that have to be changed. Raises nothing on what `encode` wrote."""
    return _shown_decoder.decode(body)


def marks_of(payload: bytes) -> tuple[int, str]:
    """`(id, cid)` of a frame that could not be decoded, as far as they can be told, to answer it by. Also ones that no
    message may have, since the client knows its frame by nothing else."""
    loose = _leniently(payload)
    if not isinstance(loose, dict):
        return 0, ""
    its_id, cid = loose.get("id"), loose.get("cid")
    return (
        its_id if isinstance(its_id, int) and not isinstance(its_id, bool) and 0 <= its_id < ECHOED_ID_LIMIT else 0,
        cid if isinstance(cid, str) and len(cid) <= ECHOED_CID_CHARS and not _is_cut(cid) else "",
    )
