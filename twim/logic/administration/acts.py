"""The acts of administrators: their names, what each is told, and how careful one has to be with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from twim.logic.administration import values
from twim.logic.administration.values import Values

Result = dict[str, object]
"""What an act gives, as JSON has it."""


@dataclass(frozen=True)
class Actor:
    """Who acts. `who` is for the audit log: `id:7` (a user), `command:root` (the account that ran the command) or
    `key:3`; `userid` is the administrator's id, 0 for a command or a key."""

    who: str
    userid: int = 0

    @classmethod
    def user(cls, userid: int) -> Actor:
        """A user who is an administrator, which the caller has checked."""
        return cls(f"id:{userid}", userid)


@dataclass(frozen=True)
class Act:
    """One act. What it is told has the type `values`. `changes`: something is another way afterwards, and the audit log
    says so. `asks`: it can't be undone, so whoever wants it should be asked. `secret`: its result has a code that is
    shown once."""

    name: str
    help: str
    values: type[Values] = Values
    changes: bool = False
    asks: bool = False
    secret: bool = False


def _change(name: str, help: str, of: type[Values], *, asks: bool = False, secret: bool = False) -> Act:
    return Act(name, help, of, True, asks, secret)


_ACTS: Final = (
    Act("user.list", "users, those with the highest ids first", values.UserSearch),
    Act("user.find", "the users whom a word names", values.Find),
    Act("user.show", "one user", values.OfUser),
    _change("user.approve", "a user who waits for it may log in", values.OfUser),
    _change("user.disable", "a user is cut off and may not log in any more", values.OfUser),
    _change("user.enable", "a disabled user may log in again", values.OfUser),
    _change("user.role", "make a user an administrator, or a member again", values.Role),
    _change("user.reset", "a link by which a user sets a new password", values.OfUser, secret=True),
    _change("user.sessions", "log a user out everywhere", values.OfUser),
    _change("user.erase", "erase a user: name, mobile and the words of all messages", values.OfUser, asks=True),
    Act("group.list", "groups, those with the highest ids first", values.Search),
    Act("group.show", "one group with its members", values.OfGroup),
    _change("group.takeover", "give a group another owner", values.Takeover),
    _change("group.dissolve", "end a group; its members may read it", values.OfGroup, asks=True),
    _change("purge", "delete messages and files by their age", values.Purge, asks=True),
    Act("invite.list", "invitations, the newest first", values.Page),
    _change("invite.create", "make an invitation", values.NewInvite, secret=True),
    _change("invite.revoke", "end an invitation", values.OfId),
    Act("key.list", "the API keys"),
    _change("key.create", "make an API key", values.NewKey, secret=True),
    _change("key.revoke", "end an API key", values.OfId),
    Act("webhook.list", "the webhooks, and how they stand"),
    _change("webhook.delete", "end a webhook", values.OfId),
    _change("webhook.retry", "try a webhook that fails again at once", values.OfId),
    Act("setting.list", "the settings"),
    _change("setting.set", "change a setting", values.Change),
    Act("audit.list", "who did what, the newest first", values.Page),
    Act("storage.list", "who uses how much of the file store", values.Longest),
    Act("node.list", "the nodes that are up"),
)
ACTS: Final[Mapping[str, Act]] = MappingProxyType({act.name: act for act in _ACTS})


def page(rows: list[dict[str, object]], limit: int) -> Result:
    """The result of a list: at most `limit` rows, and as `next` the cursor of those that follow, 0 at the end."""
    return {"rows": rows, "next": rows[-1]["id"] if len(rows) == limit else 0}
