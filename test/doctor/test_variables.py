"""Environment variables that are no settings."""

from __future__ import annotations

from test.doctor.examined import Examined


class VariablesTests(Examined):
    """The topic `variables`."""

    def test_unknown(self) -> None:
        """One that is no setting is a warning with the nearest name; settings and the tests' own are none."""
        found = self.examine("variables", environ={"TWIM_PROT": "tcp:1", "TWIM_PORT": "tcp:1", "TWIM_TEST_X": "1"})
        self.assertEqual(len(found), 1)
        self.assert_found(found, "warning", "did you mean TWIM_PORT?")

    def test_known(self) -> None:
        """Nothing is wrong where all are settings."""
        self.assert_no_problem(self.examine("variables", environ={"TWIM_DATA": "x", "HOME": "/"}))
