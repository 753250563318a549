"""Datagrams that only nodes with the cluster's key can make, read, or change. Without input or output.

A datagram is ``kind (1 byte) · node (8) · number (8) · sealed payload · tag (16)``. It is sealed with ChaCha20-Poly1305
(RFC 8439). The key is the sending node's own: HKDF-SHA256 (RFC 5869) of the cluster's key, salted with the node's id.
The nonce is ``kind · 000 · number``. A node's id is random at every start, and its numbers only grow, so no nonce is
used twice with one key. The first 17 bytes are not encrypted, but authenticated.

A sealed datagram can be sent again as it is, and its number tells a copy from a new one: data by their number in the
stream (`numbering.Inbound`), everything else by a `ReplayWindow`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NODE_SIZE = 8  # bytes of a node's id
HEADER = struct.Struct(">B8sQ")
TAG_SIZE = 16
OVERHEAD = HEADER.size + TAG_SIZE

DATA = 0x11  # the high four bits are the version of this format
ANNOUNCEMENT = 0x12
ASK = 0x13
GONE = 0x14
KINDS = frozenset((DATA, ANNOUNCEMENT, ASK, GONE))

_NONCE = struct.Struct(">BxxxQ")


class Header(NamedTuple):
    """What a datagram claims to be. It is not trusted before the seal was opened."""

    kind: int
    node: bytes
    number: int


def header_of(datagram: bytes) -> Header | None:
    """The header of `datagram`, or None if it can't be one of ours."""
    if len(datagram) < OVERHEAD or datagram[0] not in KINDS:
        return None
    return Header._make(HEADER.unpack_from(datagram))


class Seal:
    """Encrypts (closes) and decrypts (opens) the datagrams of one node."""

    def __init__(self, cluster_key: bytes, node: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=node, info=b"twim cluster datagram 1").derive(cluster_key)
        self._aead = ChaCha20Poly1305(derived)
        self._node = node

    def close(self, kind: int, number: int, payload: bytes) -> bytes:
        """The sealed datagram with that payload. No number may be used twice with one kind."""
        header = HEADER.pack(kind, self._node, number)
        return header + self._aead.encrypt(_NONCE.pack(kind, number), payload, header)

    def open(self, datagram: bytes, header: Header) -> bytes | None:
        """The payload, or None if somebody without the key made or changed the datagram."""
        nonce = _NONCE.pack(header.kind, header.number)
        try:
            return self._aead.decrypt(nonce, datagram[HEADER.size :], datagram[: HEADER.size])
        except InvalidTag:
            return None


class ReplayWindow:
    """Tells whether a number is new, for numbers that come roughly in order (as in RFC 4303, section 3.4.3)."""

    SIZE = 64  # how far below the highest number a number may be and still count as new

    def __init__(self) -> None:
        self._highest = 0
        self._seen = 1  # bit i says whether the number `_highest - i` was marked

    def is_new(self, number: int) -> bool:
        """Whether `number` was not marked before. Numbers below the window count as old."""
        behind = self._highest - number
        return behind < 0 or (behind < self.SIZE and not self._seen >> behind & 1)

    def mark(self, number: int) -> None:
        """Remember the number of a datagram that was new and whose seal was valid."""
        ahead = number - self._highest
        if ahead <= 0:
            self._seen |= 1 << -ahead
        else:
            self._seen = (self._seen << ahead | 1) & ((1 << self.SIZE) - 1) if ahead < self.SIZE else 1
            self._highest = number
