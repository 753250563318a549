"""An instant-messaging server. The way of a message, module by module:

`twim.turns`
    one turn of the reactor reads every socket that has something to say; what was said in it shares a commit.
`twim.access.websocket`
    bytes come out of a socket; `twim.access.fastpath` takes ordinary text frames, Autobahn everything else.
`twim.logic.dispatch`
    the payload is decoded into a `twim.wire.message.Frame`, once, and goes where its `cmd` belongs.
`twim.logic.posting`
    asks `twim.logic.policy` whether this user may say this there, from memory, and hands a `Post` to the log.
`twim.storage.log`
    everything that waits becomes one transaction, in which each post gets the next `seq` of its conversation.
`twim.storage.append`, `twim.storage.sqlite`
    that transaction: on any database, and on SQLite without changing threads. Then it is on the disk.
    What finds the messages, `twim.storage.places`, is on SQLite written a moment later by `twim.storage.behind`.
`twim.logic.routing`
    hears of the commit: answers the senders, frames each message once, gives it to whom `twim.access.roster` knows.
`twim.logic.relay`
    tells the other nodes over `twim.cluster`, and delivers here what they tell.
`twim.access.session`
    the outbox of one device: bounded, written once per batch, held while the device catches up.

What a device missed comes by `twim.logic.catchup` and `twim.logic.history`, from the same stored bytes.

Around it: `twim.access.entrance` hears what a connection says first; `twim.access.lobby` lets devices in,
`twim.access.door` requests; `twim.access.site` has the tree of paths;
`twim.config` the settings, `twim.tap` makes ``twistd im`` of them, `twim.node` puts the parts together and
`twim.service` runs them. `twim.client` is the other side, for programs.
"""
