"""How long a database server may keep anybody waiting.

The server may hang, or the network may lose everything: nothing waits for an answer longer than `ANSWER_SECONDS`. A
node that dies while it holds locks must not keep them: the database ends its transaction after `IDLE_SECONDS`.
"""

from __future__ import annotations

from typing import Final

CONNECT_SECONDS: Final = 3  # with ANSWER_SECONDS the longest that a send waits before it is refused
ANSWER_SECONDS: Final = 4  # how long a statement may take; all of ours take milliseconds
LOCK_SECONDS: Final = 2  # how long a statement waits for another transaction's lock; less than ANSWER_SECONDS
IDLE_SECONDS: Final = 10  # how long a transaction may do nothing
SESSION_SECONDS: Final = 600  # how long MySQL keeps an idle connection, and on old servers an idle transaction
RECYCLE_SECONDS: Final = 240  # below the idle time-outs of servers and the firewalls before them
