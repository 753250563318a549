"""Who may name which files of the store, and how: in messages and profiles their URLs are stored plain."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from twim.errors import Malformed, NotYours
from twim.storage.attachments import OTHERS_FILE, Attachments
from twim.storage.files.interface import stem_of
from twim.storage.files.urls import FileUrls
from twim.wire.message import TEXT_CHARS, Message

REMEMBERED: Final = 10_000  # uploads of which it is known without a query whose they are, about 250 bytes each


class Files:
    """What users do with files that are stored."""

    def __init__(self, urls: FileUrls, attachments: Attachments, now_ms: Callable[[], int]) -> None:
        self.urls = urls
        self._attachments = attachments
        self._now_ms = now_ms
        self._uploaded: OrderedDict[tuple[int, str], None] = OrderedDict()

    async def uploaded(self, userid: int, name: str, size: int) -> None:
        """The user has uploaded the file of this name, of `size` bytes."""
        stem = stem_of(name)
        await self._attachments.uploaded(userid, stem, size, self._now_ms())
        self._uploaded[userid, stem] = None
        if len(self._uploaded) > REMEMBERED:
            self._uploaded.popitem(last=False)

    def take(self, said: Message) -> tuple[str, ...]:
        """Make the URLs of a message plain. Gives the stems of files of which it must be asked, in the transaction that
        stores it, whether its sender may name them."""
        said.url, in_url = self._bounded("url", said.url)
        said.pic, in_pic = self._bounded("pic", said.pic)
        if self.urls.public or not (in_url or in_pic):
            return ()
        asked = {stem for stem in (in_url, in_pic) if stem and (said.userid, stem) not in self._uploaded}
        return tuple(sorted(asked))

    def _bounded(self, field: str, url: str) -> tuple[str, str]:
        plain, stem = self.urls.plain(url)
        if len(plain) > TEXT_CHARS:
            raise Malformed(f"{field}: at most {TEXT_CHARS} characters")
        return plain, stem

    async def check(self, userid: int, url: str) -> None:
        """`NotYours` for a picture that is a file which the user may not name. Who isn't known (0) may name none."""
        _, stem = self.urls.plain(url)
        if not stem or self.urls.public or (userid, stem) in self._uploaded:
            return
        if not userid:
            raise NotYours(OTHERS_FILE)
        await self._attachments.check_use(userid, stem)
