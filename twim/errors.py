"""Refusals: the errors that a client may see.

A `Refusal` is an answer, not a failure: its text and code reach the client as written, over REST as
``{"code":-1,"msg":"why"}`` with `status`, over the WebSocket as ``{"cmd":1,"code":-1,"msg":"why"}``.
Any other exception is our bug: it is logged with its context and the client learns only that it happened.
"""

from __future__ import annotations

from math import ceil

REFUSED = -1
NOT_LOGGED_IN = -2
NOT_YOURS = -3
NOT_FOUND = -4
TOO_MANY = -5
UNAVAILABLE = -6
OUR_BUG = -7
OTHER_USER = -8


class Refusal(Exception):
    """The request was understood and is refused. `code` is negative, `status` is the HTTP status."""

    code = REFUSED
    status = 200

    def __init__(self, msg: str, *, code: int | None = None, status: int | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class MobileTaken(Refusal):
    """Somebody else has registered with this mobile. The text is the original Go server's."""

    def __init__(self, msg: str = "this mobile have account") -> None:
        super().__init__(msg)


class Malformed(Refusal):
    """What was sent is not of the form the contract asks for (400)."""

    status = 400


class NotLoggedIn(Refusal):
    """No token, or one that is wrong or has ended (401)."""

    code = NOT_LOGGED_IN
    status = 401

    def __init__(self, msg: str = "please log in") -> None:
        super().__init__(msg)


class NotYours(Refusal):
    """Logged in, but this belongs to somebody else (403)."""

    code = NOT_YOURS
    status = 403


class OtherUser(Refusal):
    """The request is meant to be asked by one user, and another one is logged in (403): a page whose browser somebody
    else uses by now. It must be told from every other 403, since the page has to stop."""

    code = OTHER_USER
    status = 403

    def __init__(self, msg: str = "somebody else is logged in") -> None:
        super().__init__(msg)


class NotFound(Refusal):
    """There is no such thing (404)."""

    code = NOT_FOUND
    status = 404


class Conflict(Refusal):
    """It can't be done as things stand (409)."""

    status = 409


class TooLarge(Refusal):
    """More bytes than the bound allows (413)."""

    status = 413


class WrongType(Refusal):
    """A media type that is not taken here (415)."""

    status = 415


class TooMany(Refusal):
    """Asked too often, or a queue is full (429); try again after `retry_after` seconds, of which there may be parts."""

    code = TOO_MANY
    status = 429

    def __init__(self, msg: str = "too many requests", retry_after: float = 1) -> None:
        super().__init__(msg)
        self.retry_after = retry_after

    @property
    def wait(self) -> int:
        """Milliseconds to wait."""
        return max(1, ceil(self.retry_after * 1000))


class Unavailable(Refusal):
    """The storage can't be used now; nothing was done (503)."""

    code = UNAVAILABLE
    status = 503

    def __init__(self, msg: str = "storage unavailable") -> None:
        super().__init__(msg)


class Failed(Refusal):
    """A bug of ours (500): the client learns that it happened, the log why."""

    code = OUR_BUG
    status = 500

    def __init__(self, msg: str = "the server failed") -> None:
        super().__init__(msg)


def told(error: BaseException | None) -> Refusal:
    """The refusal that a client gets for `error`."""
    return error if isinstance(error, Refusal) else Failed()
