"""A program that webhooks tell, as a process that can be killed: `python webhook_receiver.py PORT FILE`.

Each event is appended to FILE, and is on the disk, before it is answered.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock


def main(port: int, path: str) -> None:
    """Take events until the end."""
    lock = Lock()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock, open(path, "ab") as file:
                file.write(body + b"\n")
                file.flush()
                os.fdatasync(file.fileno())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer.allow_reuse_address = True
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
