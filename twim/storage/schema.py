"""The tables, for SQLite, MySQL/MariaDB and PostgreSQL alike.

`user`, `contact` and `community` have the seed's columns. Two of them stay empty on purpose: `user.salt` (an argon2
hash carries its own) and `user.token` (tokens are kept per device, hashed, in `device`).

A conversation is named `(scope, a, b)`: the two user ids in ascending order for a single chat, the group's id and 0
for a group. `message` is the log: rows are appended in commit order (`id`), `seq` is unique per conversation. Database
servers keep indexes by which its rows are found; on SQLite these are tables of their own (`derived`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql


def _on_servers(*_: Any, dialect: Dialect, **_more: Any) -> bool:
    return dialect.name != "sqlite"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FRIEND: Final = 1
MEMBER: Final = 2

# SQLite gives out row ids only for a column declared exactly INTEGER PRIMARY KEY.
Big = BigInteger().with_variant(Integer, "sqlite")
# Times are UTC; MySQL keeps whole seconds unless asked for fractions.
Moment = DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
# A body is bounded by a 64 KiB frame, but reactions may grow it past MySQL's BLOB.
Body = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
# Compared byte for byte everywhere: a MySQL collation would fold case, accents or trailing blanks.
Bytes64 = LargeBinary().with_variant(mysql.VARBINARY(256), "mysql", "mariadb")
Hash = LargeBinary().with_variant(mysql.BINARY(32), "mysql", "mariadb")

# Texts are compared exactly, as SQLite and PostgreSQL do, and hold every character; rows are transactional.
_options: Final[dict[str, Any]] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}
# SQLite would give the id of the last row, once deleted, to the next: an ended device's or a dissolved group's.
# `message` does without: its rows are never deleted, and keeping the counter costs each commit a page.
_lasting: Final[dict[str, Any]] = _options | {"sqlite_autoincrement": True}

user = Table(
    "user",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("mobile", String(21), nullable=False, unique=True),
    Column("passwd", String(150), nullable=False),
    Column("avatar", String(150), nullable=False, default=""),
    Column("sex", String(2), nullable=False, default="U"),
    Column("nickname", String(20), nullable=False, default=""),
    Column("salt", String(10), nullable=False, default=""),
    Column("online", Integer, nullable=False, default=0),
    Column("token", String(40), nullable=False, default=""),
    Column("memo", String(140), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    **_lasting,
)

device = Table(
    "device",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("userid", Big, nullable=False, index=True),
    Column("tokenhash", Hash, nullable=False, unique=True),
    Column("agent", String(150), nullable=False, default=""),
    Column("address", String(64), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    **_lasting,
)

contact = Table(
    "contact",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("ownerid", Big, nullable=False),
    Column("dstobj", Big, nullable=False),
    Column("cate", SmallInteger, nullable=False),
    Column("memo", String(120), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    UniqueConstraint("ownerid", "cate", "dstobj"),
    Index("ix_contact_dstobj_cate", "dstobj", "cate"),
    **_lasting,
)

community = Table(
    "community",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("name", String(30), nullable=False),
    Column("ownerid", Big, nullable=False, index=True),
    Column("icon", String(250), nullable=False, default=""),
    Column("cate", Integer, nullable=False, default=0),
    Column("memo", String(120), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    **_lasting,
)

friend_request = Table(
    "friendrequest",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("userid", Big, nullable=False),
    Column("dstid", Big, nullable=False, index=True),
    Column("memo", String(140), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    UniqueConstraint("userid", "dstid"),
    **_lasting,
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("scope", SmallInteger, nullable=False),
    Column("a", Big, nullable=False),
    Column("b", Big, nullable=False),
    # The newest seq, where several servers share the database: the row they lock. SQLite has one server, which
    # reads the head from the log itself and leaves this 0.
    Column("head", Big, nullable=False, default=0),
    UniqueConstraint("scope", "a", "b"),
    **_lasting,
)

participant = Table(
    "participant",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("scope", SmallInteger, nullable=False),
    Column("dstid", Big, nullable=False),
    Column("read", Big, nullable=False, default=0),
    Index("ix_participant_conversation", "conversation"),
    **_options,
)

message = Table(
    "message",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("conversation", Big, nullable=False),
    Column("seq", Big, nullable=False),
    Column("sender", Big, nullable=False),
    Column("cid", Bytes64, nullable=True),
    Column("ref", Big, nullable=True),
    Column("body", Body, nullable=False),
    # SQLite has `run` and `said` instead, which are written behind.
    UniqueConstraint("conversation", "seq").ddl_if(callable_=_on_servers),
    **_options,
)

Index(
    "uq_message_sender_cid",
    message.c.sender,
    message.c.cid,
    unique=True,
    postgresql_where=message.c.cid.is_not(None),
).ddl_if(callable_=_on_servers)
Index(
    "ix_message_ref",
    message.c.conversation,
    message.c.ref,
    sqlite_where=message.c.ref.is_not(None),
    postgresql_where=message.c.ref.is_not(None),
)

# What of the file store is in use, by the stem of the file's name (`files.interface.stem_of`).
IN_MESSAGE: Final = 1  # `place` is a conversation, `seq` the message's
IN_USER: Final = 2  # `place` is a user, whose avatar it is
IN_COMMUNITY: Final = 3  # `place` is a group, whose icon it is

attachment = Table(
    "attachment",
    metadata,
    Column("stem", String(70), primary_key=True),
    Column("cate", SmallInteger, primary_key=True, autoincrement=False),
    Column("place", Big, primary_key=True, autoincrement=False),
    Column("seq", Big, primary_key=True, autoincrement=False, default=0),
    Index("ix_attachment_place", "place", "seq", "cate"),
    **_options,
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
    **_options,
)
"""`epoch`: a random id made with the schema, by which clients and nodes know that it is the same log.
`written_through`: the newest message id that `run`, `said` and the senders' read marks account for (see `behind`).
`copying`: there while a copy into this database isn't finished."""

# Only SQLite has these, and they follow from `message`: they are made again, never copied.
derived = MetaData(naming_convention=metadata.naming_convention)

run = Table(
    "run",
    derived,
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("first", Big, primary_key=True, autoincrement=False),
    Column("last", Big, nullable=False),
    Column("id", Big, nullable=False),
    sqlite_with_rowid=False,
)
"""Messages `first` to `last` (seq) of a conversation have the row ids from `id` on."""

said = Table(
    "said",
    derived,
    Column("sender", Big, primary_key=True, autoincrement=False),
    Column("cid", Bytes64, primary_key=True, autoincrement=False),
    Column("id", Big, nullable=False),
    sqlite_with_rowid=False,
)
"""The row id of the message that a sender called `cid`."""
