"""What the doctor finds is shown, each with what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from test.command.folder import InFolder
from test.storage.rig import asynchronous
from twim import doctor
from twim.command.tables import width
from twim.config import Config
from twim.doctor import Finding, Level

FINE = Finding("disk", Level.OK, "40 GiB are free")
WRONG = Finding(
    "port", Level.ERROR, "tcp:80 can't be opened: " + "somebody else listens there " * 3, "Stop the other program, " * 4
)


class Doctor(InFolder):
    """`twim doctor`, whose findings are given."""

    def setUp(self) -> None:
        super().setUp()
        self.findings = [FINE]
        self.told: dict[str, Any] = {}

        def examine(config: Config, **told: Any) -> list[Finding]:
            self.told = {"data": config.data, "port": config.port, **told}
            return self.findings

        self.patch(doctor, "examine", examine)

    @asynchronous
    async def test_fine(self) -> None:
        """What is fine is told, too, and the command has succeeded."""
        said = await self.command("doctor", "--port", "tcp:80")
        self.assertEqual(said, (0, "ok       disk: 40 GiB are free\n", ""))
        self.assertEqual(
            self.told, {"data": self.folder, "port": ("tcp:80",), "write": False, "url": "", "backups": None}
        )

    @asynchronous
    async def test_wrong(self) -> None:
        """What is wrong is told with its remedy, in lines that fit a terminal, and the command has failed."""
        self.findings = [FINE, WRONG]
        said = await self.command("doctor")
        self.assertEqual((said.code, said.err), (1, "twim: 1 error was found\n"))
        self.assertIn("\nerror    port: tcp:80 can't be opened", said.out)
        self.assertIn("\n         → Stop the other program", said.out)
        self.assertLess(max(map(width, said.out.split("\n"))), 80)

    @asynchronous
    async def test_json(self) -> None:
        """As JSON it is a list."""
        self.findings = [WRONG, WRONG]
        said = await self.command("doctor", "--json")
        rows = json.loads(said.out)
        self.assertEqual([(row["topic"], row["level"]) for row in rows], [("port", "error")] * 2)
        self.assertEqual(said.err, "twim: 2 errors were found\n")

    @asynchronous
    async def test_more(self) -> None:
        """What the doctor may do besides is passed on."""
        line = "doctor --write --url https://c.example --backups /b --backup-days 3"
        await self.command(*line.split())
        wanted = {"write": True, "url": "https://c.example", "backups": Path("/b"), "backup_days": 3}
        self.assertEqual({name: self.told[name] for name in wanted}, wanted)
