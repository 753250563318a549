"""WebSocket frames as bytes: the common case of RFC 6455, section 5, and nothing else.

Only what nearly every frame of a chat is: a whole, final, masked, small text frame from a client, and a text
frame to it. Everything unusual is left where it is, for a complete implementation to judge.
"""

FAST_LIMIT = 2048
"""Largest payload taken here, in bytes. The table below takes FAST_LIMIT**2 / 8 bytes: half a MiB."""

_FINAL_TEXT = 0x81
_WORDS = tuple(int.from_bytes(b"\1\0\0\0" * words, "little") for words in range(FAST_LIMIT // 4 + 1))
# Indexed by the payload's length: times the mask it is the mask repeated over the payload. Multiplying costs
# less than repeating the bytes and converting them.
_SPREAD = tuple(_WORDS[(length + 3) // 4] for length in range(FAST_LIMIT + 1))


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((_FINAL_TEXT, length))
    if length < 1 << 16:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8, "big")


_HEADERS = tuple(_header(length) for length in range(FAST_LIMIT + 1))


def text_frame(payload: bytes) -> bytes:
    """The server's frame (final, unmasked, text) around `payload`, which must be valid UTF-8."""
    length = len(payload)
    if length <= FAST_LIMIT:
        return _HEADERS[length] + payload
    return _header(length) + payload


def take_text_frames(data: bytes) -> tuple[list[bytes], int]:
    """The payloads, unmasked, of the ordinary text frames at the start of `data`, and the bytes these took.

    Ordinary: whole, final, masked, no reserved bit, at most FAST_LIMIT bytes, its length in the shortest
    encoding, valid UTF-8. It stops at the first frame that is anything else: what begins there is for a
    complete parser, which must not be in the middle of a frame or of a fragmented message when `data` begins.
    """
    # One loop without calls to our own functions: a call costs a tenth of what a frame costs here.
    from_bytes = int.from_bytes
    payloads: list[bytes] = []
    at = 0
    end = len(data)
    while end - at >= 6:
        if data[at] != _FINAL_TEXT:
            break
        length = data[at + 1] - 128
        start = at + 6
        if length > 125:
            if length != 126 or end - at < 8:
                break
            length = data[at + 2] << 8 | data[at + 3]
            if length < 126 or length > FAST_LIMIT:
                break
            start = at + 8
        elif length < 0:
            break
        stop = start + length
        if stop > end:
            break
        mask = from_bytes(data[start - 4 : start], "little")
        plain = from_bytes(data[start:stop], "little") ^ mask * _SPREAD[length]
        # The last word of the mask may reach up to three bytes past the payload: they are cut off.
        payload = plain.to_bytes(length + 3, "little")[:length]
        if not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                break
        payloads.append(payload)
        at = stop
    return payloads, at
