"""The index of words: what is indexed, and how it is kept."""
