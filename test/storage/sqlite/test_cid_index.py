"""SQLite's index of cids: whatever is moved, undone, forgotten or collides, a cid that is stored is found."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, insert, select, text

from test.storage.rig import OnSqlite, asynchronous
from twim.storage.engine import parse_url
from twim.storage.schema import cid_bucket, cid_recent, message, meta
from twim.storage.sqlite import cid_index, cid_moving
from twim.storage.sqlite.cid_entries import CID_BYTES, HASH_MASK, ID_BITS, hash_of, ids_of, new_key, pack, unpack
from twim.storage.sqlite.cid_filter import LEAST_BITS, MOST_BITS, CidFilter
from twim.storage.sqlite.cid_index import CidIndex
from twim.storage.sqlite.driver import executing
from twim.storage.written_through import set_written_through


class Undo(Exception):
    """Ends a transaction without committing it."""


class CidIndexTests(OnSqlite):
    """A log with messages that have cids."""

    def setUp(self) -> None:
        super().setUp()
        # Few messages go through all that takes hundreds of thousands otherwise.
        for name, value in (("MOST_ENTRIES", 24), ("TOGETHER", 300), ("RUNS", 2)):
            self.patch(cid_moving, name, value)
        self.patch(cid_index, "FEW", 5)
        self.random = Random(5)
        self.said: dict[tuple[int, bytes], int] = {}

    @property
    def index(self) -> CidIndex:
        """The index of the storage."""
        return self.storage.database.dialect.cids

    def transact(self, work: Any) -> Any:
        """Run `work` as a transaction."""
        return self.storage.database.transact(work, True)

    def add(self, connection: Connection, count: int) -> None:
        """Append so many messages of three senders."""
        for _ in range(count):
            sender, cid = self.random.randint(1, 3), self.random.randbytes(self.random.choice((4, 16, 36, 60)))
            row = {"conversation": 1, "seq": len(self.said) + 1, "sender": sender, "cid": cid, "body": b"{}"}
            added = connection.execute(insert(message).values(row))
            self.said[sender, cid] = int(added.inserted_primary_key[0])

    def write(self, connection: Connection) -> None:
        """What happens when the deferred index is due."""
        self.index.tidy(executing(connection))
        self.storage.database.dialect.write_index(connection)

    def found(self, index: CidIndex) -> dict[tuple[int, bytes], int]:
        """What the index says of every cid there is, and of as many that there aren't."""

        def work(connection: Connection) -> dict[tuple[int, bytes], int]:
            asked = [*self.said, *((sender + 1, cid) for sender, cid in self.said), (1, b"never")]
            found = ((one, index.find(executing(connection), *one)) for one in asked)
            return {one: message_id for one, message_id in found if message_id is not None}

        return dict(self.storage.database.transact(work, False))

    def loaded(self) -> CidIndex:
        """The index as another start finds it."""
        index = CidIndex()
        newest = max(self.said.values())
        self.transact(self.storage.database.dialect.write_index)
        self.transact(lambda connection: index.write(executing(connection), newest, newest, None))
        return index

    def rows(self, table: Any) -> list[Any]:
        """All of a table."""
        return list(self.storage.database.transact(lambda c: c.execute(select(table)).all(), False))

    def test_through_every_move(self) -> None:
        """Each is found after each step by which it comes to a bucket, and buckets' rows become one; at any time, and
        after another start."""
        most = 0
        for number in range(50):

            def work(connection: Connection) -> None:
                self.write(connection)
                self.add(connection, self.random.randint(1, 7))
                self.storage.database.dialect.write_index(connection)

            self.transact(work)
            self.assertEqual(self.found(self.index), self.said)
            if number % 10 == 0:
                self.assertEqual(self.found(self.loaded()), self.said)
            most = max(most, len(self.rows(cid_recent)))
        self.assertLess(most, 24)
        rows = self.rows(cid_bucket)
        self.assertGreater(len(rows), 50)
        merged = [one for _, entries in rows for one in unpack(entries)]
        self.assertEqual(len(merged), len(set(merged)))

    def test_merged(self) -> None:
        """A bucket has few rows, however often something is moved there."""
        self.patch(cid_index, "hash_of", lambda key, sender, cid: 7)
        for _ in range(80):
            self.transact(lambda connection: self.add(connection, 5))
            self.transact(self.write)
        self.assertLessEqual(len(self.rows(cid_bucket)), 3)

    def test_undone(self) -> None:
        """A transaction that fails after it has written, moved and removed entries leaves all to be found."""
        for number in range(30):

            def work(connection: Connection, fails: bool) -> None:
                self.write(connection)
                if fails:
                    raise Undo

            self.transact(lambda connection: self.add(connection, 4))
            if number % 3:
                self.assertRaises(Undo, self.transact, lambda connection: work(connection, True))
            self.transact(lambda connection: work(connection, False))
            self.assertEqual(self.found(self.index), self.said)

    def test_many_undone(self) -> None:
        """As many as are made in several pieces, in a transaction that fails."""
        self.patch(cid_index, "PIECE", 10)
        self.transact(self.write)
        self.transact(lambda connection: self.add(connection, 60))
        self.transact(self.write)
        before = dict(self.said)

        def work(connection: Connection) -> None:
            self.index.tidy(executing(connection))
            for _ in range(2):
                self.add(connection, 100)
                self.storage.database.dialect.write_index(connection)
            raise Undo

        self.assertRaises(Undo, self.transact, work)
        self.said = before
        self.assertEqual(self.found(self.index), before)

    def test_undone_at_first(self) -> None:
        """The key that was made in a transaction that failed is not used."""
        self.transact(lambda connection: self.add(connection, 4))
        fresh = CidIndex()
        self.transact(lambda connection: connection.execute(meta.delete().where(meta.c.name == "cid_key")))

        def work(connection: Connection) -> None:
            fresh.write(executing(connection), 0, 4, None)
            raise Undo

        self.assertRaises(Undo, self.transact, work)
        self.transact(lambda connection: fresh.write(executing(connection), 0, 4, None))
        self.assertEqual(self.found(fresh), self.said)
        again = CidIndex()
        self.transact(lambda connection: again.write(executing(connection), 4, 4, None))
        self.assertEqual(self.found(again), self.said)

    def test_without_key(self) -> None:
        """Where the key is missing, as after an upgrade, all is made anew from the log."""
        self.patch(cid_index, "PIECE", 7)
        self.transact(lambda connection: self.add(connection, 90))
        self.transact(lambda connection: set_written_through(connection, 90))
        self.transact(lambda connection: connection.execute(text("DELETE FROM meta WHERE name = 'cid_key'")))
        index = CidIndex()
        self.transact(lambda connection: index.write(executing(connection), 90, 90, None))
        self.assertEqual(self.found(index), self.said)
        self.assertTrue(self.rows(cid_bucket))

    def test_collisions(self) -> None:
        """Cids of one hash are told apart by the messages."""
        self.patch(cid_index, "hash_of", lambda key, sender, cid: 7)
        self.transact(lambda connection: self.add(connection, 20))
        self.transact(self.write)
        self.assertEqual(self.found(self.index), self.said)

    def test_deleted(self) -> None:
        """What was deleted from the log isn't found; its entries go when rows of its bucket become one."""
        self.patch(cid_index, "hash_of", lambda key, sender, cid: 7)
        self.transact(lambda connection: self.add(connection, 30))
        self.transact(self.write)
        self.transact(lambda connection: connection.execute(message.delete().where(message.c.id <= 25)))
        kept = {one: message_id for one, message_id in self.said.items() if message_id > 25}
        self.assertEqual(self.found(self.index), kept)
        self.said = kept
        for _ in range(60):
            self.transact(lambda connection: self.add(connection, 5))
            self.transact(self.write)
        ids = {one & cid_moving.ID_MASK for _, entries in self.rows(cid_bucket) for one in unpack(entries)}
        self.assertTrue(ids)
        self.assertGreater(min(ids), 25)

    @asynchronous
    async def test_files_of_a_killed_server(self) -> None:
        """A copy of the files between any two transactions, as a killed server leaves them, has all that was stored."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        path = Path(str(self.address.database))
        cids = []
        for number in range(40):
            cids += [f"{number}-{n}" for n in range(3)]
            for cid in cids[-3:]:
                await self.storage.say(a, b, cid=cid)
            if number % 2:
                await self.storage.indexing.written()
            if number % 8 == 7:
                copy = Path(self.mktemp())
                copy.mkdir()
                for file in path.parent.glob(f"{path.name}*"):
                    shutil.copy(file, copy)
                self.address = parse_url(f"sqlite:///{copy.absolute() / path.name}")
                other = self.open()
                for seq, cid in enumerate(cids, 1):
                    self.assertEqual((await other.say(a, b, cid=cid)).first[2], seq)


class EntriesTests(OnSqlite):
    """Hashes and the arrays of them."""

    def test_packed(self) -> None:
        """Entries are stored sorted, eight bytes each, little-endian."""
        self.assertEqual(pack([258, 1]), bytes([1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]))
        self.assertEqual(list(unpack(pack([5, 3, 4]))), [3, 4, 5])

    def test_ids(self) -> None:
        """All ids of one hash, and no other's."""
        entries = unpack(pack([6 << ID_BITS | 9, 7 << ID_BITS | 1, 7 << ID_BITS | 3, 8 << ID_BITS]))
        self.assertEqual([ids_of(entries, one) for one in (5, 6, 7, 8)], [[], [9], [1, 3], [0]])
        self.assertEqual(ids_of(unpack(pack([HASH_MASK << ID_BITS | 5])), HASH_MASK), [5])

    def test_hashes_differ(self) -> None:
        """The sender, every byte of a cid and the key make the hash: of 4,000 alike inputs hardly two are the same."""
        key = new_key()
        cids = [str(n).encode() for n in range(1_000)] + [b"x" * CID_BYTES + str(n).encode() for n in range(1_000)]
        hashes = {hash_of(key, sender, cid) for sender in (1, 2) for cid in cids}
        self.assertGreater(len(hashes), 3_990)
        self.assertLessEqual(max(hashes), HASH_MASK)
        self.assertNotEqual([hash_of(new_key(), 1, one) for one in cids], [hash_of(key, 1, one) for one in cids])

    def test_filter(self) -> None:
        """What was added is there; little else is; its size is bounded."""
        one = CidFilter(0)
        hashes = [hash_of(new_key(), 1, str(n).encode()) for n in range(1_000)]
        one.add(hashed << ID_BITS for hashed in hashes[:500])
        self.assertTrue(all(map(one.may_have, hashes[:500])))
        self.assertLess(sum(map(one.may_have, hashes[500:])), 20)
        sizes = [len(CidFilter(messages).bits) for messages in (0, 6_000_000, 10**12)]
        self.assertEqual(sizes, [1 << LEAST_BITS - 3, 1 << LEAST_BITS - 2, 1 << MOST_BITS - 3])
