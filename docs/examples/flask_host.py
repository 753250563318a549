"""A shop on Flask whose customers chat in its page, with a bot that answers. `pip install flask requests`, then

twim run --sites http://localhost:8000 --webhooks private
TWIM_KEY=twk_… python flask_host.py            # the key is one of `twim key create shop`
"""

import hmac
import os
import time

import requests
from flask import Flask, abort, redirect, render_template_string, request, session

CHAT, PORT = os.environ.get("TWIM_URL", "http://localhost:8080"), int(os.environ.get("PORT", "8000"))
PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1>
{% if token %}<p>Heard of <b id="heard">{{ heard|length }}</b> messages.</p>
<script type="module" src="{{ chat }}/embed.js" data-token="{{ token }}" data-group="{{ group }}"></script>
{% else %}<form method="post" action="/login">Name <input name="name"> <button>Log in</button></form>{% endif %}"""

app = Flask(__name__)
app.secret_key = os.urandom(32)
heard = []  # the texts of the shop's messages


def chat(method, path, body=None):
    """Call the chat server's `/api/v1`."""
    headers = {"Authorization": "Bearer " + os.environ["TWIM_KEY"]}
    answer = requests.request(method, f"{CHAT}/api/v1/{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def post(text):
    """Post into the shop's group as its bot."""
    chat("POST", "messages", {"from": "bot", "to": {"group": "shop"}, "content": text})


@app.get("/")
def page():
    return render_template_string(PAGE, chat=CHAT, heard=heard, **session)


@app.post("/login")
def login():
    """Here a real shop asks for a password. Its customer is made in the chat at first sight."""
    user = "customer-" + request.form["name"].encode().hex()[:50]
    chat("PUT", f"users/{user}", {"nickname": request.form["name"]})
    chat("PUT", f"groups/shop/members/{user}")
    session["group"] = chat("GET", "groups/shop")["data"]["id"]
    session["token"] = chat("POST", f"users/{user}/token")["data"]["token"]
    post(f"Welcome, {request.form['name']}!")
    return redirect("/")


@app.post("/events")
def events():
    """The chat server tells what was said."""
    stamp, mark = (part.partition("=")[2] for part in request.headers["Twim-Signature"].split(","))
    due = hmac.digest(secret.encode(), stamp.encode() + b"." + request.get_data(), "sha256").hex()
    if not hmac.compare_digest(mark, due) or abs(time.time() - int(stamp)) > 300:
        abort(401)
    said = request.json["data"]
    if said["from"] != "bot":
        heard.append(said["content"])
        post(f"You asked: {said['content']}")
    return "", 204


chat("PUT", "bots/bot", {"nickname": "Shop bot"})
chat("PUT", "groups/shop", {"name": "Shop", "owner": "bot"})
for old in chat("GET", "webhooks")["rows"]:
    chat("DELETE", f"webhooks/{old['id']}")
hook = {"url": f"http://localhost:{PORT}/events", "events": ["message"], "filter": {"group": "shop"}}
secret = chat("POST", "webhooks", hook)["data"]["secret"]
app.run(port=PORT, threaded=True)
