"""Finding messages by their words: an index of our own, the same on every database (see docs/decisions/search.md)."""
