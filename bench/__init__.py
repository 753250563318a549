"""What the server can do, measured: ``make bench``, or ``python -m bench --help``. README.md explains the figures."""
