"""The ports: free, taken, forbidden, and open to whom."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from typing import Any

from test.cluster.redis.redis_server import free_port
from test.doctor.examined import IS_ROOT, NOBODY, Examined
from twim.doctor import port
from twim.doctor.listening import is_loopback, read_listening
from twim.doctor.port import is_public


class PortTests(Examined):
    """The topic `port`. What concerns a running server is in test/running."""

    def test_free(self) -> None:
        """A port of this machine alone."""
        found = self.examine("port", self.config(port=f"tcp:{free_port()}:interface=127.0.0.1"))
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "is free")

    def test_taken(self) -> None:
        """By a program that doesn't speak HTTP; it is named."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            self.patch(port, "answers", lambda place: False)
            found = self.examine("port", self.config(port=f"tcp:{taken}:interface=127.0.0.1"))
            text = self.assert_found(found, "error", "is taken by").text
        self.assertIn(f"process {os.getpid()}", text)

    def test_taken_by_another_site(self) -> None:
        """By a program that speaks HTTP and isn't ours."""
        server = http.server.HTTPServer(("127.0.0.1", 0), Silent)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = self.examine("port", self.config(port=f"tcp:{server.server_port}:interface=127.0.0.1"))
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        self.assertIn("another --port", self.assert_found(found, "error", "is taken by").fix)

    def test_not_an_address_of_ours(self) -> None:
        """An address that no interface has."""
        found = self.examine("port", self.config(port="tcp:8080:interface=192.0.2.77"))
        self.assertIn("ip address", self.assert_found(found, "error", "can't be used").fix)

    def test_no_right(self) -> None:
        """A port below 1024 for whoever isn't root; root is told that the server's user may have no right."""
        below = "tcp:81:interface=127.0.0.1"
        if not IS_ROOT:
            self.assertIn(
                "CAP_NET", self.assert_found(self.examine("port", self.config(port=below)), "error", "root's").fix
            )
            return
        keeping = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", f"--reuid={NOBODY}", "--clear-groups", "--")
        found = self.examine_apart("port", {"data": str(self.data), "port": below}, *keeping)
        self.assertIn("CAP_NET_BIND_SERVICE", self.assert_found(found, "error", "may not be used").fix)
        os.chown(self.data, NOBODY, NOBODY)
        found = self.examine("port", self.config(port=below))
        self.assert_found(found, "note", "nobody may have no right")

    def test_open_without_tls(self) -> None:
        """To the internet it is a warning, in a local network it is to be known, with TLS or here alone it is right."""
        number = free_port()
        self.patch(port, "own_addresses", lambda: ["10.1.2.3", "8.8.8.8"])
        found = self.examine("port", self.config(port=f"tcp:{number}"))
        self.assertIn("deploy/nginx.conf", self.assert_found(found, "warning", "open to the internet without TLS").fix)
        self.patch(port, "own_addresses", lambda: ["192.168.1.5", "fe80::1%eth0"])
        found = self.examine("port", self.config(port=f"tcp:{number}"))
        self.assert_found(found, "note", "open to the local network without TLS")
        for right in (
            f"ssl:{number}:privateKey=k",
            f"tcp:{number}:interface=127.0.0.1",
            f"tcp6:{number}:interface=\\:\\:1",
        ):
            self.assert_no_problem(self.examine("port", self.config(port=right)))

    def test_own_addresses(self) -> None:
        """They are this machine's: a socket can be bound to each."""
        for one in port.own_addresses():
            with socket.socket(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM) as trying:
                trying.bind((one, 0))

    def test_unix(self) -> None:
        """A path that can be made, one without a folder, one that is too long, and one of another user's."""
        self.assert_no_problem(self.examine("port", self.config(port=f"unix:{self.data}/im.sock")))
        found = self.examine("port", self.config(port=f"unix:{self.data}/none/im.sock"))
        self.assertIn("RuntimeDirectory", self.assert_found(found, "error", "can't be made").fix)
        found = self.examine("port", self.config(port=f"unix:{self.data}/{'x' * 120}"))
        self.assert_found(found, "error", "too long for a Unix socket")

    def test_other_kinds(self) -> None:
        """What isn't known beforehand isn't examined."""
        for one in ("tcp:0", "systemd:domain=INET:index=0"):
            self.assert_found(self.examine("port", self.config(port=one)), "note", "isn't examined")

    def test_reading(self) -> None:
        """Descriptions as Twisted takes them."""
        for description, wanted in (
            ("tcp:8080", ("tcp", 8080, "0.0.0.0", "127.0.0.1")),
            ("tcp:port=8080:interface=10.0.0.1", ("tcp", 8080, "10.0.0.1", "10.0.0.1")),
            ("tcp:80:127.0.0.1", ("tcp", 80, "127.0.0.1", "127.0.0.1")),
            ("tcp6:80", ("tcp6", 80, "::", "::1")),
            ("tcp:80:interface=\\:\\:", ("tcp", 80, "::", "::1")),
            ("ssl:443:privateKey=a\\:b.pem:certKey=c.pem", ("ssl", 443, "0.0.0.0", "127.0.0.1")),
        ):
            place = read_listening(description)
            self.assertEqual((place.kind, place.port, place.interface, place.nearby), wanted)
        place = read_listening("ssl:443:privateKey=a\\:b.pem:certKey=c.pem")
        self.assertEqual((place.options["privateKey"], place.options["certKey"]), ("a:b.pem", "c.pem"))
        self.assertEqual(str(read_listening("unix:/run/a\\:b:mode=660").path), "/run/a:b")

    def test_addresses(self) -> None:
        """Of this machine, of the internet, and neither."""
        here = {"127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST."}
        public = {"8.8.8.8", "2606:4700::1"}
        for one in here | public | {"10.0.0.1", "fe80::1%eth0", "chat.example.org", ""}:
            self.assertEqual((is_loopback(one), is_public(one)), (one in here, one in public), one)


class Silent(http.server.BaseHTTPRequestHandler):
    """Has no page."""

    def log_message(self, *_: Any) -> None:
        """Says nothing of it either."""
