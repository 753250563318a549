"""What the deferred index costs: ``python -m bench.indexing [MESSAGES]`` writes it for 10,000 messages at a time.

Each message has a random cid; 400 senders say four messages each in turn. Printed is how long the write lock is held by
each write, its CPU time for each message, how long a start takes to load the index of cids, and finding a cid. Nothing
else runs in the process, so whatever else the machine does is in the times but not in the CPU.
"""

from __future__ import annotations

import secrets
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection
from twisted.internet import reactor

from bench.report import number
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database
from twim.storage.sqlite.backend import SqliteBackend
from twim.storage.sqlite.cid_entries import ID_BITS, hash_of
from twim.storage.sqlite.cid_index import CidIndex
from twim.storage.sqlite.driver import executing
from twim.storage.sqlite.index_writing import Noted, write_index

AT_ONCE = 10_000  # messages in one write
SENDERS, IN_A_ROW = 400, 4
LOOK_UPS = 1_000
BODY = b"x" * 180
_INSERT = "INSERT INTO message (id, conversation, seq, sender, cid, body) VALUES (?, ?, ?, ?, ?, ?)"


def _say(connection: sqlite3.Connection, first: int) -> list[tuple[int, int, bytes]]:
    """Append messages; gives the id, the sender and the cid of each."""
    rows = []
    for number_of in range(first, first + AT_ONCE):
        sender = number_of // IN_A_ROW % SENDERS + 1
        rows.append((number_of, sender // 2, number_of, sender, secrets.token_hex(16).encode(), BODY))
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    return [(row[0], row[3], row[4]) for row in rows]


def main() -> None:
    """Measure and print."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 600_000
    with tempfile.TemporaryDirectory() as folder:
        database = Database(parse_url(f"sqlite:///{Path(folder) / 'im.db'}"), reactor)
        open_database(database)
        backend = database.backend
        assert isinstance(backend, SqliteBackend)
        _measure(database, backend, messages)
        database.stop()


def _measure(database: Database, backend: SqliteBackend, messages: int) -> None:
    cids = backend.dialect.cids
    connection = backend.own_connection()
    held, cpu = [], 0.0

    def write(writing: Connection) -> None:
        cids.tidy(executing(writing))
        write_index(writing, cids, noted)

    for first in range(1, messages, AT_ONCE):
        said = _say(connection, first)
        noted = Noted([], [hash_of(cids.key, sender, cid) << ID_BITS | one for one, sender, cid in said])
        began, before = time.perf_counter(), time.process_time()
        database.transact(write, True, synced=False)
        held.append(1e3 * (time.perf_counter() - began))
        cpu += time.process_time() - before
    held.sort()
    print(f"lock held, ms: half {number(held[len(held) // 2])}, longest {number(held[-1])}")
    print(f"CPU, µs a message: {number(1e6 * cpu / messages)}")
    before = time.process_time()
    fresh = CidIndex()
    database.transact(lambda reading: fresh.write(executing(reading), messages, messages, None), False)
    print(f"loading at a start, CPU ms: {number(1e3 * (time.process_time() - before))}")
    before = time.process_time()
    for one, sender, cid in said[:LOOK_UPS]:
        assert fresh.find(connection.execute, sender, cid) == one
    print(f"finding a cid, CPU µs: {number(1e6 * (time.process_time() - before) / LOOK_UPS)}")
    connection.close()


if __name__ == "__main__":
    main()
