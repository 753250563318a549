#!/usr/bin/env python3
"""A bot that understands /roll, with Python alone: it makes itself, hears of its command, and answers.

docs/examples/slash_bot.py KEY [http://127.0.0.1:8080], beside a server that was started with --webhooks private.
"""

import hashlib
import hmac
import json
import random
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = sys.argv[1]
SITE = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8080"
TOO_OLD = 300  # seconds


class Bot(BaseHTTPRequestHandler):
    """What the chat server asks."""

    secret = ""  # which a real bot keeps in a file: it is told once

    def do_POST(self):
        """A command."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seconds, _, signature = self.headers["Twim-Signature"].removeprefix("t=").partition(",v1=")
        signed = hmac.new(self.secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        is_ours = hmac.compare_digest(signed, signature) and abs(time.time() - int(seconds)) < TOO_OLD
        said = json.loads(body) if is_ours else {}
        self.send_response(200 if is_ours else 403)
        self.end_headers()
        if said.get("command") == "roll":
            text = f"{said['user']} rolls {random.randint(1, int(said['text'] or 6))}"
            self.wfile.write(json.dumps({"text": text}).encode())


server = HTTPServer(("127.0.0.1", 0), Bot)
made = {
    "nickname": "Dice",
    "url": f"http://127.0.0.1:{server.server_port}/",
    "commands": [{"word": "roll", "help": "A die, or as many sides as you say"}],
}
headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
asking = urllib.request.Request(f"{SITE}/api/v1/bots/dice", json.dumps(made).encode(), headers, method="PUT")
Bot.secret = json.load(urllib.request.urlopen(asking))["data"]["secret"]
print("ready", flush=True)
server.serve_forever()
