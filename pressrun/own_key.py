"""The key that `pressrun dev` encrypts secrets with: made once, and kept in its data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from jobs.configuration.settings import Settings

NAME = "encryption.key"


def with_own_key(settings: Settings, folder: Path) -> Settings:
    """The folder's key comes after those of the settings: what it has encrypted can be read when one is set later.

    To be called by whoever holds the folder. Raises OSError.
    """
    keys = (*settings.encryption.keys, SecretStr(_kept(folder)))
    return settings.model_copy(update={"encryption": settings.encryption.model_copy(update={"keys": keys})})


def _kept(folder: Path) -> str:
    path = folder / NAME
    if not path.exists():
        _keep(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def _keep(path: Path, key: str) -> None:
    """A kill leaves a whole key or none: with half of one, what it encrypts could not be read after the next start."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
