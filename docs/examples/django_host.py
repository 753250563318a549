"""A shop on Django whose customers chat in its page, with a bot that answers. `pip install django requests`, then

twim run --sites http://localhost:8000 --webhooks private
TWIM_KEY=twk_… python django_host.py           # the key is one of `twim key create shop`
"""

import hmac
import json
import os
import time

import requests
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse, HttpResponseRedirect
from django.template import Context, Engine
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

CHAT, PORT = os.environ.get("TWIM_URL", "http://localhost:8080"), int(os.environ.get("PORT", "8000"))
PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1>
{% if token %}<p>Heard of <b id="heard">{{ heard|length }}</b> messages.</p>
<script type="module" src="{{ chat }}/embed.js" data-token="{{ token }}" data-group="{{ group }}"></script>
{% else %}<form method="post" action="/login">Name <input name="name"> <button>Log in</button></form>{% endif %}"""
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


def page(request):
    customer = json.loads(request.get_signed_cookie("shop", "{}"))
    return HttpResponse(Engine().from_string(PAGE).render(Context({"chat": CHAT, "heard": heard, **customer})))


@csrf_exempt  # here a real shop asks for a password, in a form of its own
def login(request):
    name, answer = request.POST["name"], HttpResponseRedirect("/")
    user = "customer-" + name.encode().hex()[:50]
    chat("PUT", f"users/{user}", {"nickname": name})  # made in the chat at first sight
    chat("PUT", f"groups/shop/members/{user}")
    token, group = chat("POST", f"users/{user}/token")["data"]["token"], chat("GET", "groups/shop")["data"]["id"]
    answer.set_signed_cookie("shop", json.dumps({"token": token, "group": group}), httponly=True)
    post(f"Welcome, {name}!")
    return answer


@csrf_exempt  # the chat server tells what was said, and signs it
def events(request):
    stamp, mark = (part.partition("=")[2] for part in request.headers["Twim-Signature"].split(","))
    due = hmac.digest(secret.encode(), stamp.encode() + b"." + request.body, "sha256").hex()
    if not hmac.compare_digest(mark, due) or abs(time.time() - int(stamp)) > 300:
        return HttpResponse(status=401)
    said = json.loads(request.body)["data"]
    if said["from"] != "bot":
        heard.append(said["content"])
        post(f"You asked: {said['content']}")
    return HttpResponse(status=204)


urlpatterns = [path("", page), path("login", login), path("events", events)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"], SECRET_KEY=os.urandom(32).hex())
chat("PUT", "bots/bot", {"nickname": "Shop bot"})
chat("PUT", "groups/shop", {"name": "Shop", "owner": "bot"})
for old in chat("GET", "webhooks")["rows"]:
    chat("DELETE", f"webhooks/{old['id']}")
hook = {"url": f"http://localhost:{PORT}/events", "events": ["message"], "filter": {"group": "shop"}}
secret = chat("POST", "webhooks", hook)["data"]["secret"]
execute_from_command_line(["", "runserver", f"localhost:{PORT}", "--noreload"])
