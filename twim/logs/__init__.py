"""How events are written to the log: one on each line, as text or JSON, with nothing secret in it."""
