"""Which hashes of cids were never stored, told from memory for nearly all new ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from twim.storage.sqlite.cid_entries import HASH_BITS, ID_BITS

LEAST_BITS: Final = 26  # 8 MiB: enough for four million messages
MOST_BITS: Final = 29  # 64 MiB
PER_MESSAGE: Final = 16  # bits: then of new cids one in thirty, at most, is looked up

_PAIRS: Final = [1 << a | 1 << b for a, b in combinations(range(8), 2)]
MASKS: Final = (*_PAIRS, *_PAIRS[:4])
"""Two bits of a byte for each value of `MASK_OF`'s bits of a hash."""
MASK_OF: Final = len(MASKS) - 1


class CidFilter:
    """A Bloom filter: of each hash that was stored two bits of a byte are set. They are never cleared: those that are
    set for nothing only cost a look-up. One thread at a time.

    The byte of a hash is ``bits[hash >> shift]``, its bits ``MASKS[hash & MASK_OF]``."""

    def __init__(self, messages: int, least_bits: int = LEAST_BITS) -> None:
        """Of a size for so many messages."""
        size = min(max((messages * PER_MESSAGE).bit_length(), least_bits), MOST_BITS)
        self.bits = bytearray(1 << size - 3)
        self.shift = HASH_BITS - size + 3

    def add(self, entries: Iterable[int]) -> None:
        """Set the bits of entries' hashes."""
        bits, shift = self.bits, self.shift
        for entry in entries:
            hashed = entry >> ID_BITS
            bits[hashed >> shift] |= MASKS[hashed & MASK_OF]

    def may_have(self, hashed: int) -> bool:
        """Whether this hash may have been added."""
        mask = MASKS[hashed & MASK_OF]
        return self.bits[hashed >> self.shift] & mask == mask
