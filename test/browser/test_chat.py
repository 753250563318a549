"""Two people in two browsers."""

from __future__ import annotations

from collections.abc import Callable

from test.browser.person import Person

PeopleOf = Callable[..., Person]


def test_text_both_ways(friends: tuple[Person, Person]) -> None:
    """A message arrives, is read, and is answered."""
    anna, bo = friends
    anna.say("Hello Bo")
    bo.sees("Hello Bo")
    anna.state_of("Hello Bo", "read")
    bo.say("Hello Anna")
    anna.sees("Hello Anna")
