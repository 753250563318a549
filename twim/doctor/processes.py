"""Which process runs the server, and as whom. Linux alone tells; elsewhere nothing is known."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

KNOWS_USERS: Final = hasattr(os, "geteuid")
"""Whether files have owners and modes here; on Windows they have not."""
_PROC: Final = Path("/proc")
_LOCK: Final = re.compile(r"FLOCK\s+\S+\s+WRITE\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s")
_LISTENS: Final = "0A"  # the state of a socket that listens, in proc(5)'s net/tcp


def lock_holder(path: Path) -> int | None:
    """The process that holds a lock on a file, as a server does on ``im.db.lock``. 0 for one that can't be seen from
    here, None when nobody holds it or that isn't known."""
    try:
        inode, held = path.stat().st_ino, (_PROC / "locks").read_text()
    except OSError:
        return None
    for found in _LOCK.finditer(held):
        if int(found[2]) == inode:
            return max(int(found[1]), 0)
    return None


def listener(port: int) -> str:
    """The name and number of the process that listens on a TCP port, as far as this user may know: else ""."""
    inodes = {f"socket:[{inode}]" for inode in _listening_sockets(port)}
    for process in sorted(_PROC.glob("[0-9]*"), key=lambda one: int(one.name)) if inodes else ():
        try:
            if any(os.readlink(file) in inodes for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()}, process {process.name}"
        except OSError:  # another user's, or gone
            continue
    return ""


def _listening_sockets(port: int) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.append(fields[9])
    return found


def server_user(data: Path) -> int:
    """The id of the user who runs the server: who asks, and if that is root the owner of the data folder."""
    if not KNOWS_USERS:
        return 0
    own = os.geteuid()
    return own if own or not data.exists() else data.stat().st_uid


def name_of(uid: int) -> str:
    """The name of a user, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name if pwd is not None else "this user"
    except KeyError:
        return str(uid)


def may_write(path: Path, uid: int) -> bool:
    """Whether a user may write to a file, or make files in a folder. The answer is exact for who asks; for others it is
    what owner, group and mode say."""
    if not KNOWS_USERS or uid == os.geteuid():
        return os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0))
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return False
    found = path.stat()
    needed = 0o3 if stat.S_ISDIR(found.st_mode) else 0o2
    shift = 6 if found.st_uid == uid else 3 if found.st_gid in _groups(uid) else 0
    return (found.st_mode >> shift) & needed == needed


def _groups(uid: int) -> list[int]:
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return [uid]
    return os.getgrouplist(user.pw_name, user.pw_gid)
