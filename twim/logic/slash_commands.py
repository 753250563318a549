"""Messages that begin with ``/word`` go to the address of the bot that has this word, whose answer it posts.

Nothing waits for it: a message is looked at when it is taken, and told to the bot once it is stored, by the node that
took it, once. What can't be told (the bot is down or slow, the node ends) is logged and lost; the message itself stands
in the log. Where several bots of a chat have the same word, all of them are told. What bots say themselves is no
command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal
from twim.logic.host_messages import Outcome, Place, Said
from twim.logic.known_bots import KnownBots
from twim.outbound.requests import BadUrl, NotAnswered, OutboundRequests
from twim.outbound.signing import SIGNATURE, signature
from twim.storage.bots import Bot, BotStore
from twim.storage.external import BY_NUMBER, GROUP, USER, ExternalStore
from twim.storage.interface import Post
from twim.wire.commands import GROUP as IN_GROUP
from twim.wire.commands import TEXT
from twim.wire.message import CONTENT_CHARS, Message

SECONDS: Final = 5.0  # within which a bot answers
ANSWER_BYTES: Final = 64 * 1024
WAITING: Final = 1_000  # commands of this node that are not answered yet; more are not told
AT_ONCE: Final = 10  # requests to one bot; more wait
SLASH: Final = "/"


class Answered(msgspec.Struct):
    """What a bot answers."""

    text: str = ""


class SlashCommands:
    """Tells bots of their commands. `decided` fires when everything that was taken until now is stored or refused;
    `say` posts as a member of the chat."""

    log = Logger()

    def __init__(
        self,
        known: KnownBots,
        store: BotStore,
        names: ExternalStore,
        requests: OutboundRequests,
        decided: Callable[[], Deferred[None]],
        now_ms: Callable[[], int],
    ) -> None:
        self._known = known
        self._store = store
        self._names = names
        self._requests = requests
        self._decided = decided
        self._now_ms = now_ms
        self._lanes: dict[int, DeferredSemaphore] = {}
        self._telling: set[Deferred[None]] = set()
        self._is_stopped = False
        self.waiting = 0
        self.say: Callable[[Said], Awaitable[Outcome]]

    def stop(self) -> None:
        """Tell nobody any more, and post no more answers."""
        self._is_stopped = True
        for telling in list(self._telling):
            telling.cancel()

    def take(self, post: Post) -> None:
        """A message that begins with a slash was handed to the log. Never raises."""
        message = post.message
        bots = self._known.by_word.get(word_of(message.content)) if message.media == TEXT else None
        if not bots or message.userid in self._known.by_id:
            return
        if self.waiting >= WAITING:
            self.log.warn("a command is not told: {count} wait for their bots", count=self.waiting)
            return
        self.waiting += 1
        running = self._decided().addCallback(lambda _: Deferred.fromCoroutine(self._tell_all(post, bots)))
        running.addErrback(lambda failure: self.log.failure("a command could not be told", failure))
        running.addBoth(self._done)

    def _done(self, _: object) -> None:
        self.waiting -= 1

    async def _tell_all(self, post: Post, bots: list[Bot]) -> None:
        message = post.message
        if not post.is_new:
            return
        present = await self._store.present([one.userid for one in bots], message.cmd, message.dstid)
        telling = [self._in_lane(one, message) for one in bots if one.userid in present and one.url]
        for one in telling:
            await one

    def _in_lane(self, bot: Bot, message: Message) -> Deferred[None]:
        """Begin to tell the bot, or wait until fewer requests to it are under way."""
        lane = self._lanes.setdefault(bot.userid, DeferredSemaphore(AT_ONCE))

        def tell() -> Deferred[None]:
            telling = Deferred.fromCoroutine(self._tell(bot, message))
            self._telling.add(telling)
            return telling.addBoth(ended, telling)

        def ended(outcome: Failure | None, telling: Deferred[None]) -> Failure | None:
            self._telling.discard(telling)
            return outcome

        def failed(failure: Failure) -> None:
            if failure.check(CancelledError):
                self.log.warn("bot {bot} is not told: the node ends", bot=bot.userid)
            elif failure.check(BadUrl, NotAnswered, Refusal):
                # Without the address, which may have a secret.
                self.log.warn("bot {bot} is not told: {why}", bot=bot.userid, why=failure.getErrorMessage())
            else:
                self.log.failure("bot {bot} is not told", failure, bot=bot.userid)

        def left(_: object) -> None:
            if lane.tokens == lane.limit and not lane.waiting:
                self._lanes.pop(bot.userid, None)

        telling: Deferred[None] = lane.run(tell)
        telling.addErrback(failed)
        return telling.addCallback(left)

    async def _tell(self, bot: Bot, message: Message) -> None:
        if self._is_stopped:
            raise CancelledError
        users = await self._names.names(USER, {message.userid, bot.userid})
        said: dict[str, Any] = {
            "command": word_of(message.content),
            "text": message.content[1 + len(word_of(message.content)) :].strip(),
            "user": users[message.userid],
        }
        if message.cmd == IN_GROUP:
            said["group"] = (await self._names.names(GROUP, [message.dstid]))[message.dstid]
        else:
            said["with"] = users[bot.userid]
        body = msgspec.json.encode(said)
        signed = signature(bot.secret, body, self._now_ms() // 1000)
        headers = {"Content-Type": "application/json", SIGNATURE: signed}
        answer = await self._requests.post(bot.url, body, headers, seconds=SECONDS, answer_limit=ANSWER_BYTES)
        if not 200 <= answer.status < 300:
            self.log.warn("bot {bot} refuses a command: {status}", bot=bot.userid, status=answer.status)
        elif answer.body.strip() and not self._is_stopped:
            await self._post(bot, message, answer.body)

    async def _post(self, bot: Bot, message: Message, body: bytes) -> None:
        try:
            text = msgspec.json.decode(body, type=Answered).text.strip()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.log.warn("the answer of bot {bot} is no text", bot=bot.userid)
            return
        if not text:
            return
        if len(text) > CONTENT_CHARS:
            self.log.warn("the answer of bot {bot} has more than {most} characters", bot=bot.userid, most=CONTENT_CHARS)
            return
        speaker = f"{BY_NUMBER}{bot.userid}"
        place = (
            Place(group=f"{BY_NUMBER}{message.dstid}")
            if message.cmd == IN_GROUP
            else Place((speaker, f"{BY_NUMBER}{message.userid}"))
        )
        outcome = await self.say(Said(speaker, place, (), Message(media=TEXT, content=text)))
        refused: Refusal | None = outcome.refused
        if refused is not None:
            self.log.warn("the answer of bot {bot} was refused: {why}", bot=bot.userid, why=refused.msg)


def word_of(content: str) -> str:
    """The word after the slash with which the text begins, in lower case; "" where there is none."""
    words = content[1:].split(maxsplit=1) if content.startswith(SLASH) else []
    return words[0].lower() if words and not content[1].isspace() else ""
