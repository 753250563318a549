"""The file of accounts: what is read of it, and every line that is refused."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from twim.command import accounts_file
from twim.command.accounts_file import Read, read_accounts
from twim.command.bad_lines import Bad
from twim.operator.refused import Refused
from twim.storage.imports import Account


class Reading(SynchronousTestCase):
    """CSV, as spreadsheets write it."""

    def read(self, text: str | bytes) -> Read:
        path = Path(self.mktemp())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_accounts(path)

    def refused(self, text: str | bytes) -> str:
        with self.assertRaises(Refused) as caught:
            self.read(text)
        return str(caught.exception)

    def test_accounts(self) -> None:
        """Columns in any order, a byte order mark, line ends of Windows, quotes, empty lines."""
        found = self.read(
            '\ufeffnickname,mobile,avatar\r\n"小,明",13800000001,https://x/a.png\r\n\r\nAnn, +4912345 ,\r\n'
        )
        first = Account("13800000001", "小,明", "https://x/a.png")
        self.assertEqual(found, Read({2: first, 4: Account("+4912345", "Ann", "")}, []))

    def test_mobile_alone(self) -> None:
        """Who has no name in the file is called something."""
        (account,) = self.read("mobile\n777\n").accounts.values()
        self.assertRegex(account.nickname, r"^user\d{6}$")

    def test_bad_lines(self) -> None:
        """Each bad line is told with its number, and is no account."""
        found = self.read(
            "mobile,nickname,avatar\n"
            "x,a,\n"
            f"111,{'n' * 21},\n"
            "222,a\u202eb,\n"
            "333,a,javascript:x\n"
            "444,a,,more\n"
            "555,a,\n"
            "555,b,\n"
            ",nobody,\n"
        )
        self.assertEqual(list(found.accounts), [7])
        self.assertEqual([bad.line for bad in found.bad], [2, 3, 4, 5, 6, 8, 9])
        self.assertEqual(found.bad[0], Bad(2, "mobile: 3 to 20 digits"))
        self.assertEqual(found.bad[5].why, "mobile 555: also in line 7")

    def test_no_role(self) -> None:
        """Nobody becomes an administrator by a file."""
        self.assertIn("twim user role", self.refused("mobile,role\n1234,admin\n"))

    def test_columns(self) -> None:
        """A file without the right first line is refused whole."""
        for text in (
            "",
            "nickname\nAnn\n",
            "mobile,password\n123,x\n",
            "mobile,mobile\n123,456\n",
            "13800000001,Ann\n",
        ):
            self.assertIn("columns mobile and", self.refused(text))

    def test_no_csv(self) -> None:
        """What is no text, or no CSV, is refused."""
        self.assertIn("not UTF-8", self.refused(b"mobile\n\xff\xfe\n"))
        self.assertIn("unexpected end of data", self.refused('mobile\n"123'))

    def test_too_many(self) -> None:
        """A file can't fill the memory."""
        self.patch(accounts_file, "MOST", 2)
        self.assertIn("more than 2", self.refused("mobile\n111\n222\n333\n"))
