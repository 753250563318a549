"""Certificates that are replaced while the server runs, seen by real TLS clients."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from test.cluster.certificates import Authority
from test.running.server import Server, free_port

SECONDS = 60
KEY = b"-----BEGIN PRIVATE"


class Ports:
    """A server with two ports of TLS, each with a certificate of its own."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.folder = folder
        self.files = [folder / "first.pem", folder / "second.pem"]
        for file in self.files:
            self.replace(file)
        plain = free_port()
        self.ports = [free_port(), free_port()]
        tls = [
            f"ssl:{port}:interface=127.0.0.1:privateKey={file}"
            for port, file in zip(self.ports, self.files, strict=True)
        ]
        self.server = Server(folder, ["--port", " ".join([f"tcp:{plain}:interface=127.0.0.1", *tls])], port=plain)

    def replace(self, file: Path) -> int:
        """Put a new certificate there, as a client of an authority does. Gives its serial number."""
        made = self.authority.sign("made", address="127.0.0.1")
        number = x509.load_pem_x509_certificate(made.read_bytes()).serial_number
        made.replace(file)
        return number

    def connect(self, port: int) -> ssl.SSLSocket:
        """An open connection of a client that trusts the authority."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")

    def serial(self, port: int) -> int:
        with self.connect(port) as connection:
            return serial_of(connection)

    def ask(self, connection: ssl.SSLSocket) -> bytes:
        """Make one request on a connection that is kept open."""
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return connection.recv(4096)


def serial_of(connection: ssl.SSLSocket) -> int:
    found = connection.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    made = Ports(tmp_path)
    with made.server:
        yield made


def test_read_by_themselves(ports: Ports) -> None:
    """Each port uses its new certificate soon after the file has changed; open connections continue."""
    first, second = ports.ports
    with ports.connect(first) as kept:
        before = serial_of(kept)
        assert b"200 OK" in ports.ask(kept)
        new = ports.replace(ports.files[0])
        until(lambda: ports.serial(first) == new, "the new certificate")
        other = ports.serial(second)
        assert other not in (new, before)
        new = ports.replace(ports.files[1])
        until(lambda: ports.serial(second) == new, "the other port's")
        assert serial_of(kept) == before and b"200 OK" in ports.ask(kept)


def test_hang_up(ports: Ports) -> None:
    """SIGHUP makes the server read its certificates at once, and the server continues."""
    with ports.connect(ports.ports[0]) as kept:
        new = [ports.replace(file) for file in ports.files]
        os.kill(ports.server.pid, signal.SIGHUP)
        until(lambda: [ports.serial(port) for port in ports.ports] == new, "both are new")
        assert b"200 OK" in ports.ask(kept)
    assert "SIGHUP" in ports.server.log


def test_unusable(ports: Ports) -> None:
    """A file that isn't a certificate, or whose key doesn't fit, is reported in the log and changes nothing; the next
    valid one is used."""
    file = ports.files[0]
    before = ports.serial(ports.ports[0])
    halves = [ports.authority.sign(name, address="127.0.0.1").read_bytes() for name in ("one", "two")]
    mixed = halves[0].partition(KEY)[0] + KEY + halves[1].partition(KEY)[2]
    for number, content in enumerate((b"nothing", mixed), start=1):
        file.write_bytes(content)
        until(lambda n=number: ports.server.log.count(" stays: ") >= n, "the log says so")
        assert ports.serial(ports.ports[0]) == before
    file.unlink()
    os.kill(ports.server.pid, signal.SIGHUP)
    until(lambda: ports.server.log.count(" stays: ") >= 3, "the log says so")
    assert ports.serial(ports.ports[0]) == before
    new = ports.replace(file)
    until(lambda: ports.serial(ports.ports[0]) == new, "the good one")


def test_whole_chain(ports: Ports) -> None:
    """All certificates of a chain file are sent, so that a client can verify up to its authority."""
    file = ports.files[0]
    own, key = file.read_bytes().split(KEY)
    file.write_bytes(own + ports.authority.file.read_bytes() + KEY + key)
    os.kill(ports.server.pid, signal.SIGHUP)
    until(lambda: "SIGHUP" in ports.server.log, "it was read")
    sent = os.popen(f"openssl s_client -connect 127.0.0.1:{ports.ports[0]} -showcerts </dev/null 2>/dev/null").read()
    assert sent.count("BEGIN CERTIFICATE") == 2


def test_expiry_is_measured(ports: Ports) -> None:
    """The metrics tell when each certificate expires."""
    with socket.create_connection(("127.0.0.1", ports.server.port), 10) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    for port in ports.ports:
        name = f'twim_certificate_expiry_timestamp_seconds{{endpoint="ssl:{port}:interface=127.0.0.1"}} '
        ends = float(text.partition(name)[2].split()[0])
        assert time.time() + 3600 < ends < time.time() + 2 * 86400
