"""On what a file is kept. Linux alone tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ON_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "glusterfs", "9p", "ocfs2", "gfs2")
) | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "ceph", "s3fs", "rclone", "juicefs", "davfs", "mfs", "gcsfuse")}
IN_MEMORY: Final = frozenset(("tmpfs", "ramfs"))
IN_CONTAINER: Final = frozenset(("overlay", "aufs"))
_MOUNTS: Final = Path("/proc/self/mountinfo")


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """The kind of file system on which `path` is, or would be made; "" where that isn't known. `mounts` is in the form
    of proc(5)'s mountinfo."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    there = path.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split(" ")[4]))
        # A later mount hides an earlier one at the same place.
        if (there == point or point in there.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind


def nearest(path: Path) -> Path:
    """The path, or what is there above it."""
    while not path.exists() and path.parent != path:
        path = path.parent
    return path


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
