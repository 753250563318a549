"""The first schema."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
Body = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
Bytes64 = sa.LargeBinary().with_variant(mysql.VARBINARY(256), "mysql", "mariadb")
Hash = sa.LargeBinary().with_variant(mysql.BINARY(32), "mysql", "mariadb")

OPTIONS: Final[dict[str, Any]] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}
LASTING: Final[dict[str, Any]] = {"sqlite_autoincrement": True}


def upgrade() -> None:
    """Make every table."""
    _people()
    _relations()
    _log()


def _people() -> None:
    _table(
        "user",
        _id(),
        _column("mobile", sa.String(21)),
        _column("passwd", sa.String(150)),
        _column("avatar", sa.String(150)),
        _column("sex", sa.String(2)),
        _column("nickname", sa.String(20)),
        _column("salt", sa.String(10)),
        _column("online", sa.Integer()),
        _column("token", sa.String(40)),
        _column("memo", sa.String(140)),
        _column("createat", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("mobile", name="uq_user_mobile"),
        **LASTING,
    )
    _table(
        "device",
        _id(),
        _column("userid", Big),
        _column("tokenhash", Hash),
        _column("agent", sa.String(150)),
        _column("address", sa.String(64)),
        _column("createat", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("tokenhash", name="uq_device_tokenhash"),
        **LASTING,
    )
    _index("ix_device_userid", "device", ["userid"])


def _relations() -> None:
    _table(
        "contact",
        _id(),
        _column("ownerid", Big),
        _column("dstobj", Big),
        _column("cate", sa.SmallInteger()),
        _column("memo", sa.String(120)),
        _column("createat", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.UniqueConstraint("ownerid", "cate", "dstobj", name="uq_contact_ownerid_cate_dstobj"),
        **LASTING,
    )
    _index("ix_contact_dstobj_cate", "contact", ["dstobj", "cate"])
    _table(
        "community",
        _id(),
        _column("name", sa.String(30)),
        _column("ownerid", Big),
        _column("icon", sa.String(250)),
        _column("cate", sa.Integer()),
        _column("memo", sa.String(120)),
        _column("createat", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_community"),
        **LASTING,
    )
    _index("ix_community_ownerid", "community", ["ownerid"])
    _table(
        "friendrequest",
        _id(),
        _column("userid", Big),
        _column("dstid", Big),
        _column("memo", sa.String(140)),
        _column("createat", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_friendrequest"),
        sa.UniqueConstraint("userid", "dstid", name="uq_friendrequest_userid_dstid"),
        **LASTING,
    )
    _index("ix_friendrequest_dstid", "friendrequest", ["dstid"])


def _log() -> None:
    _table(
        "conversation",
        _id(),
        _column("scope", sa.SmallInteger()),
        _column("a", Big),
        _column("b", Big),
        _column("head", Big),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint("scope", "a", "b", name="uq_conversation_scope_a_b"),
        **LASTING,
    )
    _table(
        "participant",
        _column("userid", Big, autoincrement=False),
        _column("conversation", Big, autoincrement=False),
        _column("scope", sa.SmallInteger()),
        _column("dstid", Big),
        _column("read", Big),
        sa.PrimaryKeyConstraint("userid", "conversation", name="pk_participant"),
    )
    _index("ix_participant_conversation", "participant", ["conversation"])
    _table(
        "message",
        _id(),
        _column("conversation", Big),
        _column("seq", Big),
        _column("sender", Big),
        _column("cid", Bytes64, nullable=True),
        _column("ref", Big, nullable=True),
        _column("body", Body),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("conversation", "seq", name="uq_message_conversation_seq"),
    )
    _index("uq_message_sender_cid", "message", ["sender", "cid"], unique=True, **_where("cid"))
    _index("ix_message_ref", "message", ["conversation", "ref"], **_where("ref"))
    _table(
        "attachment",
        _column("stem", sa.String(70)),
        _column("cate", sa.SmallInteger(), autoincrement=False),
        _column("place", Big, autoincrement=False),
        _column("seq", Big, autoincrement=False),
        sa.PrimaryKeyConstraint("stem", "cate", "place", "seq", name="pk_attachment"),
    )
    _index("ix_attachment_place", "attachment", ["place", "seq", "cate"])
    _table(
        "meta",
        _column("name", sa.String(40)),
        _column("value", sa.String(200)),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", Big, autoincrement=True, nullable=False)


def _column(name: str, kind: Any, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **more)


def _where(column: str) -> dict[str, Any]:
    filled = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": filled, "postgresql_where": filled}


def _table(name: str, *parts: Any, **more: Any) -> None:
    op.create_table(name, *parts, if_not_exists=True, **OPTIONS, **more)


def _index(name: str, table: str, columns: list[str], **more: Any) -> None:
    # MySQL has no CREATE INDEX IF NOT EXISTS, and none of its changes of a schema is undone.
    there = {one["name"] for one in sa.inspect(op.get_bind()).get_indexes(table)}
    if name not in there:
        op.create_index(name, table, columns, **more)
