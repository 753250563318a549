"""Clients that send requests and don't read the answers: plain sockets with a small receive window, so that the
answers wait in the server."""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
from typing import Any, BinaryIO
from urllib.parse import urlencode

WINDOW = 4_096  # bytes of a receive buffer: the kernel uses the smallest buffer that it allows


def call(port: int, path: str, token: str = "", timeout: float = 20, **fields: object) -> dict[str, Any]:
    """Make one REST call and read its whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request(path, token, **fields))
        with connection.makefile("rb") as answers:
            status, body = read_answer(answers)
    found: dict[str, Any] = json.loads(body) | {"status": status}
    return found


def read_answer(answers: BinaryIO) -> tuple[int, bytes]:
    """Read the next answer of a connection, whole or in chunks; gives its status and body."""
    status = answers.readline().split()
    assert status, "broke off"
    length = None
    while (line := answers.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length is not None:
        return int(status[1]), answers.read(length)
    body = b""
    while size := int(answers.readline(), 16):
        body += answers.read(size)
        answers.readline()
    answers.readline()
    return int(status[1]), body


def request(path: str, token: str = "", **fields: object) -> bytes:
    """A request as bytes: a POST of these fields, or a GET without any."""
    who = f"Authorization: Bearer {token}\r\n" if token else ""
    if not fields:
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n{who}\r\n".encode()
    body = urlencode(fields)
    kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{who}{kind}\r\n{body}".encode()


def unread(port: int, *said: bytes, window: int = WINDOW, tls: bool = False) -> socket.socket:
    """A connection that sends this and doesn't read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    for one in said:
        connection.sendall(one)
    return connection


def upgrade(token: str) -> bytes:
    """The bytes of a WebSocket upgrade request."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    return (
        f"GET /chat?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """The bytes of a client's WebSocket frame."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes((0x80 | opcode,)) + length + mask + masked


def say_all(connection: socket.socket, data: bytes, seconds: float = 1.0) -> int:
    """Send as much as the server accepts; gives the number of bytes."""
    connection.settimeout(seconds)
    said = 0
    try:
        while said < len(data):
            said += connection.send(data[said : said + (1 << 16)])
    except OSError:
        pass
    return said
