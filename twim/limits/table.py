"""The table of limits: what is counted, by what, and how much of it is allowed unless the operator says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from twim.limits.rates import Rate, parse_rate


class Limit(NamedTuple):
    """One limit. Its option is ``--limit-NAME``."""

    name: str
    default: str
    what: str

    @property
    def option(self) -> str:
        """The name of its setting."""
        return f"limit-{self.name}"


MESSAGES: Final = Limit("messages", "20/s,300", "messages that a user sends over the WebSocket")
REQUESTS: Final = Limit("requests", "20/s,200", "requests of a user")
LOGINS: Final = Limit("logins", "10/s,1000", "attempts from an address to log in or to register")
PASSWORDS: Final = Limit("passwords", "6/m,10", "attempts of a logged-in user to give the password")
UPLOADS: Final = Limit("uploads", "1000/d", "files that a user uploads")
UPLOAD_BYTES: Final = Limit("upload-bytes", "10000000000/d", "bytes that a user uploads")
SEARCHES: Final = Limit("searches", "20/h", "searches for people by a user, and wrong numbers; all nodes together")
STRANGERS: Final = Limit("strangers", "60/h", "mobiles that an address tries to register and that are taken; all nodes")
MESSAGE_SEARCHES: Final = Limit("message-searches", "2/s,30", "searches of a user among messages")
PREVIEWS: Final = Limit("previews", "2/s,60", "links of which a user asks for a preview")
FRIENDS: Final = Limit("friends", "100/d,50", "friendships that a user asks for")
GROUPS: Final = Limit("groups", "20/d", "groups that a user makes")
CONNECTS: Final = Limit("connects", "20/s,2000", "WebSockets opened from an address, this machine's own excepted")
BOTS: Final = Limit("bots", "20/s,300", "messages that a bot posts by its key over HTTP")
HOOKS: Final = Limit("hooks", "5/s,100", "messages that come in by a hook")

LIMITS: Final = (
    MESSAGES,
    REQUESTS,
    LOGINS,
    PASSWORDS,
    UPLOADS,
    UPLOAD_BYTES,
    SEARCHES,
    STRANGERS,
    MESSAGE_SEARCHES,
    PREVIEWS,
    FRIENDS,
    GROUPS,
    CONNECTS,
    BOTS,
    HOOKS,
)
SOCKETS_OPTION: Final = "limit-sockets"
SOCKETS_DEFAULT: Final = "2000"
"""WebSockets open from one address at a time, this machine's own excepted. A number, not a rate."""

Rates = Mapping[Limit, Rate]
DEFAULT_RATES: Final[Rates] = {one: parse_rate(one.default) for one in LIMITS}
