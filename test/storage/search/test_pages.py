"""The bytes of the index."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.storage.search.pages import Directory, Page, numbers_in, pack_directory, pack_page

numbers = st.lists(st.integers(0, 65_535), unique=True, min_size=1).map(sorted)


class PagesTest(SynchronousTestCase):
    """What is packed comes out again."""

    @given(st.dictionaries(st.integers(0, 2**32 - 1), numbers))
    @settings(deadline=None)
    def test_page(self, entries: dict[int, list[int]]) -> None:
        """The messages of an entry, of a range of entries, and of none."""
        page = Page(pack_page(entries))
        self.assertEqual({entry: list(some) for entry, some in page.items()}, entries)
        for entry, some in entries.items():
            self.assertEqual(list(page.of(entry, entry)), some)
        self.assertEqual(list(page.of(0, 2**32 - 1)), sorted({one for some in entries.values() for one in some}))
        self.assertEqual(list(Page(b"").of(0, 2**32 - 1)), [])

    @given(
        st.dictionaries(st.integers(1, 2**60), st.integers(1, 9), max_size=9), st.sets(st.integers(1, 2**60)), st.data()
    )
    @settings(deadline=None)
    def test_directory(self, sizes: dict[int, int], others: set[int], data: st.DataObject) -> None:
        """Which messages somebody may read, whichever way they are looked for."""
        ids = iter(data.draw(st.permutations(range(100, 100 + sum(sizes.values())))))
        conversations = {one: sorted(next(ids) for _ in range(size)) for one, size in sizes.items()}
        packed, numbered = pack_directory(conversations, 100)
        directory = Directory(100, packed)
        mine = data.draw(st.sets(st.sampled_from(sorted(sizes)))) if sizes else set()
        members = frozenset(mine | others)
        expected = sorted((row for one in members for row in conversations.get(one, ())), reverse=True)
        self.assertEqual(directory.ids(directory.within(sorted(members), members, None)), expected)
        everything = sorted(numbered.values())
        for asked in (sorted(members), sorted(members) + [2**61] * len(everything)):
            self.assertEqual(directory.ids(directory.within(asked, members, everything)), expected)
        self.assertEqual(directory.numbers_of(numbered), numbered)

    @given(numbers, numbers)
    @settings(deadline=None)
    def test_both(self, some: list[int], others: list[int]) -> None:
        """What is in both of two rows of numbers."""
        self.assertEqual(numbers_in(some, others), sorted(set(some) & set(others)))
