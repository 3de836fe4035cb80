"""The command line in this process: what `ganzoo …` would print and exit with."""

import json
import logging
import re
import shlex
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out

TINY = (
    "--data synthetic --image-size 8 --batch-size 4 --steps 2 --set data.n=16 --disc.ndf 2 --gen.ngf 2 --gen.latent 3"
)
"""What trains in a blink."""


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def ganzoo(tmp_path, monkeypatch):
    """Call a command in a folder of its own: ``ganzoo("run --steps 3")``."""
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("ganzoo")
    before = logger.handlers[:], logger.level, logger.propagate

    def call(line, *more, width=200):
        arguments = written_out([*shlex.split(line), *more])
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": str(width), "TERM": "dumb"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    yield call
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture
def tiny(ganzoo):
    """``ganzoo run`` on something tiny, with more arguments after it, which replace those of the same name."""

    def call(line="", *more, width=200):
        pairs = re.findall(r"(--\S+) (\S+)", TINY)
        kept = [f"{flag} {value}" for flag, value in pairs if flag == "--set" or f"{flag} " not in f"{line} "]
        return ganzoo(f"run {' '.join(kept)} {line}", *more, width=width)

    return call
