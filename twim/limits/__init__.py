"""How much one user or one address may do: token buckets, and the table of all limits.

What is counted here is counted by each node for itself. Failed log-ins and searches are counted in the database, for
all nodes together: see `twim.storage.attempts`.
"""
