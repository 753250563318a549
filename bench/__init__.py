"""Measures what the server can do: ``make bench``, or ``python -m bench --help``. README.md explains the figures."""
