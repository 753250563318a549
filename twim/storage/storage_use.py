"""How much of the file store each user takes, as far as it is known who uploaded what."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import upload, user

Row = dict[str, object]

_FILES: Final = func.count().label("files")
_BYTES: Final = func.sum(upload.c.size).label("bytes")


class StorageUse:
    """Reads it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def largest(self, limit: int) -> Deferred[tuple[list[Row], int, int]]:
        """Whose files take most: at most `limit` rows of `user, nickname, files, bytes`. Then how many files all users
        have together, and their bytes; one that several have uploaded counts once."""
        by_user = select(upload.c.userid, _FILES, _BYTES).group_by(upload.c.userid)
        wanted = by_user.order_by(_BYTES.desc(), upload.c.userid).limit(limit)
        sizes = select(func.max(upload.c.size).label("size")).group_by(upload.c.stem).subquery()
        total = select(func.count(), func.coalesce(func.sum(sizes.c.size), 0)).select_from(sizes)

        def work(connection: Connection) -> tuple[list[Row], int, int]:
            lines = connection.execute(wanted).all()
            named = select(user.c.id, user.c.nickname).where(user.c.id.in_([line.userid for line in lines]))
            names: dict[int, str] = dict(connection.execute(named).tuples().all())
            rows: list[Row] = [
                {"user": userid, "nickname": names.get(userid, ""), "files": files, "bytes": int(size)}
                for userid, files, size in lines
            ]
            files, size = connection.execute(total).one()
            return rows, int(files), int(size)

        return self._database.read(work)
