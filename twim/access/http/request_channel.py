"""What carries one request and its answer: a connection of HTTP/1.1, or a stream of HTTP/2.

twisted.web calls it the request's channel. This class has the methods that this server needs beside twisted.web's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from twim.hub.backlog import Answering


class RequestChannel(ABC):
    """The base of both kinds of channels. It holds the quota (`Backlogs`) of the answer under way."""

    drains_refused_bodies: ClassVar[bool]
    """Whether the rest of a refused body must be read, so that the client can read the refusal."""
    head_is_too_large = False
    """Whether the request must be refused for too large headers. A connection of HTTP/1.1 does so itself."""
    answering: Answering | None = None
    """The quota of the answer under way, which is held until the client has read the answer."""
    _gone = False

    @abstractmethod
    def request_line(self) -> tuple[bytes, bytes, bytes]:
        """Method, target and version of the request whose headers have just been read."""

    @abstractmethod
    def pause_body(self) -> None:
        """Read no more of the request's body for now. May be called again."""

    @abstractmethod
    def resume_body(self) -> None:
        """Read on. May be called again."""

    @abstractmethod
    def send_continue(self) -> None:
        """Tell a client that waits for it to send its body: 100 (RFC 9110, section 15.2.1)."""

    @abstractmethod
    def refuse_rest(self) -> None:
        """The answer comes before the whole body was read: nothing else is answered on a connection of HTTP/1.1."""

    @abstractmethod
    def cut(self) -> None:
        """End it at once, whatever waits to be read."""

    def hold_quota(self, answering: Answering) -> None:
        """Hold the quota of the answer under way; give it back at once if the client is gone."""
        if self._gone or self.answering is not None:
            answering.leave()
        else:
            self.answering = answering

    def release_quota(self) -> None:
        """Give the quota back: the answer has been read, or can't be any more."""
        answering, self.answering = self.answering, None
        if answering is not None:
            answering.leave()

    def note_stuck(self, stuck: bool) -> None:
        """Note whether something of the answer waits to be read."""
        if self.answering is not None and stuck != (self.answering.stuck_since is not None):
            self.answering.stuck(stuck)
