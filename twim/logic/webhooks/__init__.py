"""Webhooks: other programs are told what happens here, by requests to addresses that they chose.

`webhooks` knows which there are; on one node of all, which holds a lease, each has a `delivery` that reads the log from
where that webhook stands and sends what it finds. `docs/decisions/webhooks.md` says why it is so.
"""
