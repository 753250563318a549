"""The operator's commands for a database that no server uses: `python -m twim.operator --help`."""
