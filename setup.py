"""What pyproject.toml can't say: that a wheel holds the console, built from its sources."""

import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_BUILD = Path(__file__).parent / "web" / "console" / "build.py"


class BuildWithConsole(build_py):
    """Builds the console before its files are collected.

    Not for an editable install, which `make` does on every machine, also where no Node is; and not
    from sources that came without the console's, where what was built before is taken as it is.
    """

    def run(self) -> None:
        """Build."""
        if not self.editable_mode and _BUILD.is_file():
            build = runpy.run_path(str(_BUILD))
            if not build["is_fresh"]():
                build["build"]()
        super().run()


setup(cmdclass={"build_py": BuildWithConsole})
