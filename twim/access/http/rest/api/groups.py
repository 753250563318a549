"""``/api/v1/groups``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from klein import Klein

from twim.access.http.declared import data, text
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import Area, Call, api_route
from twim.access.http.rest.api.repeating import Repeating
from twim.logic.api_keys import ApiKeys
from twim.logic.host_groups import HostGroups
from twim.storage.members import MEMBERS
from twim.wire import envelope

NAME: Final = 30
GROUP_NAME: Final = text("name", 64, least=1)
MEMBER_NAME: Final = text("user", 64, least=1)


class GroupBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of a group; what isn't said stays."""

    name: str | None = None
    owner: str | None = None
    members: Annotated[list[str], msgspec.Meta(max_length=MEMBERS)] | None = None
    join: Literal["open", "approve", "invite"] | None = None
    history: Literal["all", "joined"] | None = None


class ApiGroups(Area):
    """The routes of groups."""

    app = Klein()

    def __init__(self, keys: ApiKeys, repeating: Repeating, groups: HostGroups) -> None:
        super().__init__(keys, repeating)
        self._groups = groups

    @api_route(
        app, "/groups/<name>", "PUT", "groups", takes=(GROUP_NAME,), body=GroupBody, gives=data(answers.ApiGroup)
    )
    async def put(self, call: Call) -> bytes:
        """Make a group, or change it."""
        body = call.body(GroupBody)
        fields: dict[str, str] = {}
        if body.name is not None:
            fields["name"] = Fields({"name": body.name}).name("name", NAME, least=1)
        if body.join is not None:
            fields["join"] = body.join
        if body.history is not None:
            fields["history"] = body.history
        group = await self._groups.put(call.key, call.named["name"], fields, body.owner or "", body.members)
        return envelope.ok(await self._groups.shown(group))

    @api_route(app, "/groups/<name>", "GET", "groups", reads=True, takes=(GROUP_NAME,), gives=data(answers.ApiGroup))
    async def get(self, call: Call) -> bytes:
        """One group with its members."""
        return envelope.ok(await self._groups.shown(await self._groups.id_of(call.named["name"])))

    @api_route(app, "/groups/<name>", "DELETE", "groups", takes=(GROUP_NAME,))
    async def dissolve(self, call: Call) -> bytes:
        """End a group."""
        await self._groups.dissolve(call.key, call.named["name"])
        return envelope.ok()

    @api_route(app, "/groups/<name>/members/<user>", "PUT", "groups", takes=(GROUP_NAME, MEMBER_NAME))
    async def add(self, call: Call) -> bytes:
        """Make somebody a member."""
        await self._groups.add(call.named["name"], call.named["user"])
        return envelope.ok()

    @api_route(app, "/groups/<name>/members/<user>", "DELETE", "groups", takes=(GROUP_NAME, MEMBER_NAME))
    async def remove(self, call: Call) -> bytes:
        """End a membership."""
        await self._groups.remove(call.named["name"], call.named["user"])
        return envelope.ok()
