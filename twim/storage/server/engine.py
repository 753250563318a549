"""SQLAlchemy engines of database servers, on which nothing waits for ever (see `bounds`)."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from twim.storage.server import bounds, mysql, postgresql


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
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_seconds,
        pool_pre_ping=True,
        pool_recycle=bounds.RECYCLE_SECONDS,
        isolation_level="READ COMMITTED",
        connect_args=arguments,
    )
