"""A new segment of the index of words while it is made, in memory, from the messages of the log."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from operator import add
from typing import Final

from twim.storage.search.folding import fold
from twim.storage.search.pages import PAGES, pack_directory, pack_page, page_of
from twim.storage.search.texts import Said, said_in
from twim.storage.search.words import (
    beginnings,
    entry_of_beginning,
    entry_of_media,
    entry_of_pair,
    entry_of_sender,
    runs,
)
from twim.wire.commands import TEXT

MOST: Final = 2_000_000  # characters, after which it is full: some 50 MB
Postings = defaultdict[str, list[int]]


class Draft:
    """The messages from row id `first` on. `add` them, `order` them, `index` all of them, `close` it, and take its
    `pages`."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.since = self.until = 0
        """The times (ms) of the oldest and of the newest message."""
        self.directory = b""
        self._size = 0
        self._messages: list[tuple[int, int, Said]] = []
        self._words: Postings = defaultdict(list)
        self._pairs: Postings = defaultdict(list)
        self._others: defaultdict[int, list[int]] = defaultdict(list)
        self._pages: list[dict[int, list[int]]] = []

    @property
    def count(self) -> int:
        """How many messages it has."""
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether it should end here."""
        return self._size >= MOST

    def add(self, row_id: int, conversation_id: int, body: bytes) -> None:
        """One message of the log."""
        said = said_in(body)
        if said.may_have_words:
            self._messages.append((conversation_id, row_id, said))
            self._size += len(said.text)
            self.since = min(self.since or said.at, said.at)
            self.until = max(self.until, said.at)

    def order(self) -> None:
        """All messages are there: number them."""
        self._messages.sort(key=lambda one: one[:2])
        conversations: defaultdict[int, list[int]] = defaultdict(list)
        for conversation_id, row_id, _ in self._messages:
            conversations[conversation_id].append(row_id)
        self.directory = pack_directory(conversations, self.first)[0]

    def index(self, start: int, end: int) -> None:
        """The words of the messages `start` <= number < `end`, in their order."""
        for number, (_, _, said) in enumerate(self._messages[start:end], start):
            text = said.text
            if not text:
                continue
            words, unparted = runs(fold(text))
            for word in set(words):
                self._words[word].append(number)
            if unparted:
                pairs: set[str] = set()
                for run in unparted:
                    pairs.update(map(add, run, run[1:]))
                    pairs.add(run[-1])
                for pair in pairs:
                    self._pairs[pair].append(number)
            self._others[entry_of_sender(said.userid)].append(number)
            if said.media != TEXT:
                self._others[entry_of_media(said.media)].append(number)

    def close(self) -> None:
        """All words are there: sort them into pages."""
        self._messages = []
        begun: defaultdict[str, list[list[int]]] = defaultdict(list)
        for word, numbers in self._words.items():
            for beginning in beginnings(word):
                begun[beginning].append(numbers)
        self._pages = [{} for _ in range(PAGES)]
        for beginning, lists in begun.items():
            self._put(entry_of_beginning(beginning), lists[0] if len(lists) == 1 else _joined(lists))
        for pair, numbers in self._pairs.items():
            self._put(entry_of_pair(pair), numbers)
        for entry, numbers in self._others.items():
            self._put(entry, numbers)
        self._words, self._pairs = defaultdict(list), defaultdict(list)

    def _put(self, entry: int, numbers: list[int]) -> None:
        page = self._pages[page_of(entry)]
        page[entry] = numbers if entry not in page else _joined([page[entry], numbers])

    def pages(self, first: int, end: int) -> dict[int, bytes]:
        """Those of the pages `first` <= number < `end` that have entries."""
        return {number: pack_page(self._pages[number]) for number in range(first, end) if self._pages[number]}


def _joined(lists: list[list[int]]) -> list[int]:
    return sorted(set(chain.from_iterable(lists)))
