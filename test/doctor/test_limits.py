"""What the system allows."""

from __future__ import annotations

import fcntl
import os
import resource
from pathlib import Path

from test.doctor.examined import Examined
from twim.doctor.limits import judge_files, judge_kernel, judge_memory
from twim.doctor.processes import lock_holder


class LimitsTests(Examined):
    """The topic `limits`."""

    def test_few_files(self) -> None:
        """A process that may open few says so of servers that are started like it."""
        found = self.examine_apart("limits", {"data": str(self.data)}, "sh", "-c", 'ulimit -n 256; exec "$@"', "sh")
        self.assertIn("LimitNOFILE", self.assert_found(found, "error", "may open only 256 files").fix)
        found = self.examine_apart("limits", {"data": str(self.data)}, "sh", "-c", 'ulimit -n 4096; exec "$@"', "sh")
        self.assert_found(found, "warning", "may open only 4096 files")

    def test_of_the_running_server(self) -> None:
        """Whoever holds the database's lock is the server, and its limit counts."""
        self.make()
        lock = self.data / "im.db.lock"
        self.assertIsNone(lock_holder(lock))
        with lock.open("w") as held:
            self.assertIsNone(lock_holder(lock))
            fcntl.flock(held, fcntl.LOCK_EX)
            if lock_holder(lock) != os.getpid():
                self.skipTest("this system doesn't tell who holds a lock")
            count = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            words = f"the running server may open {'only ' if count < 10_000 else ''}{count} files"
            self.assertEqual(sum(one.text.startswith(words) for one in self.examine("limits")), 1)
        self.assertIsNone(lock_holder(lock))

    def test_files(self) -> None:
        """From which number on it is enough."""
        levels = {count: judge_files(count, "it").level.value for count in (0, 1023, 1024, 9_999, 10_000, -1)}
        wanted = {0: "error", 1023: "error", 1024: "warning", 9_999: "warning", 10_000: "ok", -1: "ok"}
        self.assertEqual(levels, wanted)
        self.assertIn("any number", judge_files(-1, "it").text)

    def test_kernel(self) -> None:
        """Each setting that is too low, by the name that sysctl has for it."""
        net = self.kernel(somaxconn="128", syn="64", memory="212992", ports="32768 33000")
        found = list(judge_kernel(net, True))
        for words, setting in (
            ("be accepted", "somaxconn=1000"),
            ("be made", "max_syn_backlog=1000"),
            ("be read", "rmem_max="),
        ):
            self.assertIn(setting, self.assert_found(found, "warning", words).fix)
        self.assert_found(found, "note", "only 232 connections")
        self.assertEqual(len(list(judge_kernel(net, False))), 3)

    def test_kernel_that_is_right(self) -> None:
        """And one of which nothing is known."""
        net = self.kernel(somaxconn="4096", syn="1024", memory="8388608", ports="10240\t65535")
        self.assertEqual([one.level for one in judge_kernel(net, True)], ["ok"])
        self.assertEqual(list(judge_kernel(self.data / "none", True)), [])

    def test_this_kernel(self) -> None:
        """Its own settings are read as they are."""
        if not Path("/proc/sys/net/core/somaxconn").exists():
            self.skipTest("not Linux")
        low = int(Path("/proc/sys/net/core/somaxconn").read_text()) < 1000
        self.assertEqual(any("be accepted" in one.text for one in self.examine("limits")), low)

    def test_memory(self) -> None:
        """Little of it is a warning."""
        self.assertEqual(judge_memory(255 << 20, "is there").level, "warning")
        self.assertIn("only 255 MiB", judge_memory(255 << 20, "is there").text)
        self.assertEqual(judge_memory(1 << 30, "is there").level, "ok")

    def kernel(self, somaxconn: str, syn: str, memory: str, ports: str) -> Path:
        """A folder like /proc/sys/net."""
        net = self.data / "net"
        for name, text in (
            ("core/somaxconn", somaxconn),
            ("core/rmem_max", memory),
            ("ipv4/tcp_max_syn_backlog", syn),
            ("ipv4/ip_local_port_range", ports),
        ):
            (net / name).parent.mkdir(parents=True, exist_ok=True)
            (net / name).write_text(text + "\n")
        return net
