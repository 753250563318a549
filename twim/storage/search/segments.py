"""The segments of the index of words, as they stand in their table; parts of transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from twim.storage.schema import message
from twim.storage.search.pages import PAGES, SPAN
from twim.storage.search.tables import BUILDING, DEAD, LIVE, change, page, segment

BASE: Final = 4_096  # row ids of the segments that are made first: searches read what is newer from the log
_TOGETHER: Final = 500  # ids in one statement


class Segment(NamedTuple):
    """A row, without its directory."""

    id: int
    state: int
    first: int
    last: int
    since: int
    until: int
    at: int


class Overview(NamedTuple):
    """How far the index is."""

    oldest: int
    """The row ids of the oldest and of the newest message; 0 when there are none."""
    newest: int
    segments: list[Segment]
    changed: dict[int, int]
    """Messages that changed, by their row ids, and when (ms); some of them."""

    @property
    def live(self) -> list[Segment]:
        """Those that are searched, the newest first: where two have the same messages, the one that has more."""
        return uncovered(one for one in self.segments if one.state == LIVE)


_columns: Final = tuple(segment.c[name] for name in Segment._fields)
_live: Final = select(*_columns).where(segment.c.state == LIVE)
_CHANGES: Final = 20_000  # that are looked at together


def uncovered(segments: Iterable[Segment]) -> list[Segment]:
    """The newest first, without those that overlap one with more messages."""
    found: list[Segment] = []
    for one in sorted(segments, key=lambda one: (-one.last, one.first)):
        if not found or one.last < found[-1].first:
            found.append(one)
    return found


def live(connection: Connection) -> list[Segment]:
    """Those that are searched, the newest first."""
    return uncovered(Segment(*row) for row in connection.execute(_live))


def overview(connection: Connection) -> Overview:
    """How far the index is."""
    oldest, newest = connection.execute(select(func.min(message.c.id), func.max(message.c.id))).one()
    rows = [Segment(*row) for row in connection.execute(select(*_columns))]
    changes = select(change.c.message, change.c.at).order_by(change.c.id).limit(_CHANGES)
    return Overview(oldest or 0, newest or 0, rows, {line.message: line.at for line in connection.execute(changes)})


def unindexed(seen: Overview, settled: int) -> tuple[int, int] | None:
    """The newest whole piece of the log that no segment has, as its first and last row id, of what is up to the id
    `settled`; None when all has been indexed."""
    top = (settled + 1) // BASE * BASE - 1
    for one in (*seen.live, None):
        bottom = one.last + 1 if one else max(seen.oldest // BASE * BASE, 0)
        if bottom <= top:
            return max(bottom, top // BASE * BASE), top
        top = min(top, one.first - 1) if one else top
    return None


def mergeable(seen: Overview) -> list[Segment]:
    """Segments, the oldest first, that together have all of a span of the log and can become one; none when there are
    none."""
    spans: dict[int, list[Segment]] = {}
    for one in seen.live:
        spans.setdefault(one.first // SPAN, []).append(one)
    for span, parts in spans.items():
        first, last = span * SPAN, span * SPAN + SPAN - 1
        if len(parts) > 1 and sum(one.last - one.first + 1 for one in parts) == SPAN:
            parts.reverse()
            if parts[0].first == first and parts[-1].last == last:
                return parts
    return []


def begin(connection: Connection, first: int, last: int, at: int) -> int:
    """A segment that isn't searched yet. Gives its id."""
    values = {"state": BUILDING, "first": first, "last": last, "since": 0, "until": 0, "at": at, "messages": 0}
    made = connection.execute(insert(segment).values(values | {"directory": b""}))
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def finish(
    connection: Connection,
    segment_id: int,
    values: Mapping[str, Any],
    replaced: Sequence[Segment],
    changes: Sequence[int],
) -> bool:
    """It is searched from now on, with these `values`, instead of those that it replaces; the changes with these ids
    are in it. False where another node was faster: then it is dead."""
    at = values["at"]
    mine = update(segment).where(segment.c.id == segment_id)
    kill = update(segment).where(segment.c.id.in_([one.id for one in replaced]), segment.c.state == LIVE)
    if connection.execute(kill.values(state=DEAD, at=at)).rowcount != len(replaced) or _is_taken(
        connection, segment_id
    ):
        connection.execute(mine.values(state=DEAD, at=at))
        return False
    connection.execute(mine.values(state=LIVE, **values))
    forget_changes(connection, changes)
    return True


def _is_taken(connection: Connection, segment_id: int) -> bool:
    first, last, state = connection.execute(
        select(segment.c.first, segment.c.last, segment.c.state).where(segment.c.id == segment_id)
    ).one()
    other = select(segment.c.id).where(segment.c.state == LIVE, segment.c.first <= last, segment.c.last >= first)
    return state != BUILDING or connection.execute(other.limit(1)).first() is not None


def kill(connection: Connection, segment_ids: Sequence[int], at: int) -> None:
    """These are searched no more; their pages are deleted later."""
    connection.execute(update(segment).where(segment.c.id.in_(segment_ids)).values(state=DEAD, at=at))


def write_pages(connection: Connection, segment_id: int, pages: Mapping[int, bytes]) -> None:
    """Store pages, by their numbers, that aren't there yet."""
    if pages:
        rows = [{"id": segment_id * PAGES + number, "data": data} for number, data in pages.items()]
        connection.execute(insert(page), rows)


def delete_pages(connection: Connection, segment_id: int, first: int, end: int) -> None:
    """Delete the pages `first` <= number < `end`."""
    here = (page.c.id >= segment_id * PAGES + first, page.c.id < segment_id * PAGES + end)
    connection.execute(delete(page).where(*here))


def forget(connection: Connection, segment_id: int) -> None:
    """Its row, once its pages are deleted."""
    connection.execute(delete(segment).where(segment.c.id == segment_id))


def read_pages(connection: Connection, ids: Sequence[int], locked: bool = False) -> dict[int, bytes]:
    """The pages with these ids that there are."""
    found: dict[int, bytes] = {}
    for start in range(0, len(ids), _TOGETHER):
        wanted = select(page.c.id, page.c.data).where(page.c.id.in_(ids[start : start + _TOGETHER]))
        rows = connection.execute(wanted.with_for_update() if locked else wanted)
        found.update((one, bytes(data)) for one, data in rows)
    return found


def directory_of(connection: Connection, segment_id: int) -> bytes:
    """The directory of a segment."""
    return bytes(connection.execute(select(segment.c.directory).where(segment.c.id == segment_id)).scalar_one())


def changes_between(connection: Connection, first: int, last: int) -> dict[int, int]:
    """The ids of changes of the messages with these row ids, some at a time, with the row id of each."""
    wanted = select(change.c.id, change.c.message).where(change.c.message >= first, change.c.message <= last)
    return {line.id: line.message for line in connection.execute(wanted.order_by(change.c.id).limit(_CHANGES))}


def forget_changes_before(connection: Connection, oldest: int) -> None:
    """Messages with row ids below `oldest` are deleted, and no segment has them any more."""
    connection.execute(delete(change).where(change.c.message < oldest))


def forget_changes(connection: Connection, ids: Sequence[int]) -> None:
    """The index has these."""
    for start in range(0, len(ids), _TOGETHER):
        connection.execute(delete(change).where(change.c.id.in_(ids[start : start + _TOGETHER])))
