"""The tables, for SQLite, MySQL/MariaDB and PostgreSQL alike.

`user`, `contact` and `community` have the original Go server's columns. Two of them stay empty on purpose: `user.salt`
(an argon2 hash carries its own) and `user.token` (tokens are kept per device, hashed, in `device`).

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
options: Final[dict[str, Any]] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}
# SQLite would give the id of the last row, once deleted, to the next: an ended device's or a dissolved group's.
# `message` does without, since keeping the counter costs each commit a page: the row with the newest id and the newest
# one of each conversation are never deleted, only emptied (see `retention`).
lasting: Final[dict[str, Any]] = options | {"sqlite_autoincrement": True}

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
    # `member` or `admin`; 1 for who may not log in any more; 1 for who may not yet, since nobody has approved.
    Column("role", String(8), nullable=False, server_default="member", index=True),
    Column("disabled", SmallInteger, nullable=False, server_default="0"),
    Column("waiting", SmallInteger, nullable=False, server_default="0"),
    # What may be told by a push: 1 for words; not in the `quiet` hours (`22:00-07:00`) of the time zone `zone`.
    Column("words", SmallInteger, nullable=False, server_default="1"),
    Column("quiet", String(11), nullable=False, server_default=""),
    Column("zone", String(64), nullable=False, server_default=""),
    # 1 for a program that has a key and no password (see `schema_bots`).
    Column("bot", SmallInteger, nullable=False, server_default="0"),
    **lasting,
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
    # About when it was used last, in ms since 1970; 0 where that isn't known.
    Column("used", Big, nullable=False, server_default="0", index=True),
    **lasting,
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
    # Of a friend: the user's own name for them. Of a group: 1 for an admin, and until when (ms) the member is muted.
    Column("remark", String(120), nullable=False, server_default=""),
    Column("admin", SmallInteger, nullable=False, server_default="0"),
    Column("muted", Big, nullable=False, server_default="0"),
    UniqueConstraint("ownerid", "cate", "dstobj"),
    Index("ix_contact_dstobj_cate", "dstobj", "cate"),
    **lasting,
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
    Column("join", String(8), nullable=False, server_default="open"),
    Column("history", String(8), nullable=False, server_default="all"),
    Column("post", String(8), nullable=False, server_default="members"),
    Column("notice", String(2000), nullable=False, server_default=""),
    Column("dissolved", SmallInteger, nullable=False, server_default="0"),
    # 1 for a group that its owner didn't make.
    Column("received", SmallInteger, nullable=False, server_default="0"),
    # When (ms) its members or rules last changed, for nodes that were not told.
    Column("changed", Big, nullable=False, server_default="0", index=True),
    **lasting,
)

# Those who are no members any more and of whom something has to be known when they want to be: who was removed comes
# back only by being added or approved, and who was muted is so again.
former_member = Table(
    "formermember",
    metadata,
    Column("community", Big, primary_key=True, autoincrement=False),
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("removed", SmallInteger, nullable=False, default=0),
    Column("muted", Big, nullable=False, default=0),
    **options,
)

join_request = Table(
    "joinrequest",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("community", Big, nullable=False),
    Column("userid", Big, nullable=False),
    Column("createat", Moment, nullable=False),
    UniqueConstraint("community", "userid"),
    **lasting,
)

# `userid` blocks `dstid`.
block = Table(
    "block",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("dstid", Big, primary_key=True, autoincrement=False, index=True),
    Column("changed", Big, nullable=False, default=0),
    **options,
)

friend_request = Table(
    "friendrequest",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("userid", Big, nullable=False),
    Column("dstid", Big, nullable=False, index=True),
    Column("memo", String(140), nullable=False, default=""),
    Column("createat", Moment, nullable=False),
    # 1 for one made while the other blocked the user: it is never shown.
    Column("hidden", SmallInteger, nullable=False, server_default="0"),
    UniqueConstraint("userid", "dstid"),
    **lasting,
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
    # The first seq that is kept: what came before was deleted by its age.
    Column("floor", Big, nullable=False, server_default="1"),
    UniqueConstraint("scope", "a", "b"),
    **lasting,
)

participant = Table(
    "participant",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("scope", SmallInteger, nullable=False),
    Column("dstid", Big, nullable=False),
    Column("read", Big, nullable=False, default=0),
    # The first seq that the user may read: never below the conversation's own floor.
    Column("floor", Big, nullable=False, server_default="1"),
    # How the user keeps the conversation: 1 for muted, 1 for pinned; and the head at which it was hidden, 0 for never.
    Column("mute", SmallInteger, nullable=False, server_default="0"),
    Column("pin", SmallInteger, nullable=False, server_default="0"),
    Column("hidden", Big, nullable=False, server_default="0"),
    # The last time (ms) that the user told to have read, and from which mark to which that moved it.
    Column("readfrom", Big, nullable=False, server_default="0"),
    Column("readto", Big, nullable=False, server_default="0"),
    Column("readat", Big, nullable=False, server_default="0"),
    Index("ix_participant_conversation", "conversation"),
    **options,
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
    # SQLite has `run` and an index of cids instead, which are written later.
    UniqueConstraint("conversation", "seq").ddl_if(callable_=_on_servers),
    **options,
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

# What edited messages said before their first edit, as UTF-8; what they said later stands in the edits.
original = Table(
    "original",
    metadata,
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("content", Body, nullable=False),
    **options,
)

# What of the file store is in use, by the stem of the file's name (`files.interface.stem_of`). Column `place` has the
# id of what uses the file.
IN_MESSAGE: Final = 1  # a conversation's; `seq` is the message's
IN_USER: Final = 2  # a user's, whose avatar it is
IN_COMMUNITY: Final = 3  # a group's, whose icon it is

attachment = Table(
    "attachment",
    metadata,
    Column("stem", String(70), primary_key=True),
    Column("cate", SmallInteger, primary_key=True, autoincrement=False),
    Column("place", Big, primary_key=True, autoincrement=False),
    Column("seq", Big, primary_key=True, autoincrement=False, default=0),
    Index("ix_attachment_place", "place", "seq", "cate"),
    **options,
)

# Who uploaded which files, by their stems, with the bytes of the file, and when (milliseconds since 1970).
upload = Table(
    "upload",
    metadata,
    Column("stem", String(70), primary_key=True),
    Column("userid", Big, primary_key=True, autoincrement=False, index=True),
    Column("size", Big, nullable=False),
    Column("at", Big, nullable=False),
    **options,
)

# What is counted for all nodes together (see `attempts`): `level` in thousandths, at the time `at`; `until` is when the
# next attempt may be made. Both times are milliseconds since 1970.
attempt = Table(
    "attempt",
    metadata,
    Column("key", Hash, primary_key=True),
    Column("level", Big, nullable=False),
    Column("at", Big, nullable=False, index=True),
    Column("until", Big, nullable=False),
    **options,
)

# By what an account is known: hashes of a browser's cookie, and of addresses.
known_login = Table(
    "knownlogin",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("hash", Hash, primary_key=True),
    Column("at", Moment, nullable=False),
    **options,
)

# What lets somebody in who isn't: to the server (`community` 0) or to a group. Times are milliseconds since 1970.
invite = Table(
    "invite",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("hash", Hash, nullable=False, unique=True),
    Column("maker", Big, nullable=False, index=True),
    Column("community", Big, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False, default=0),
    Column("expires", Big, nullable=False),
    **lasting,
)

# Settings that are changed at run time (`node` is ""), and those that a running node was given as options, until it
# was last there at the time `at` (milliseconds since 1970).
setting = Table(
    "setting",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("node", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
    Column("at", Big, nullable=False),
    **options,
)

# What administrators did: appended, never changed. `who` acted: `id:7`, `command:root` or `key:3`; `what` is JSON that
# names users, groups and others by their ids.
audit = Table(
    "audit",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("at", Big, nullable=False),
    Column("who", String(100), nullable=False),
    Column("act", String(40), nullable=False),
    Column("what", String(500), nullable=False),
    **lasting,
)

# Acts that the command leaves for a node to carry out. `told` and `outcome` are JSON. Times are milliseconds since
# 1970; `beat` grows while a node carries it out.
orders = Table(
    "orders",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("act", String(40), nullable=False),
    Column("told", Body, nullable=False),
    Column("who", String(100), nullable=False),
    Column("state", String(8), nullable=False, index=True),
    Column("outcome", Body, nullable=False),
    Column("at", Big, nullable=False),
    Column("taken", Big, nullable=False),
    Column("node", String(40), nullable=False),
    Column("beat", Integer, nullable=False),
    **lasting,
)

# By what a user may set a new password, once, until `expires` (milliseconds since 1970).
password_reset = Table(
    "passwordreset",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("hash", Hash, nullable=False, unique=True),
    Column("expires", Big, nullable=False),
    **options,
)

# Of other programs. `scopes` have commas between them; `used` is about when it was used last, in ms since 1970, or 0.
api_key = Table(
    "apikey",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("name", String(40), nullable=False),
    Column("hash", Hash, nullable=False, unique=True),
    Column("scopes", String(100), nullable=False),
    Column("at", Big, nullable=False),
    Column("used", Big, nullable=False, server_default="0"),
    **lasting,
)

# How other programs call users (`kind` 1) and groups (2): by ids of their own.
external = Table(
    "external",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", String(64), primary_key=True),
    Column("id", Big, nullable=False),
    UniqueConstraint("kind", "id"),
    **options,
)

# What was answered to requests of other programs that may be sent again, by the key and the hash of the request's own
# name; `request` is the hash of what was asked. `status` is 0 while it runs; `answer` is empty where it isn't kept.
kept_answer = Table(
    "keptanswer",
    metadata,
    Column("key", Big, primary_key=True, autoincrement=False),
    Column("name", Hash, primary_key=True),
    Column("request", Hash, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", Body, nullable=False),
    Column("at", Big, nullable=False, index=True),
    **options,
)

# Users who are being erased, until nothing of them is left.
erasure = Table(
    "erasure",
    metadata,
    Column("userid", Big, primary_key=True, autoincrement=False),
    **options,
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
    **options,
)
"""`epoch`: a random id made with the schema, by which clients and nodes know that it is the same log.
`written_through`: the newest message id that `run`, the index of cids and the senders' read marks account for
(see `sqlite.index_writing`). `cid_key`, `cid_moving`: see `sqlite.cid_index` and `sqlite.cid_moving`.
`setup`: the code by which somebody becomes the first administrator, while there is none.
`filekey`: by which the URLs of files are signed (see `file_key`). `pushkey`: see `push_key`.
`copying`: there while a copy into this database isn't finished."""

# These follow from `message` on every database (see `unread`): they are made again, never copied.
counted = MetaData(naming_convention=metadata.naming_convention)

silent = Table(
    "silent",
    counted,
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("seq", Big, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    **options,
)
"""The messages that nobody has to read: events, notices, and what was recalled."""

named = Table(
    "named",
    counted,
    Column("userid", Big, primary_key=True, autoincrement=False),
    Column("conversation", Big, primary_key=True, autoincrement=False),
    Column("seq", Big, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    **options,
)
"""Whom a message names as it is shown now: who is mentioned (0 is everybody), and who a notice is about."""

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

cid_recent, cid_bucket = (
    Table(
        name,
        derived,
        Column("id", Big, primary_key=True, autoincrement=False),
        Column("entries", Body, nullable=False),
    )
    for name in ("cid_recent", "cid_bucket")
)
"""Which messages their senders called by which cids (see `sqlite.cid_index`)."""
