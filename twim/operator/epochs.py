"""Another epoch for a database, after it was brought to an earlier state."""

from __future__ import annotations

from twim.operator.locations import locked
from twim.storage.database import Database
from twim.storage.opening import open_database, renew_epoch


def new_epoch(database: Database) -> str:
    """Give the database, which no server may use meanwhile, a new epoch: clients forget what they have and load anew.
    Gives the epoch. `Refused`, `CannotOpen`, `Unavailable`."""
    with locked(database):
        open_database(database)
        return database.transact(renew_epoch, True)
