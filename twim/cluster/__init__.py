"""How the nodes of one cluster tell each other what happened.

`interface` has the contract and `opening` makes what a URL asks for: `alone`, `udp` or `redis`. They share `nodes`
(what nodes announce about themselves), `audience` (calls the listener) and `problem_log` (rate-limited logging).

`udp` and `redis` each have a module `bus`, which keeps the contract, and one for each direction, `outgoing` and
`incoming`. Besides, `udp` has `peer` (another node), modules without input or output (`numbering` for order and gaps,
`packing` for joining and splitting, `sealing` for secrecy and replay protection), and `key` (the cluster's key).
`redis` has `protocol`, its two connections, and uses `interest` (what they are subscribed to) and `tls` (its TLS
options).
"""
