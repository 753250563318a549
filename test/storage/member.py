"""One of several servers that open a database at the same moment.

python -m test.storage.member URL    prints the epoch
"""

from __future__ import annotations

import sys

from sqlalchemy.engine import make_url
from twisted.internet import reactor

from twim.storage.database import Database
from twim.storage.opening import open_database

if __name__ == "__main__":
    database = Database(make_url(sys.argv[1]), reactor)
    print(open_database(database))
    database.stop()
