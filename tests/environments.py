"""Virtual environments as users have them, in which ganzoo and plugins are installed."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from warm_python import WarmPython

SCRIPTS = "Scripts" if os.name == "nt" else "bin"


class Environment:
    """A virtual environment that sees the packages of the running one, but installs ganzoo itself.

    ``python`` and ``ganzoo`` find torch imported; see :mod:`warm_python`. To be closed.
    """

    def __init__(self, path):
        self.path = path
        self.work = path / "work"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path)], check=True, timeout=120)
        self.work.mkdir()
        site_packages = self._run(
            [self.path / SCRIPTS / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        ).stdout.strip()
        borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        (Path(site_packages) / "borrowed.pth").write_text("\n".join(borrowed) + "\n")

        pip = self.path / SCRIPTS / "pip"
        pip.write_text(f'#!/bin/sh\nexec "{self.path / SCRIPTS / "python"}" -m pip "$@"\n')
        pip.chmod(0o755)
        self.warm = WarmPython(self.path / SCRIPTS, self._inherited("PYTHON", "GANZOO", "PIP", "VIRTUAL"))

    def close(self):
        """End what keeps Python warm."""
        self.warm.close()

    def run(self, program, *arguments, expect=0, **environ):
        """Run ``python`` or ``ganzoo`` of the environment in an empty folder."""
        self.warm.wait()
        return self._run([self.warm.folder / program, *arguments], expect=expect, **environ)

    def _inherited(self, *others):
        return {name: value for name, value in os.environ.items() if not name.startswith(others)}

    def _run(self, words, *, expect=0, **environ):
        inherited = self._inherited("PYTHON", "GANZOO", "PIP", "VIRTUAL")
        done = subprocess.run(
            [*map(str, words)],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=self.work,
            env={**inherited, "COLUMNS": "120", **environ},
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    def shell(self, text, *, check=True):
        """Run lines of a shell as somebody types them, with pip kept from the network; returns what they print."""
        # pip reads NO_BUILD_ISOLATION as the value of the option that the flag turns off: 0 is "no isolation".
        pip = {
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_QUIET": "1",
            "PIP_NO_COMPILE": "1",
        }
        self.warm.wait()
        inherited = self._inherited("PYTHON", "GANZOO")
        path = os.pathsep.join([str(self.warm.folder), str(self.path / SCRIPTS), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            cwd=self.work,
            env={**inherited, **pip, "PATH": path, "COLUMNS": "120", "GANZOO_CACHE": str(self.path / "cache")},
            check=False,
        )
        assert done.returncode == 0 or not check, f"{text}\n{done.stdout}"
        return done.stdout

    def install(self, *sources):
        """Build and install without an index and without dependencies: they are borrowed."""
        flags = (
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--disable-pip-version-check",
            "--no-compile",
            "--quiet",
        )
        self._run([self.path / SCRIPTS / "pip", "install", *flags, *sources])
