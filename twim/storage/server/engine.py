"""SQLAlchemy engines of database servers, on which nothing waits for ever (see `bounds`)."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from twim.storage.server import bounds, mysql, postgresql

QUIET_SECONDS: Final = 1.0  # a connection that was used since then isn't asked first whether it is still there


def open_mysql(url: URL, connections: int, pool_seconds: float, patient: bool) -> Engine:
    """An engine of MySQL or MariaDB. See `twim.storage.engine.open_engine`."""
    url = url.update_query_dict({"charset": "utf8mb4"})
    return _open(url, connections, pool_seconds, mysql.connect_arguments(patient))


def open_postgresql(url: URL, connections: int, pool_seconds: float, patient: bool) -> Engine:
    """An engine of PostgreSQL. See `twim.storage.engine.open_engine`."""
    engine = _open(url, connections, pool_seconds, postgresql.connect_arguments(patient))
    if not patient:
        event.listen(engine, "do_connect", postgresql.connect_bounded)
    return engine


def _open(url: URL, connections: int, pool_seconds: float, arguments: dict[str, object]) -> Engine:
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_seconds,
        # Every transaction is ended by whoever began it, so none is left to be rolled back: that would be one more
        # round trip for each batch of messages.
        pool_reset_on_return=None,
        pool_recycle=bounds.RECYCLE_SECONDS,
        isolation_level="READ COMMITTED",
        connect_args=arguments,
    )
    _ping_after_quiet(engine)
    return engine


def _ping_after_quiet(engine: Engine) -> None:
    """Ask a connection whether it is still there, as `pool_pre_ping` does, but only when it was idle for a while."""

    def given_back(_connection: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("used", monotonic()) < QUIET_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool opens another one.
            raise DisconnectionError(str(error)) from error

    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)
