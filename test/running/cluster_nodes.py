"""Several real nodes on one database."""

from __future__ import annotations

import http.client
import json
import os
import sys
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from test.running.cluster_net import Loopback
from test.running.server import TWISTD, Server, free_port
from test.storage.databases import MYSQL, empty_database

OPERATOR = "13700000000"
PASSWD = "secret-1"
_mobiles = count(13_500_000_000)
SOCKET = Path("/run/mysqld/mysqld.sock")


def database() -> str:
    """A new database on MariaDB, reached by its socket file if there is one: that works from any network namespace."""
    url = empty_database(MYSQL)
    if SOCKET.exists() and MYSQL.variable not in os.environ:
        url = url.set(host="localhost", port=None, query={"unix_socket": str(SOCKET)})
    return url.render_as_string(hide_password=False).replace("mysql+pymysql", "mysql")


class Node(Server):
    """Node `number` (from 1) of a cluster."""

    def __init__(self, folder: Path, number: int, net: Loopback, options: list[str]) -> None:
        home = folder / f"n{number}"
        home.mkdir()
        super().__init__(home)
        self.number = number
        self.host = net.host(number)
        self.url = f"http://{self.host}:{self.port}"
        self._arguments = [
            *net.inside(number),
            *(sys.executable, "-c", TWISTD, "-n", "--pidfile=", "im"),
            *("--port", f"tcp:{self.port}:interface={self.host}", "--data", str(self.data)),
            *("--limits", "off", "--operators", OPERATOR, *options),
        ]

    def answers(self) -> bool:
        try:
            self.call("/user/login.shtml", parse=False)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def call(self, path: str, parse: bool = True, **fields: object) -> Any:
        """POST the fields; GET without any. Gives the envelope."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST" if fields else "GET", path, urlencode(fields) or None, kind if fields else {})
            body = connection.getresponse().read()
        finally:
            connection.close()
        return json.loads(body) if parse else None


class Cluster:
    """Nodes, started one after the other."""

    def __init__(
        self, folder: Path, count: int, net: Loopback, bus: str = "", db: str = "", options: tuple[str, ...] = ()
    ) -> None:
        key = folder / "cluster.key"
        key.write_text("ab" * 32)
        key.chmod(0o600)
        shared = ["--bus", bus or net.bus, "--cluster-key", str(key), "--db", db or database()]
        shared += ["--files", f"file://{folder}/mnt", *options]
        self.nodes = [Node(folder, number, net, shared) for number in range(1, count + 1)]
        self._token = ""

    def __enter__(self) -> Cluster:
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.stop()
        if error is None:
            for node in self.nodes:
                assert "Traceback" not in node.log, node.log[node.log.index("Traceback") - 500 :][:3000]

    def people(self, number: int) -> tuple[list[tuple[int, str]], int]:
        """Make users who are all members of one group; user 2k is a friend of user 2k + 1. Gives `(id, token)` of
        each, and the group's id."""
        node = self.nodes[0]
        made = []
        for _ in range(number):
            made.append(self.stranger())
        for (_, token), (friend, _) in zip(made[::2], made[1::2], strict=True):
            assert node.call("/contact/addfriend", token=token, dstid=friend)["code"] == 0
        group = node.call("/contact/createcommunity", token=made[0][1], name="all", icon="", cate=1, history="all")[
            "data"
        ]["id"]
        for _, token in made[1:]:
            assert node.call("/contact/joincommunity", token=token, dstid=group)["code"] == 0
        return made, group

    def stranger(self) -> tuple[int, str]:
        """Register one more user and give `(id, token)`."""
        user = self.nodes[0].call("/user/register", mobile=next(_mobiles), passwd=PASSWD)["data"]
        return user["id"], user["token"]

    def seen_by(self, node: Node) -> Any:
        """What `/cluster` answers there."""
        if not self._token:
            self._token = node.call("/user/register", mobile=OPERATOR, passwd=PASSWD)["data"]["token"]
        return node.call(f"/cluster?token={self._token}")


def free_udp_port() -> int:
    """A UDP port of loopback that is not in use."""
    return free_port()
