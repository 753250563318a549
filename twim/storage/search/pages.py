"""What the rows of the index hold, as bytes.

A segment numbers its messages in the order of their conversations, and of their row ids within one: a `Directory` says
which numbers a conversation has, so that what a user may read of a segment is a few ranges of numbers. A page has those
entries of the segment (see `words`) that begin with the page's number: the entries sorted, where the numbers of each
end, and the numbers. All of it is little-endian.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Final

PAGES: Final = 512  # of a segment: each has a few KiB
PAGE_SHIFT: Final = 23  # an entry has 32 bits
SPAN: Final = 65_536  # row ids of a segment at most: a message's number has 16 bits
_COUNT_BYTES: Final = 4

Numbers = array  # of type code H, ascending


def page_of(entry: int) -> int:
    """The number of the page that has an entry."""
    return entry >> PAGE_SHIFT


def packed(*parts: tuple[str, Iterable[int]]) -> bytes:
    """Arrays of a type code each, one after the other."""
    found = []
    for code, numbers in parts:
        one = array(code, numbers)
        if sys.byteorder == "big":
            one.byteswap()
        found.append(one.tobytes())
    return b"".join(found)


def _unpacked(code: str, data: bytes) -> array[int]:
    found = array(code)
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


class Page:
    """The entries of one page."""

    def __init__(self, data: bytes) -> None:
        count = int.from_bytes(data[:_COUNT_BYTES], "little") if data else 0
        at = _COUNT_BYTES + 4 * count
        self.entries = _unpacked("I", data[_COUNT_BYTES:at])
        self._ends = _unpacked("I", data[at : at + 4 * count])
        self.numbers: array[int] = _unpacked("H", data[at + 4 * count :])

    def of(self, first: int, last: int) -> Sequence[int]:
        """The numbers of the messages with any of the entries `first` to `last`, ascending."""
        start, end = bisect_left(self.entries, first), bisect_right(self.entries, last)
        if start == end:
            return ()
        found = self.numbers[self._ends[start - 1] if start else 0 : self._ends[end - 1]]
        return found if end == start + 1 else sorted(set(found))

    def items(self) -> Iterable[tuple[int, array[int]]]:
        """Each entry and its numbers."""
        begun = 0
        for entry, end in zip(self.entries, self._ends, strict=True):
            yield entry, self.numbers[begun:end]
            begun = end


def pack_page(entries: Mapping[int, Sequence[int]]) -> bytes:
    """A page of entries with their numbers, which are ascending."""
    ordered = sorted(entries)
    numbers = [entries[one] for one in ordered]
    head = len(ordered).to_bytes(_COUNT_BYTES, "little")
    return head + packed(("I", ordered), ("I", accumulate(map(len, numbers))), ("H", chain.from_iterable(numbers)))


class Directory:
    """Which messages a segment has: conversation `conversations[i]` has the numbers `starts[i]` to `starts[i + 1]`, the
    latter not among them, and message number n is row `first + offsets[n]` of the log."""

    def __init__(self, first: int, data: bytes) -> None:
        count = int.from_bytes(data[:_COUNT_BYTES], "little")
        at = _COUNT_BYTES + 8 * count
        end = at + 4 * (count + 1)
        self.first = first
        self.size = len(data)
        self.conversations = _unpacked("Q", data[_COUNT_BYTES:at])
        self.starts = _unpacked("I", data[at:end])
        self.offsets = _unpacked("H", data[end:])

    def within(self, mine: Sequence[int], members: frozenset[int], numbers: Sequence[int] | None) -> list[int]:
        """Those of `numbers`, or of all, that belong to one of these conversations, which are ascending."""
        conversations, starts = self.conversations, self.starts
        if numbers is not None and len(numbers) < 4 * len(mine):
            return [one for one in numbers if conversations[bisect_right(starts, one) - 1] in members]
        found: list[int] = []
        at = 0
        for one in mine:
            at = bisect_left(conversations, one, at)
            if at == len(conversations):
                break
            if conversations[at] == one:
                start, end = starts[at], starts[at + 1]
                if numbers is None:
                    found += range(start, end)
                else:
                    found += numbers[bisect_left(numbers, start) : bisect_left(numbers, end)]
        return found

    def ids(self, numbers: Iterable[int]) -> list[int]:
        """The row ids of these messages, the newest first."""
        first, offsets = self.first, self.offsets
        return sorted((first + offsets[one] for one in numbers), reverse=True)

    def numbers_of(self, ids: Iterable[int]) -> dict[int, int]:
        """The numbers of those of these row ids that it has."""
        wanted = {one - self.first for one in ids}
        return {self.first + one: number for number, one in enumerate(self.offsets) if one in wanted}


def pack_directory(conversations: Mapping[int, Sequence[int]], first: int) -> tuple[bytes, dict[int, int]]:
    """A directory of the row ids of each conversation, ascending; and the number of each row id."""
    starts = [0]
    ids: list[int] = []
    ordered = sorted(conversations)
    for one in ordered:
        ids += conversations[one]
        starts.append(len(ids))
    offsets = (one - first for one in ids)
    head = len(ordered).to_bytes(_COUNT_BYTES, "little")
    data = head + packed(("Q", ordered), ("I", starts), ("H", offsets))
    return data, {one: number for number, one in enumerate(ids)}


def numbers_in(numbers: Sequence[int], others: Sequence[int]) -> list[int]:
    """Those of `numbers` that are in `others`, both of them ascending."""
    if len(numbers) * 8 < len(others):
        found = []
        for one in numbers:
            at = bisect_left(others, one)
            if at < len(others) and others[at] == one:
                found.append(one)
        return found
    known: Any = set(others)
    return [one for one in numbers if one in known]
