"""The directories of segments that searches have used lately, in memory."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from twim.storage.search.pages import Directory
from twim.storage.search.segments import Segment, directory_of

KEPT_BYTES: Final = 32 * 1024 * 1024  # those of some ten million messages


class Directories:
    """Gives them. Any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Directory] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, connection: Connection, one: Segment) -> Directory:
        """The directory of a segment, which never changes."""
        with self._lock:
            found = self._kept.get(one.id)
            if found is not None:
                self._kept.move_to_end(one.id)
                return found
        found = Directory(one.first, directory_of(connection, one.id))
        with self._lock:
            if one.id not in self._kept:
                self._kept[one.id] = found
                self._size += found.size
            while self._size > KEPT_BYTES:
                self._size -= self._kept.popitem(last=False)[1].size
        return found
