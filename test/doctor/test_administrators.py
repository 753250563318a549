"""Whether there is an administrator."""

from __future__ import annotations

from sqlalchemy import update

from test.doctor.examined import Examined
from test.doctor.test_database import address
from test.storage.databases import MYSQL, POSTGRESQL
from twim.config import Config
from twim.storage.engine import open_engine, parse_url
from twim.storage.schema import user

COMMAND = "twim user role USER admin"


class AdministratorsTests(Examined):
    """The topic `administrators`."""

    def change(self, config: Config, **values: object) -> None:
        """Change the first user."""
        engine = open_engine(parse_url(config.db), 1)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(update(user).where(user.c.id == 10_000_000).values(**values))
        engine.dispose()

    def test_on_every_database(self) -> None:
        """None; one; one who may not log in."""
        for config in (self.config(), *(self.config(db=address(server)) for server in (MYSQL, POSTGRESQL))):
            self.make(config, people=2)
            found = self.assert_found(self.examine("administrators", config), "warning", "there is no administrator")
            self.assertIn(COMMAND, found.fix)
            self.change(config, role="admin")
            self.assert_no_problem(self.examine("administrators", config))
            self.change(config, disabled=1)
            self.assert_found(self.examine("administrators", config), "warning", "there is no administrator")

    def test_nobody_yet(self) -> None:
        """Before anybody has registered that is no fault."""
        self.make()
        found = self.examine("administrators")
        self.assertIn("setup code", self.assert_found(found, "note", "nobody has registered").fix)
        self.assert_no_problem(found)

    def test_operators(self) -> None:
        """The option that goes."""
        self.make()
        found = self.examine("administrators", self.config(operators="13800000000"))
        self.assert_found(found, "warning", "--operators goes")
