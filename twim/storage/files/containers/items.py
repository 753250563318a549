"""The `meta` box of AVIF and HEIC: what each item is, and where its bytes are (ISO/IEC 14496-12, 8.11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from twim.storage.files.containers.boxes import FREE, HANDLER_NAME, Box, Patches, Reader, box, boxes
from twim.storage.files.containers.pieces import Pieces, Source, Span, Unclean

_PICTURES: Final = frozenset(b"av01 hvc1 hev1 lhv1 vvc1 jpeg j2k1 unci grid iovl iden tmap".split())
"""Items that are coded pictures, or made of others."""


_AS_THEY_ARE: Final = frozenset((b"hdlr", b"pitm", b"idat", b"grpl", b"dinf"))
_PROPERTIES: Final = frozenset(
    b"ispe pixi colr auxC irot imir clap pasp rloc lsel iscl clli mdcv cclv amve ndwt reve"
    b" av1C hvcC lhvC vvcC jpgC j2kH uncC cmpd a1op a1lx tols oinf".split()
)
_TABLE_BYTES: Final = 1 << 22  # of one table, which is rebuilt in memory; a photograph's have some KiB


class _Items(NamedTuple):
    """Those that go, and where the bytes of all are."""

    dropped: set[int]
    located: dict[int, list[Span]]
    spans: dict[int, bytes]
    """Each one's entry in the table of locations, as it is."""


def bare_meta(data: Source, meta: Box, patches: Patches) -> Pieces:
    """The box without items that aren't pictures, and without thumbnails; their bytes are zeros by `patches`. It keeps
    its size, and so everything its place."""
    first = meta.data + 4  # version and flags
    children: dict[bytes, Box] = {}
    for one in boxes(data, first, meta.end):
        if one.kind in children and one.kind != FREE:
            raise Unclean(f"two {one.kind!r}")
        children[one.kind] = one
    if not {b"pitm", b"iinf", b"iloc"} <= set(children):
        raise Unclean("no items")
    items = _items(data, children)
    kept = [span for item, spans in items.located.items() if item not in items.dropped for span in spans]
    for item in items.dropped:
        patches.blank_but(items.located.get(item, []), kept)
    if b"hdlr" in children:
        patches.blank(children[b"hdlr"].data + HANDLER_NAME, children[b"hdlr"].end)
    inner = Pieces()
    for kind, one in children.items():
        if kind in _AS_THEY_ARE:
            inner.extend(patches.pieces(one.start, one.end))
        elif kind in _REBUILT:
            _put(inner, data, one, _REBUILT[kind](data, one, items))
    return _filled(meta, first, inner)


def _put(inner: Pieces, data: Source, one: Box, rebuilt: bytes) -> None:
    if rebuilt == data[one.start : one.end]:
        inner.keep(one.start, one.end)
    else:
        inner.put(rebuilt)


def _filled(meta: Box, first: int, inner: Pieces) -> Pieces:
    """The whole box, as large as it was."""
    spare = meta.end - first - inner.size
    if spare < 0 or 0 < spare < 8:
        raise Unclean("no room")
    out = Pieces()
    out.keep(meta.start, first)
    out.extend(inner)
    if spare:
        out.put(spare.to_bytes(4, "big") + FREE)
        out.blank(spare - 8)
    return out


def _items(data: Source, children: dict[bytes, Box]) -> _Items:
    kinds = dict(_entries(data, children[b"iinf"]))
    dropped = {item for item, entry in kinds.items() if _kind(data, entry) not in _PICTURES}
    if b"iref" in children:
        dropped |= {source for kind, source, _, _ in _references(data, children[b"iref"]) if kind == b"thmb"}
    located, spans = _locations(data, children[b"iloc"], children.get(b"idat"))
    primary = Reader(data, children[b"pitm"].data, children[b"pitm"].end)
    wide = primary.number(4) >> 24
    if primary.number(4 if wide else 2) in dropped:
        raise Unclean("the picture is none")
    return _Items(dropped, located, spans)


def _table(data: Source, one: Box) -> Reader:
    if one.end - one.start > _TABLE_BYTES:
        raise Unclean(f"{one.kind!r} is too large")
    return Reader(data, one.data, one.end)


def _entries(data: Source, one: Box) -> list[tuple[int, Box]]:
    """The ids of the items, and what is said of each."""
    _table(data, one)
    found = []
    for entry in boxes(data, one.data + (6 if data[one.data] == 0 else 8), one.end):
        version = data[entry.data]
        if entry.kind != b"infe" or version not in (2, 3):
            raise Unclean("an item of an unknown kind")
        said = Reader(data, entry.data + 4, entry.end)
        found.append((said.number(2 if version == 2 else 4), entry))
    return found


def _kind(data: Source, entry: Box) -> bytes:
    at = entry.data + 4 + (2 if data[entry.data] == 2 else 4) + 2
    return bytes(data[at : at + 4])


def _bare_entries(data: Source, one: Box, items: _Items) -> bytes:
    version = data[one.data]
    kept = [entry for item, entry in _entries(data, one) if item not in items.dropped]
    said = b"".join(_nameless(data, entry) for entry in kept)
    count = len(kept).to_bytes(2 if version == 0 else 4, "big")
    return box(b"iinf", bytes(data[one.data : one.data + 4]) + count + said)


def _nameless(data: Source, entry: Box) -> bytes:
    """What is said of an item, with zeros for its name."""
    name = entry.data + 4 + (2 if data[entry.data] == 2 else 4) + 2 + 4
    return bytes(data[entry.start : name]) + bytes(max(0, entry.end - name))


def _locations(data: Source, one: Box, stored: Box | None) -> tuple[dict[int, list[Span]], dict[int, bytes]]:
    read = _table(data, one)
    version, sizes = read.number(4) >> 24, read.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    located: dict[int, list[Span]] = {}
    entries: dict[int, bytes] = {}
    for _ in range(read.number(4 if version == 2 else 2)):
        start = read.at
        item = read.number(4 if version == 2 else 2)
        method = read.number(2) & 15 if version else 0
        read.number(2)
        base = read.number(base_size)
        located[item] = []
        for _ in range(read.number(2)):
            read.number(index_size if version else 0)
            at, size = base + read.number(offset_size), read.number(length_size)
            if method == 1 and stored is not None:
                located[item].append(Span(min(stored.data + at, stored.end), min(stored.data + at + size, stored.end)))
            elif method == 0:
                located[item].append(Span(min(at, len(data)), min(at + size, len(data))))
        entries[item] = bytes(data[start : read.at])
    return located, entries


def _bare_locations(data: Source, one: Box, items: _Items) -> bytes:
    version = data[one.data]
    kept = [entry for item, entry in items.spans.items() if item not in items.dropped]
    count = len(kept).to_bytes(4 if version == 2 else 2, "big")
    return box(b"iloc", bytes(data[one.data : one.data + 6]) + count + b"".join(kept))


def _references(data: Source, one: Box) -> list[tuple[bytes, int, list[int], int]]:
    """Kind, from which item, to which, and the bytes of an id."""
    size = 4 if _table(data, one).number(4) >> 24 else 2
    found = []
    for entry in boxes(data, one.data + 4, one.end):
        read = Reader(data, entry.data, entry.end)
        source = read.number(size)
        found.append((entry.kind, source, [read.number(size) for _ in range(read.number(2))], size))
    return found


def _bare_references(data: Source, one: Box, items: _Items) -> bytes:
    said = bytes(data[one.data : one.data + 4])
    for kind, source, targets, size in _references(data, one):
        kept = [target for target in targets if target not in items.dropped]
        if source in items.dropped or not kept:
            continue
        ids = b"".join(target.to_bytes(size, "big") for target in kept)
        said += box(kind, source.to_bytes(size, "big") + len(kept).to_bytes(2, "big") + ids)
    return box(b"iref", said)


def _bare_properties(data: Source, one: Box, items: _Items) -> bytes:
    _table(data, one)
    said = b""
    for part in boxes(data, one.data, one.end):
        if part.kind == b"ipco":
            said += box(b"ipco", b"".join(_property(data, each) for each in boxes(data, part.data, part.end)))
        elif part.kind == b"ipma":
            said += _bare_associations(data, part, items)
    return box(b"iprp", said)


def _property(data: Source, one: Box) -> bytes:
    """As it is, or nothing in its place: properties are known by their number."""
    if one.kind in _PROPERTIES:
        return bytes(data[one.start : one.end])
    return box(FREE, bytes(one.end - one.start - 8))


def _bare_associations(data: Source, one: Box, items: _Items) -> bytes:
    read = Reader(data, one.data, one.end)
    head = read.number(4)
    id_size, index_size = (4 if head >> 24 else 2), (2 if head & 1 else 1)
    kept = []
    for _ in range(read.number(4)):
        start = read.at
        item = read.number(id_size)
        read.bytes(read.number(1) * index_size)
        if item not in items.dropped:
            kept.append(bytes(data[start : read.at]))
    return box(b"ipma", head.to_bytes(4, "big") + len(kept).to_bytes(4, "big") + b"".join(kept))


_REBUILT: Final[dict[bytes, Callable[[Source, Box, _Items], bytes]]] = {
    b"iinf": _bare_entries,
    b"iloc": _bare_locations,
    b"iref": _bare_references,
    b"iprp": _bare_properties,
}
