"""An instant-messaging server. A posted message passes ten stops; each hands on and is not asked again:

1. `twim.internals.epoll`: one iteration of the reactor reads every readable socket, and
   `twim.internals.autobahn_frames` takes ordinary text frames out of the bytes (Autobahn takes all others).
2. `twim.access.websocket.protocol`: is this device still logged in, and within its bounds?
3. `twim.wire.message`: the payload is decoded into a `Frame`, once.
4. `twim.logic.dispatch`: a table says by `cmd` what to do with it.
5. `twim.logic.posting`: may this user post here (`twim.logic.policy`, from memory)? The frame becomes a `Post`.
6. `twim.storage.log`: all posts that wait become one transaction.
7. `twim.storage.sqlite.append`, or on a database server `twim.storage.append`: that transaction, in which each post
   gets the next `seq` of its conversation. After the commit it is on the disk.
8. `twim.logic.routing`: the sender is answered, and the message is framed once for all its receivers.
9. `twim.hub.outbox`: the outbox of each device concerned, in order; and over `twim.logic.publishing` and the bus of
   `twim.cluster` to the other nodes, where `twim.logic.applying` reads it.
10. `twim.access.websocket.protocol`: one write for each batch and device.

What a device missed comes by `twim.logic.catchup` and `twim.logic.history`, from the same stored bytes.

`twim.config` has the settings, `twim.tap` makes ``twistd im`` of them, `twim.node` puts the parts together and
`twim.service` runs them. `twim.command` is the command for operators, `twim.doctor` examines an installation, and
`twim.client` is the client for programs. ARCHITECTURE.md shows the whole tree, and
docs/glossary.md explains the words.
"""
