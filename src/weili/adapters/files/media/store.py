"""Keeps bytes under the address that their content gives them, and gives them back.

An address is 64 hexadecimal digits and a suffix. What lies under it never changes, so that a
reader, a proxy or a second process may keep it for as long as it likes.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Final, Protocol

_ADDRESS: Final = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{2,5}")
_HEAD: Final = 2
"""A folder holds what begins alike, so that none holds millions of files."""


class MediaStore(Protocol):
    """Where the bytes of media lie; another may keep them in an object store."""

    def put(self, address: str, content: bytes) -> None:
        """Keep content under its address, whole or not at all; what lies there stays."""

    def get(self, address: str) -> bytes | None:
        """Give what lies under an address; None where nothing does, or it is no address."""


class FolderMediaStore:
    """Keeps media in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, address: str, content: bytes) -> None:
        """Keep content under its address, whole or not at all; what lies there stays.

        Raises: ValueError, for what is no address; OSError, when the disk refuses.
        """
        path = self._path(address)
        if path is None:
            raise ValueError(address)
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written beside its place and moved there, so that nobody ever reads half of it.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise

    def get(self, address: str) -> bytes | None:
        """Give what lies under an address; None where nothing does, or it is no address."""
        path = self._path(address)
        if path is None:
            return None
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _path(self, address: str) -> Path | None:
        """Give a file's place; only an address leads to one, so no path leads out of the folder."""
        if not _ADDRESS.fullmatch(address):
            return None
        return self._folder / address[:_HEAD] / address
