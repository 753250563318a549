"""A client of the server for bots and tests, on Twisted. It loses, doubles and reorders no message.

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

The way of a message: `client` gives it a `cid` and keeps it in `pending` until the server has answered, over any
number of sockets that `link` opens one after another (`socket` wraps Autobahn, `backoff` computes the pauses). Each
connection begins with a `catch_up`. Incoming frames are decoded by `server_frames` and put in order by `order`, `inbox`
fetches missing messages through `rest`, and then `listener` is called. `unread` counts unread messages as the server
does, and `unread_counts` asks the server for counts that can't be known locally. `picture` is for programs that show
conversations: it applies recalls, edits and reactions.
"""

from twim.client.addresses import plain_address
from twim.client.client import Closed, ImClient
from twim.client.inbox import Position
from twim.client.link import State
from twim.client.listener import Client, Listener
from twim.client.pending import Answer
from twim.client.picture import Picture
from twim.client.rest import Account, Community, Rest, Unreachable, http_client
from twim.client.server_frames import Conversation, ConversationKey, FoundMessage, FoundPage, Page, conversation_of
from twim.client.unread import Counted

# The names of version 0.1, for existing bots.
Place = ConversationKey
place_of = conversation_of

__all__ = [
    "Account",
    "Answer",
    "Client",
    "Closed",
    "Community",
    "Conversation",
    "ConversationKey",
    "Counted",
    "FoundMessage",
    "FoundPage",
    "ImClient",
    "Listener",
    "Page",
    "Picture",
    "Place",
    "Position",
    "Rest",
    "State",
    "Unreachable",
    "conversation_of",
    "http_client",
    "place_of",
    "plain_address",
]
