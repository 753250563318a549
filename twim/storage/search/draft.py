"""A new segment of the index of words while it is made, in memory, from the messages of the log."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import pairwise
from typing import Final

from twim.storage.search.folding import fold
from twim.storage.search.pages import PAGES, pack_directory, pack_page, page_of
from twim.storage.search.texts import said_in
from twim.storage.search.words import (
    beginnings,
    entry_of_beginning,
    entry_of_media,
    entry_of_pair,
    entry_of_sender,
    runs,
)
from twim.wire.commands import TEXT

MOST: Final = 3_000_000  # words, and pairs of characters, after which it is full: 24 MB
Postings = defaultdict[str, list[int]]


class Draft:
    """The messages from row id `first` on. Add them in the order of their row ids, then `close` it."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = 0
        """How many messages it indexes."""
        self.since = self.until = 0
        """The times (ms) of the oldest and of the newest of them."""
        self.directory = b""
        self._size = 0
        self._conversations: defaultdict[int, list[int]] = defaultdict(list)
        self._words: Postings = defaultdict(list)
        self._pairs: Postings = defaultdict(list)
        self._others: defaultdict[int, list[int]] = defaultdict(list)
        self._pages: list[dict[int, list[int]]] = []
        self._numbers = array("H")

    @property
    def is_full(self) -> bool:
        """Whether it should end here."""
        return self._size >= MOST

    def add(self, row_id: int, conversation_id: int, body: bytes) -> None:
        """One message of the log."""
        said = said_in(body)
        if not said.may_have_words:
            return
        self._conversations[conversation_id].append(row_id)
        self.count += 1
        self.since = min(self.since or said.at, said.at)
        self.until = max(self.until, said.at)
        text = said.text
        if not text:
            return
        place = row_id - self.first
        words, unparted = runs(fold(text))
        for word in set(words):
            self._words[word].append(place)
        for run in unparted:
            pairs = self._pairs
            for a, b in pairwise(run):
                pairs[a + b].append(place)
            pairs[run[-1]].append(place)
            self._size += len(run)
        self._size += len(words)
        self._others[entry_of_sender(said.userid)].append(place)
        if said.media != TEXT:
            self._others[entry_of_media(said.media)].append(place)

    def close(self) -> None:
        """It is whole: sort what it has into pages."""
        self.directory, numbers = pack_directory(self._conversations, self.first)
        self._numbers = array("H", bytes(2 * (max(numbers, default=self.first) - self.first + 1)))
        for row_id, number in numbers.items():
            self._numbers[row_id - self.first] = number
        entries, self._others = self._others, defaultdict(list)
        begun: Postings = defaultdict(list)
        for word, places in self._words.items():
            for beginning in beginnings(word):
                begun[beginning] += places
        for beginning, places in begun.items():
            entries[entry_of_beginning(beginning)] += places
        for pair, places in self._pairs.items():
            entries[entry_of_pair(pair)] += places
        self._words, self._pairs = defaultdict(list), defaultdict(list)
        self._pages = [{} for _ in range(PAGES)]
        for entry, places in entries.items():
            self._pages[page_of(entry)][entry] = places

    def pages(self, first: int, end: int) -> dict[int, bytes]:
        """Those of the pages `first` <= number < `end` that have entries."""
        numbers = self._numbers
        return {
            number: pack_page(
                {entry: [numbers[one] for one in places] for entry, places in self._pages[number].items()}
            )
            for number in range(first, end)
            if self._pages[number]
        }
