"""What an operator does to a database while nobody else does: `python -m twim.operator --help`."""
