"""Orders and real processes: a node that is killed while it carries one out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from sqlalchemy import Engine, create_engine, insert, select

from test.running.people import PASSWD, new_mobile
from test.running.server import Server
from test.storage.databases import POSTGRESQL, empty_database
from twim.storage.schema import orders, user

SECONDS = 60


def until(true: Callable[[], bool], what: str) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def leave(engine: Engine, act: str, **told: object) -> int:
    """Leave an order, as the command does."""
    values = {"act": act, "told": json.dumps(told).encode(), "who": "command:test", "at": time.time_ns() // 10**6}
    unset = {"state": "waiting", "outcome": b"", "taken": 0, "node": "", "beat": 0}
    with engine.begin() as connection:
        made = connection.execute(insert(orders).values(values | unset))
        assert made.inserted_primary_key is not None
        return int(made.inserted_primary_key[0])


def state(engine: Engine, number: int) -> tuple[Any, ...]:
    """Of an order: its state, and the sign of life of the node that is at it."""
    with engine.connect() as connection:
        return tuple(connection.execute(select(orders.c.state, orders.c.beat).where(orders.c.id == number)).one())


def status(server: Server, token: str) -> int:
    """Whether a token is good: 200 or 401."""
    try:
        with urlopen(Request(f"{server.url}/user/sessions?token={token}")) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_killed(tmp_path: Path) -> None:
    """Of a node that is killed the order stays as it was: it gives no sign of life any more, and neither the same node
    nor another carries the order out again. What is ordered afterwards is done."""
    url = empty_database(POSTGRESQL)
    engine = create_engine(url)
    text = url.render_as_string(hide_password=False).replace("+psycopg", "")
    with Server(tmp_path, ("--db", text)) as server:
        form = urlencode({"mobile": new_mobile(), "passwd": PASSWD}).encode()
        with urlopen(Request(f"{server.url}/user/register", form)) as answer:
            ann = json.load(answer)["data"]
        with engine.begin() as connection:
            # The act waits for this lock.
            connection.execute(select(user.c.id).where(user.c.id == ann["id"]).with_for_update())
            number = leave(engine, "user.sessions", user=ann["id"])
            until(lambda: state(engine, number)[0] == "running", "the node has taken it")
            server.kill9()
        left = state(engine, number)
        server.start()
        later = leave(engine, "user.list")
        until(lambda: state(engine, later)[0] == "done", "the node looks for orders again")
        assert state(engine, number) == left
        assert status(server, ann["token"]) == 200
        again = leave(engine, "user.sessions", user=ann["id"])
        until(lambda: state(engine, again)[0] == "done", "it is ordered once more")
        assert status(server, ann["token"]) == 401
    engine.dispose()
