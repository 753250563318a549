"""The bus: reached or not, open to others or not."""

from __future__ import annotations

import secrets
import shutil
import socket
import sys

from test.cluster.certificates import Authority
from test.cluster.redis.redis_server import RedisServer, free_port
from test.doctor.examined import IS_ROOT, Examined
from twim.doctor.bus import broadcast_addresses

DATABASE = "mysql://im@db.example/im"
RIGHTS = "user twim on >s3cret resetchannels &twim:0:* -@all +publish +subscribe +unsubscribe"
UP = 'ip link set lo up && eval "$0"'
IN_NETWORK = ("unshare", "--net", "sh", "-c", f'{UP} && exec "$@"')
OTHER_ADDRESS = "ip address add 10.9.8.7/24 brd 10.9.8.255 dev lo"


class BusTests(Examined):
    """The topic `bus`."""

    def at(self, bus: str) -> dict[str, str]:
        """Options with this bus."""
        return {"data": str(self.data), "bus": bus, "db": DATABASE}

    def redis(self, *options: str) -> RedisServer:
        """One that is killed when the test ends."""
        if not shutil.which("redis-server"):
            self.skipTest("no redis-server")
        server = RedisServer(*options)
        server.start()
        self.addCleanup(server.kill)
        return server

    def test_alone(self) -> None:
        """One node needs none."""
        self.assert_no_problem(self.examine("bus"))

    def test_redis(self) -> None:
        """One on this machine, which nobody else reaches, needs no password."""
        found = self.examine("bus", self.config(bus=f"redis://127.0.0.1:{self.redis().port}", db=DATABASE))
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "takes what a node publishes")

    def test_redis_without_password_on_a_network(self) -> None:
        """Whoever reaches it can read and forge messages, and read them on the way."""
        if not IS_ROOT or sys.platform != "linux" or not shutil.which("redis-server"):
            self.skipTest("only root may make a network")
        redis = "redis-server --port 6399 --bind 10.9.8.7 --save '' --protected-mode no >/dev/null &"
        asking = "redis-cli -h 10.9.8.7 -p 6399"
        ready = f"until {asking} ping >/dev/null 2>&1; do sleep 0.05; done"
        inside = (*IN_NETWORK[:-1], f'{UP} && "$@"; status=$?; {asking} shutdown nosave; exit $status')
        start = f"{OTHER_ADDRESS} && ({redis}) && {ready}"
        found = self.examine_apart("bus", self.at("redis://10.9.8.7:6399"), *inside, start)
        self.assertIn("a password for twim alone", self.assert_found(found, "error", "without a password").fix)
        self.assertIn("rediss://", self.assert_found(found, "warning", "without TLS").fix)
        self.assert_found(found, "ok", "Redis on 10.9.8.7:6399 takes")

    def test_redis_is_not_there(self) -> None:
        """Nobody listens."""
        found = self.examine("bus", self.config(bus=f"redis://127.0.0.1:{free_port()}", db=DATABASE))
        self.assert_found(found, "error", "can't be reached: Connection refused")

    def test_redis_with_password(self) -> None:
        """With the right one, with none, with a wrong one, and with rights that are too few."""
        rules = self.data / "users.acl"
        rules.write_text(f"user default off\n{RIGHTS}\nuser poor on >s3cret -@all +subscribe\n")
        server = self.redis("--aclfile", str(rules))
        found = self.examine("bus", self.config(bus=f"redis://twim:s3cret@127.0.0.1:{server.port}", db=DATABASE))
        self.assert_no_problem(found)
        for login, why in (("", "NOAUTH"), ("twim:wrong@", "WRONGPASS"), ("poor:s3cret@", "NOPERM")):
            found = self.examine("bus", self.config(bus=f"redis://{login}127.0.0.1:{server.port}", db=DATABASE))
            self.assert_found(found, "error", f"refuses: {why}")

    def test_redis_by_tls(self) -> None:
        """With the authority that signed, and without it."""
        authority = Authority(self.data)
        pem = authority.sign("redis", address="127.0.0.1")
        port = free_port()
        options = ("--tls-port", str(port), "--tls-cert-file", str(pem), "--tls-key-file", str(pem))
        self.redis(*options, "--tls-ca-cert-file", str(authority.file), "--tls-auth-clients", "no")
        right = f"rediss://127.0.0.1:{port}?ca={authority.file}"
        self.assert_no_problem(self.examine("bus", self.config(bus=right, db=DATABASE)))
        wrong = self.examine("bus", self.config(bus=f"rediss://127.0.0.1:{port}", db=DATABASE))
        self.assert_found(wrong, "error", "certificate verify failed")

    def test_not_redis(self) -> None:
        """Something else that listens."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.patch(sys.modules["twim.doctor.redis"], "TALK_SECONDS", 0.2)
            found = self.examine("bus", self.config(bus=f"redis://127.0.0.1:{port}", db=DATABASE))
        self.assert_found(found, "error", "can't be reached: timed out")

    def test_broadcast(self) -> None:
        """An address of a network of this machine, of this machine alone, and of another network."""
        if not IS_ROOT or sys.platform != "linux" or not shutil.which("ip"):
            self.skipTest("only root may make a network")
        apart = (*IN_NETWORK, OTHER_ADDRESS)
        found = self.examine_apart("bus", self.at("udp://10.9.8.255:3000"), *apart)
        self.assert_found(found, "ok", "10.9.8.255 is a broadcast address")
        found = self.examine_apart("bus", self.at("udp://192.168.0.255:3000"), *apart)
        self.assertIn("10.9.8.255", self.assert_found(found, "error", "is no broadcast address").fix)
        found = self.examine_apart("bus", self.at("udp://127.255.255.255:3000"), *apart)
        self.assert_found(found, "note", "reaches only nodes on this machine")

    def test_this_machines_own(self) -> None:
        """Each address that the kernel gives is one of IPv4."""
        for one in broadcast_addresses():
            self.assertEqual(len(socket.inet_aton(one)), 4)

    def test_key(self) -> None:
        """Not there yet, right, readable by others, and no key."""
        config = self.config(bus="udp://127.255.255.255:3000", db=DATABASE)
        self.assert_found(self.examine("bus", config), "note", "isn't there yet")
        key = self.data / "cluster.key"
        key.write_text(secrets.token_hex(32))
        key.chmod(0o600)
        self.assert_found(self.examine("bus", config), "ok", "is a cluster's key")
        key.chmod(0o640)
        self.assertIn(f"chmod 600 {key}", self.assert_found(self.examine("bus", config), "error", "mode 0640").fix)
        key.write_text("short")
        self.assert_found(self.examine("bus", config), "error", "is not a cluster key")
