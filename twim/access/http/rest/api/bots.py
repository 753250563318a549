"""``/api/v1/bots`` and ``/api/v1/hooks``."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from klein import Klein

from twim.access.http.declared import data, identifier, rows, text
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import Area, Call, api_route
from twim.access.http.rest.api.repeating import Repeating
from twim.access.http.rest.api.users import AVATAR, NICKNAME
from twim.errors import NotFound
from twim.logic.api_keys import ApiKeys
from twim.logic.bots import Bots
from twim.logic.files import Files
from twim.logic.hooks import Hooks
from twim.storage.bots import COMMANDS, Command
from twim.wire import envelope

URL: Final = 2_000
HELP: Final = 100
SCOPE: Final = "webhooks"
NAME: Final = text("name", 64)
NUMBER: Final = identifier("number")


class CommandBody(msgspec.Struct, forbid_unknown_fields=True):
    """A command: what stands after the slash, and what it is good for."""

    word: str
    help: str = ""


class BotBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of a bot; what isn't said stays."""

    nickname: str | None = None
    avatar: str | None = None
    url: Annotated[str, msgspec.Meta(max_length=URL)] | None = None
    commands: Annotated[list[CommandBody], msgspec.Meta(max_length=COMMANDS)] | None = None


class HookBody(msgspec.Struct, forbid_unknown_fields=True):
    """A hook to be made."""

    group: str
    name: str


class ApiBots(Area):
    """The routes of bots and of hooks."""

    app = Klein()

    def __init__(self, keys: ApiKeys, repeating: Repeating, bots: Bots, hooks: Hooks, files: Files) -> None:
        super().__init__(keys, repeating)
        self._of_bots = bots
        self._hooks = hooks
        self._files = files

    @api_route(app, "/bots/<name>", "PUT", SCOPE, takes=(NAME,), body=BotBody, gives=data(answers.BotMade))
    async def put(self, call: Call) -> bytes:
        """Make a bot, or change it."""
        body = call.body(BotBody)
        commands = None if body.commands is None else [_command(one) for one in body.commands]
        name = call.named["name"]
        return envelope.ok(await self._of_bots.put(call.key, name, self._profile(body), body.url, commands))

    def _profile(self, body: BotBody) -> dict[str, Any]:
        profile: dict[str, Any] = {}
        if body.nickname is not None:
            profile["nickname"] = Fields({"nickname": body.nickname}).name("nickname", NICKNAME, least=1)
        if body.avatar is not None:
            plain = Fields({"avatar": body.avatar})
            profile["avatar"] = plain.address("avatar", AVATAR, lambda url: self._files.urls.plain(url)[0])
        return profile

    @api_route(app, "/bots", "GET", SCOPE, reads=True, gives=rows(answers.BotLine))
    async def list(self, call: Call) -> bytes:
        """All bots."""
        return envelope.rows(await self._of_bots.listed())

    @api_route(app, "/bots/<name>", "DELETE", SCOPE, takes=(NAME,))
    async def end(self, call: Call) -> bytes:
        """End a bot."""
        await self._of_bots.end(call.named["name"])
        return envelope.ok()

    @api_route(app, "/hooks", "POST", SCOPE, secret=True, body=HookBody, gives=data(answers.HookMade))
    async def create(self, call: Call) -> bytes:
        """Make a hook."""
        body = call.body(HookBody)
        name = Fields({"name": body.name}).name("name", NICKNAME, least=1)
        return envelope.ok(await self._hooks.create(body.group, name))

    @api_route(app, "/hooks", "GET", SCOPE, reads=True, gives=rows(answers.HookLine))
    async def hooks(self, call: Call) -> bytes:
        """All hooks."""
        return envelope.rows(await self._hooks.listed())

    @api_route(app, "/hooks/<number>", "DELETE", SCOPE, takes=(NUMBER,))
    async def delete(self, call: Call) -> bytes:
        """End a hook."""
        number = call.named["number"]
        if not number.isascii() or not number.isdigit():
            raise NotFound("no such hook")
        await self._hooks.delete(Fields({"id": number}).id("id"))
        return envelope.ok()


def _command(body: CommandBody) -> Command:
    return Command(body.word, Fields({"help": body.help}).name("help", HELP))
