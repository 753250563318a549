"""How the nodes of one cluster tell each other what happened.

`interface` has the contract and `opening` makes what a URL asks for: `alone`, `udp` or `redis`. They share `nodes`
(what nodes tell of themselves), `audience` (calling the listener) and `complaints` (logging, not too often).

Under `udp` lie `outgoing` and `peer`, the two directions, and, without any input or output, `numbering` (order,
gaps), `packing` (joining, splitting) and `sealing` (secrecy, replay); `key` keeps the cluster's key. Under
`redis` lie `redis_lines`, its connections, and `interest`, what they are subscribed to.
"""
