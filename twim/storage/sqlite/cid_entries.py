"""The entries by which a message is found by its sender and `cid`: a hash of both, and the message's row id.

An entry is a number of 64 bits, the hash above the id, so that sorted entries can be searched. Whoever can choose cids
must not be able to choose hashes: these are made with a random key, by multiplication, so that no two inputs that were
chosen without the key collide more often than by chance.
"""

from __future__ import annotations

import secrets
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

HASH_BITS: Final = 30
ID_BITS: Final = 34  # 17,000 million messages
ID_MASK: Final = (1 << ID_BITS) - 1
ENTRY_BYTES: Final = 8
HASH_MASK: Final = (1 << HASH_BITS) - 1

SENDER_BITS: Final = 64
CID_BYTES: Final = 40  # a UUID has 36; of longer cids the SHA-256 is taken
INPUT_BITS: Final = SENDER_BITS + 8 * CID_BYTES

Entries = array
"""An array of type code Q."""


def new_key() -> int:
    """A random key."""
    return secrets.randbits(INPUT_BITS + HASH_BITS) | 1


def shortened(cid: bytes) -> bytes:
    """What stands for a cid of more than `CID_BYTES`."""
    return sha256(cid).digest()


def hash_of(key: int, sender: int, cid: bytes) -> int:
    """The hash, of `HASH_BITS` bits."""
    if len(cid) > CID_BYTES:
        cid = shortened(cid)
    return (int.from_bytes(cid, "little") << SENDER_BITS | sender) * key >> INPUT_BITS & HASH_MASK


def pack(entries: Iterable[int]) -> bytes:
    """Entries as they are stored: sorted, little-endian."""
    packed = array("Q", sorted(entries))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(stored: bytes) -> Entries[int]:
    """What `pack` was given, sorted."""
    entries = array("Q", stored)
    if sys.byteorder == "big":
        entries.byteswap()
    return entries


def ids_of(entries: Entries[int], hashed: int) -> list[int]:
    """The ids that stand with this hash among sorted entries."""
    at = bisect_left(entries, hashed << ID_BITS)
    found = []
    while at < len(entries) and entries[at] >> ID_BITS == hashed:
        found.append(entries[at] & ID_MASK)
        at += 1
    return found
