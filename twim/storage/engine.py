"""Database URLs, and the SQLAlchemy engine that each kind of database is opened with.

A transaction that writes asks for ``execution_options(write=True)``: on SQLite it then takes the write lock at its
start.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from twim.storage.server.engine import open_mysql, open_postgresql
from twim.storage.sqlite.engine import open_sqlite

POOL_SECONDS: Final = 5  # how long a thread waits for a free connection; there is one for each

DRIVERS: Final = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


def parse_url(text: str) -> URL:
    """The database URL with the driver this server uses. `ValueError` when it is none we know."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(f"not a database URL: {text!r}") from None
    kind = url.drivername.partition("+")[0]
    if kind not in DRIVERS:
        raise ValueError(f"no database {kind!r}: use sqlite, mysql or postgresql")
    if kind == "sqlite" and not url.database:
        raise ValueError("a sqlite URL names a file: sqlite:///path/to/im.db")
    url = url.set(drivername=DRIVERS[kind])
    module = url.drivername.partition("+")[2]
    if module and find_spec(module) is None:
        extra = "mysql" if module == "pymysql" else "postgresql"
        raise ValueError(f"{kind} needs the package {module}: pip install 'twim[{extra}]'")
    if kind != "sqlite" and not url.database:
        raise ValueError(f"a {kind} URL names a database: {kind}://USER:PASSWORD@HOST/NAME")
    return url


def open_engine(url: URL, connections: int, patient: bool = False) -> Engine:
    """An engine of at most `connections` connections. Connects only when first used. A `patient` one waits for
    answers and locks of a database server as long as it takes: for work on whole tables."""
    if url.drivername == "sqlite":
        return open_sqlite(url, connections, POOL_SECONDS)
    if url.drivername.startswith("mysql"):
        return open_mysql(url, connections, POOL_SECONDS, patient)
    return open_postgresql(url, connections, POOL_SECONDS, patient)
