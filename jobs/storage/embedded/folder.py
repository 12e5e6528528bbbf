"""A data folder, and the lock that keeps a second process out of it. What it holds is not known here."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import PressrunError

LOCK = "lock"


@dataclass(eq=False)
class FolderInUse(PressrunError):
    """The folder {folder} is in use by another Pressrun, process {owner}: stop it, or choose another folder."""

    folder: Path
    owner: str


class Folder:
    """Held until `release`, or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises `FolderInUse`, and OSError where the folder cannot be made."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise FolderInUse(path, owner) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)
