"""``/hook/SECRET``: what other programs say in a group, as JSON or in the forms in which they say it to Slack."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import msgspec
from klein import Klein
from multipart import parse_options_header  # type: ignore[import-untyped]
from twisted.web.server import Request

from twim.access.http.declared import data, text
from twim.access.http.fields import header
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import REPEAT, answered_call, hook_marks
from twim.access.http.rest.api.repeating import Repeating
from twim.access.http.route import describe
from twim.errors import Malformed, WrongType
from twim.limits.limits import Limits
from twim.logic.hooks import SECRET_CHARS, Hooks
from twim.storage.hooks import Hook
from twim.wire import envelope
from twim.wire.message import CONTENT_CHARS

SLACK: Final = frozenset({"username", "icon_url", "icon_emoji", "channel", "attachments", "blocks", "mrkdwn"})
"""By these a body is known to be written for Slack, where a text has references and escapes. They change nothing
here but `attachments`, whose texts are shown: a hook's bot has the name that it was given."""
ATTACHMENTS: Final = 20
FIELDS: Final = 20  # of a form
SECRET: Final = text("secret", SECRET_CHARS)
_LINK: Final = re.compile(r"<((?:https?|mailto):[^<>|\s]+)(?:\|([^<>]*))?>")
_ESCAPES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class HookText(msgspec.Struct):
    """What a program says. Whatever else is sent is for Slack, and changes nothing."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=CONTENT_CHARS)]


class IncomingHooks:
    """The route of hooks."""

    app = Klein()

    def __init__(self, hooks: Hooks, repeating: Repeating, limits: Limits) -> None:
        self._hooks = hooks
        self._repeating = repeating
        self._limits = limits

    @app.route("/<secret>", methods=["POST"])
    @describe("/<secret>", "POST", takes=(SECRET,), gives=data(answers.Posted), who="anybody", body=HookText)
    def post(self, request: Request, secret: str) -> Coroutine[Any, Any, bytes]:
        """Say something by a hook. Nothing is known of who asks but the secret."""
        return answered_call(request, self._post(request, secret))

    async def _post(self, request: Request, secret: str) -> bytes:
        hook = await self._hooks.of(secret)
        self._limits.hook(hook.id)
        content: Any = request.content
        content.seek(0)
        body = content.read()
        text = text_of(header(request, "content-type"), body)
        name = header(request, REPEAT)
        if not name:
            return await self._say(hook, text)
        return await self._repeating.answer(hook_marks(hook.id), name, body, False, lambda: self._say(hook, text))

    async def _say(self, hook: Hook, text: str) -> bytes:
        return envelope.ok(await self._hooks.post(hook, text))


def text_of(content_type: str, body: bytes) -> str:
    """What a body says. `WrongType` for a type that is neither JSON nor a form, `Malformed` for what says nothing."""
    media, _ = parse_options_header(content_type)
    if media.lower() == "application/x-www-form-urlencoded":
        body = _payload(body)
    elif media.lower() != "application/json":
        raise WrongType("JSON, please, or a form with a payload")
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(said, dict):
        raise Malformed("the body is not a JSON object")
    text = said.get("text") or ""
    if not isinstance(text, str):
        raise Malformed("text: a text")
    if SLACK & said.keys():
        text = plain("\n".join(line for line in (text, *_attached(said.get("attachments"))) if line.strip()))
    text = text.strip()
    if not text:
        raise Malformed("text: missing")
    if len(text) > CONTENT_CHARS:
        raise Malformed(f"text: at most {CONTENT_CHARS} characters")
    return text


def _payload(body: bytes) -> bytes:
    try:
        return parse_qs(body.decode(), errors="strict", max_num_fields=FIELDS)["payload"][-1].encode()
    except KeyError:
        raise Malformed("payload: missing") from None
    except ValueError:  # UnicodeDecodeError is a ValueError, too
        raise Malformed("the body is not a form in UTF-8") from None


def _attached(attachments: object) -> list[str]:
    """The lines of Slack's attachments: of each what stands before it, its title and its text."""
    if not isinstance(attachments, list):
        return []
    lines: list[str] = []
    for one in attachments[:ATTACHMENTS]:
        if isinstance(one, Mapping):
            shown = [one.get(part) for part in ("pretext", "title", "text")]
            texts = [part for part in shown if isinstance(part, str) and part.strip()]
            fallback = one.get("fallback")
            lines += texts or ([fallback] if isinstance(fallback, str) else [])
    return lines


def plain(text: str) -> str:
    """A text of Slack's as it reads: ``<https://x|this>`` is ``this (https://x)``."""
    text = _LINK.sub(lambda link: f"{link[2]} ({link[1]})" if link[2] else link[1], text)
    for escaped, sign in _ESCAPES:
        text = text.replace(escaped, sign)
    return text
