"""Pushes messages to phones: takes twim's webhook and asks the gateway of a phone's vendor.

SECRET=… GATEWAY=https://push.example/send PORT=8000 python mobile_push.py

SECRET is what POST /api/v1/webhooks gave; GATEWAY takes {"to", "title", "body", "sound"}, as one's own vendor's does
in one's own form. Whoever is connected sees the message anyway, and whoever has muted the conversation wants no push.
"""

import hashlib
import hmac
import json
import os
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["SECRET"].encode()
GATEWAY = os.environ["GATEWAY"]
OLDEST = 300  # seconds: a request that somebody recorded and sends again later is refused
EVENTS = 20  # media from here on to 23 are recalls, edits, reactions and notices
CUSTOM = 100


def is_ours(header, body):
    """Whether the request comes from our server, and from now."""
    seconds, _, signed = header.removeprefix("t=").partition(",v1=")
    if not seconds.isdigit() or abs(time.time() - int(seconds)) > OLDEST:
        return False
    wanted = hmac.new(SECRET, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, signed)


def push(message):
    """One push for each recipient who isn't connected and hasn't muted the conversation."""
    if EVENTS <= message["media"] < CUSTOM or message.get("recalled"):
        return
    for name in set(message["offline"]) - set(message["muted"]):
        told = {"to": name, "title": message["from"], "body": message.get("content", "")[:100]}
        told["sound"] = name in message["mentioned"]
        asked = urllib.request.Request(GATEWAY, json.dumps(told).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(asked, timeout=5).close()


taken = {}  # ids of events that were pushed: twim may send one twice


class Webhook(BaseHTTPRequestHandler):
    """Takes events. Whatever fails is answered 500, and twim sends the event again."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_ours(self.headers.get("Twim-Signature", ""), body):
            self.send_error(403)
            return
        event = json.loads(body)
        try:
            if event["event"] == "message" and event["id"] not in taken:
                push(event["data"])
        except OSError:
            self.send_error(500)
            return
        taken[event["id"]] = True
        if len(taken) > 10_000:
            taken.pop(next(iter(taken)))
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Webhook).serve_forever()
