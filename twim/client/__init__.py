"""A client of the server for bots and tests, on Twisted: nothing lost, doubled or out of order.

A bot that answers every text with its own words::

    from twisted.internet.defer import Deferred, ensureDeferred
    from twisted.internet.task import react
    from twim.client import ImClient, Listener

    class Echo(Listener):
        async def message(self, client, message):
            if message.userid != client.userid and message.media == 1:
                await client.reply(message, f"You said: {message.content}")

    async def main(reactor):
        bot = await ImClient.login(reactor, "http://127.0.0.1:8080", "13800000001", "secret1", Echo())
        await bot.connect(missed=False)
        await Deferred()

    react(lambda reactor: ensureDeferred(main(reactor)))

The way of a message: `client` gives it a `cid` and keeps it in `unanswered` until the answer came, over any
number of sockets that `link` dials (`socket` is Autobahn, `backoff` the waiting). What comes in is decoded
by `said` and put in order by `order`; `inbox` fetches what is missing through `rest`; `listener` is told.
`picture` is for who shows conversations: it applies recalls, edits and reactions.
"""

from twim.client.client import Closed, ImClient, Position
from twim.client.link import State
from twim.client.listener import Listener
from twim.client.picture import Picture
from twim.client.rest import Account, Community, Rest, Unreachable, http_client
from twim.client.said import Conversation, Page, Place, place_of
from twim.client.unanswered import Answer

__all__ = [
    "Account",
    "Answer",
    "Closed",
    "Community",
    "Conversation",
    "ImClient",
    "Listener",
    "Page",
    "Picture",
    "Place",
    "Position",
    "Rest",
    "State",
    "Unreachable",
    "http_client",
    "place_of",
]
