"""Names of version 0.1 of the client that bots may still use."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim import client


class NamesTests(SynchronousTestCase):
    """Renamed classes and attributes are still there under their old names."""

    def test_first_version(self) -> None:
        """`Place`, `place_of` and the attribute `place` still work."""
        place = client.Place(10, 2)
        self.assertEqual(client.Answer(place, 1, 0).place, place)
        self.assertEqual(client.Conversation(10, 2, 1).place, place)
        self.assertIs(client.place_of, client.conversation_of)
