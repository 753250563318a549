"""WebSocket frames as bytes: the common case of RFC 6455, section 5, and nothing else.

Only what nearly every frame of a chat is: a whole, final, masked, small text frame from a client, and a text
frame to it. Everything unusual is left where it is, for a complete implementation to judge.
"""

from __future__ import annotations

from collections.abc import Iterable

FAST_LIMIT = 8192
"""Largest payload taken here, in bytes. Larger ones cost Autobahn, which unmasks in C, no more than they would here."""

TABLE_LIMIT = 2048
"""Largest payload unmasked by the table below, which takes TABLE_LIMIT**2 / 8 bytes: half a MiB."""

_FINAL_TEXT = 0x81
_FINAL = 0x80
_TEXT = 0x01
_MASKED = 0x80
_MASK = 0xFFFFFFFF
_MASK_BYTES = 4
# Made once: every look-up of a class's method makes an object.
_from_bytes = int.from_bytes
_WORDS = tuple(_from_bytes(b"\1\0\0\0" * words, "little") for words in range(TABLE_LIMIT // 4 + 2))
# Indexed by the size of mask and payload: times the mask it is the mask repeated over both. Multiplying costs less
# than repeating the bytes and converting them.
_SPREAD = tuple(_WORDS[(size + 3) // 4] for size in range(TABLE_LIMIT + _MASK_BYTES + 1))


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8, "big")


_HEADERS = tuple(_header(length) for length in range(FAST_LIMIT + 1))


def text_frame(payload: bytes) -> bytes:
    """The server's frame (final, unmasked, text) around `payload`, which must be valid UTF-8."""
    try:
        return _HEADERS[len(payload)] + payload
    except IndexError:
        return _header(len(payload)) + payload


def text_frames(payloads: Iterable[bytes]) -> bytes:
    """The frames around these payloads, one after the other."""
    return b"".join(map(text_frame, payloads))


def fragment(payload: bytes, first: bool, last: bool) -> bytes:
    """A part of a text message that is sent in several frames (RFC 6455, section 5.4)."""
    kind = (_TEXT if first else 0) | (_FINAL if last else 0)
    return bytes((kind,)) + _header(len(payload))[1:] + payload


def end_of_frames(data: bytes, least: int) -> int:
    """Where the first of the server's frames in `data` ends at or after `least`; `data` are whole frames."""
    at = 0
    while at < least:
        length = data[at + 1]
        if length < 126:
            at += 2 + length
        elif length == 126:
            at += 4 + int.from_bytes(data[at + 2 : at + 4], "big")
        else:
            at += 10 + int.from_bytes(data[at + 2 : at + 10], "big")
    return at


def take_text_frames(data: bytes) -> tuple[list[bytes], int]:
    """The payloads, unmasked, of the ordinary text frames at the start of `data`, and the bytes these took.

    Ordinary: whole, final, masked, no reserved bit, at most FAST_LIMIT bytes, its length in the shortest
    encoding, valid UTF-8. It stops at the first frame that is anything else: what begins there is for a
    complete parser, which must not be in the middle of a frame or of a fragmented message when `data` begins.
    """
    # One loop without calls to our own functions: a call costs a tenth of what a frame costs here.
    payloads: list[bytes] = []
    at = 0
    end = len(data)
    last = end - 2 - _MASK_BYTES
    while at <= last:
        if data[at] != _FINAL_TEXT:
            break
        # What isn't masked gets a length that is none of the two below.
        length = data[at + 1] ^ _MASKED
        start = at + 2
        if length > 125:
            if length != 126 or at + 2 > last:
                break
            length = data[at + 2] << 8 | data[at + 3]
            if length < 126 or length > FAST_LIMIT:
                break
            start = at + 4
        size = length + _MASK_BYTES
        stop = start + size
        if stop > end:
            break
        # The mask is converted with what it masks. The last word may reach up to three bytes past the payload: they
        # are cut off together with the mask.
        masked = _from_bytes(data[start:stop], "little")
        if length <= TABLE_LIMIT:
            plain = masked ^ (masked & _MASK) * _SPREAD[size]
        else:
            plain = masked ^ _from_bytes(data[start : start + _MASK_BYTES] * ((size + 3) // 4), "little")
        payload = plain.to_bytes(size + 3, "little")[_MASK_BYTES:size]
        if not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                break
        payloads.append(payload)
        at = stop
    return payloads, at
