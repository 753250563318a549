"""The pictures of users and groups, as requests name them."""

from __future__ import annotations

from twim.access.http.fields import Fields
from twim.logic.files import Files


async def picture_of(fields: Fields, name: str, most: int, files: Files, userid: int) -> str:
    """The address in a field, as it is stored: at most `most` characters, without the signature of a file of ours.
    `NotYours` for a file that the user (0 for somebody who isn't known) may not name."""
    address = fields.address(name, most, lambda said: files.urls.plain(said)[0])
    await files.check(userid, address)
    return address
