"""Nodes of one database that were started differently."""

from __future__ import annotations

import time

from sqlalchemy import insert

from test.doctor.examined import Examined
from test.doctor.test_database import address
from test.storage.databases import MYSQL, POSTGRESQL
from twim.config import Config
from twim.doctor import Finding
from twim.storage.engine import open_engine, parse_url
from twim.storage.schema import setting


class NodesTests(Examined):
    """The topic `nodes`. What real nodes tell is in test/running."""

    def tell(self, config: Config, node: str, ago: float = 0.0, **told: str) -> None:
        """Put down what a node tells, so many seconds ago; `about_` for what it says of itself."""
        at = int((time.time() - ago) * 1000)
        engine = open_engine(parse_url(config.db), 1)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            for name, value in told.items():
                row = {"name": name.replace("about_", "about."), "node": node, "value": value, "at": at}
                connection.execute(insert(setting).values(**row))
        engine.dispose()

    def two(self, one: dict[str, str], other: dict[str, str]) -> list[Finding]:
        """What is found of two nodes that tell this, on a new database."""
        config = self.config(db=address(MYSQL))
        self.make(config)
        self.tell(config, "aa", about_address="a:1", **one)
        self.tell(config, "bb", about_address="b:1", **other)
        return self.examine("nodes", config)

    def test_sqlite(self) -> None:
        """There is one node."""
        self.assert_no_problem(self.examine("nodes"))

    def test_none(self) -> None:
        """Nobody tells anything, or did so long ago."""
        for server in (MYSQL, POSTGRESQL):
            config = self.config(db=address(server))
            self.assert_found(self.examine("nodes", config), "note", "schema")
            self.make(config)
            self.assert_found(self.examine("nodes", config), "ok", "no node runs")
            self.tell(config, "", signup="off")
            self.tell(config, "aa", ago=50, signup="open")
            self.assert_found(self.examine("nodes", config), "ok", "no node runs")

    def test_alike(self) -> None:
        """The same settings, version and bus."""
        told = {"signup": "invite", "about_version": "1", "about_bus": "redis"}
        found = self.two(told, told)
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "2 nodes (a:1, b:1), started alike")

    def test_settings(self) -> None:
        """Of different values the stricter is named; an option that only one has is to be known."""
        found = self.two({"signup": "open", "upload_limit": "5"}, {"signup": "off"})
        text = self.assert_found(found, "warning", "different values of --signup, of which off holds").text
        self.assertIn("off (b:1); open (a:1)", text)
        self.assert_found(found, "note", "--upload-limit was given to some nodes only, not to b:1")

    def test_versions(self) -> None:
        """An upgrade that was forgotten halfway."""
        found = self.two({"about_version": "1.0", "about_bus": "redis"}, {"about_version": "1.1", "about_bus": "redis"})
        self.assert_found(found, "warning", "1.0 (a:1); 1.1 (b:1)")

    def test_buses(self) -> None:
        """Different ones, none, and different keys."""
        self.assert_found(self.two({"about_bus": "redis"}, {"about_bus": "udp"}), "error", "use different buses")
        self.assert_found(self.two({"about_bus": "alone"}, {"about_bus": "alone"}), "error", "without a bus")
        found = self.two({"about_bus": "udp", "about_key": "01"}, {"about_bus": "udp", "about_key": "02"})
        self.assertIn("cluster.key", self.assert_found(found, "error", "different cluster keys: a:1; b:1").fix)
