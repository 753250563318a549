"""WebSocket frames as bytes: the common case of RFC 6455, section 5, and nothing else.

Only what nearly every frame of a chat is: a whole, final, masked, small text frame from a client, and a text
frame to it. Everything unusual is left where it is, for a complete implementation to judge.
"""

FAST_LIMIT = 2048
"""Largest payload taken here, in bytes. The table below takes FAST_LIMIT**2 / 8 bytes: half a MiB."""

_FINAL_TEXT = 0x81
_MASKED = 0x80
_MASK = 0xFFFFFFFF
_MASK_BYTES = 4
# Made once: every look-up of a class's method makes an object.
_from_bytes = int.from_bytes
_WORDS = tuple(_from_bytes(b"\1\0\0\0" * words, "little") for words in range(FAST_LIMIT // 4 + 2))
# Indexed by the size of mask and payload: times the mask it is the mask repeated over both. Multiplying costs less
# than repeating the bytes and converting them.
_SPREAD = tuple(_WORDS[(size + 3) // 4] for size in range(FAST_LIMIT + _MASK_BYTES + 1))


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
        plain = masked ^ (masked & _MASK) * _SPREAD[size]
        payload = plain.to_bytes(size + 3, "little")[_MASK_BYTES:size]
        if not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                break
        payloads.append(payload)
        at = stop
    return payloads, at
