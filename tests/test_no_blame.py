"""What users, strangers' files and bare containers get wrong is told as theirs: exit 2 or 3, never "bug:", no blame.

One case for each kind that was once called a bug, or laid at the door of a plugin.
"""

from __future__ import annotations

import logging
import os
import shlex
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganzoo import cache
from ganzoo.cache import cache_folder
from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out
from ganzoo.component import FILES
from ganzoo.config.schema import RunConfig
from ganzoo.errors import ConfigError
from ganzoo.evaluation.measuring import yardstick
from ganzoo.files import expanded
from ganzoo.planning.choice import choose, parse_options
from ganzoo.registry import Registry
from ganzoo.runs.directory import find_run

LONG = "l" * 300
REGISTRY = Registry.load(plugins=False)
SECTIONS = ("train", "eval", "runtime")
DIGITS = "9" * 4501


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Exit code and all that was said, of a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("ganzoo"), "handlers", [])

    def call(*words):
        result = CliRunner().invoke(app, written_out(words), env={"COLUMNS": "200", "TERM": "dumb"})
        return result.exit_code, result.output

    return call


def told(outcome, code, *words):
    assert outcome[0] == code, outcome[1]
    assert "bug:" not in outcome[1]
    for word in words:
        assert word in outcome[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loss hinge\n", "must be a mapping"),
        ("loss:hinge\n", "must be a mapping"),
        ("loss: hinge\ntrain\n  steps: 3\n", "line 3: this is not valid YAML"),
        ("loss: hinge\ntrain:\n  steps 3\n", "section 'train' must be a mapping"),
        ("loss: {name hinge}\n", "loss"),
        ("loss:\n  name:hinge\n", "name:hinge"),
        ("regularizers:\n  r1:\n    weight 10\n", "must be a mapping of options"),
        ("loss: hinge\nsteps\n", "this is not valid YAML"),
        ("loss: hinge: 3\n", "line 1: this is not valid YAML"),
        ("? loss\n", "loss"),
        (": 3\n", "this is not valid YAML"),
        ("loss: {a.b: 1}\n", "loss.a"),
        ("loss: {name: hinge, margin.x.y: 1}\n", "loss.margin"),
        ("regularizers: {r1: {weight.x: 1}}\n", "weight"),
        ("train: {steps.x: 1}\n", "train.steps"),
        (f"train: {{steps: {DIGITS}}}\n", "has a number that is too long"),
        ("loss: " + "{a: " * 3000 + "1" + "}" * 3000, "nested too deeply"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
    ],
    ids=range(18),
)
def test_a_configuration_with_a_slip_of_the_pen(command, text, said):
    Path("slip.yaml").write_text(text, encoding="utf-8")
    told(command("run", "--config", "slip.yaml", "--dry-run"), 2, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "loss.a.b=1"], "loss.a"),
        (["--loss.a.b", "1"], "loss.a"),
        (["--set", f"train.steps={DIGITS}"], "train.steps"),
        (["--set", "train.betas=" + "[" * 10_000], "train.betas"),
        (["--steps", DIGITS], "--steps"),
        (["--config", LONG], "300 bytes"),
        (["--data", f"./{LONG}"], "no file or folder can be called so"),
        (["--init", f"1:{DIGITS}"], "there is no run"),
        (["--init", LONG], "there is no run"),
    ],
    ids=range(9),
)
def test_a_command_line_that_no_number_and_no_file_can_follow(command, words, said):
    told(command("run", *words), 2, said)


@pytest.mark.parametrize(
    "line", ["resume", "report", "evaluate", "sample --grid x.png", "walk --out x.gif", "plot run"]
)
def test_a_run_that_cannot_be_called_so(command, line):
    name, *more = line.split()
    told(command(name, *([more.pop(0)] if name == "plot" else []), LONG, *more), 2)


@pytest.mark.parametrize("key", ["unroll_steps", "n_critic", "batch_size", "accumulate"], ids=str)
def test_work_without_end_is_refused_before_it_begins(command, key):
    told(command("run", "--set", f"train.{key}=9999999999"), 2, f"train.{key}", "less than or equal to")


@pytest.mark.parametrize(
    "line",
    [
        "run --set runtime.threads=N",
        "run --set train.keep='last N'",
        "run --set train.keep='every N'",
        "compare --loss hinge --seeds N",
        "compare --loss hinge --data ring -n N",
        "sample 1 --out o -n N",
    ],
)
@pytest.mark.parametrize("digits", [30, 4299, 4600])
def test_numbers_that_no_machine_reaches(command, line, digits):
    told(command(*shlex.split(line.replace("N", "9" * digits))), 2)


def test_more_samples_than_are_measured_are_refused_before_anything_is_opened():
    with pytest.raises(ConfigError, match="n is not a number of samples"):
        yardstick(None, n=10**30)


MORE_IS_NO_MORE_WORK = {
    *("every", "log_every", "sample_every", "checkpoint_every", "interval", "start", "flush_secs", "seed"),
    *("layer", "shrink", "attention"),
    "steps",  # a run can be stopped after each of them, and goes on from there
    "threads",
}
"""Numbers without a bound: longer intervals, later beginnings, places; stride has one in each of its forms."""


def test_every_number_that_asks_for_work_has_a_bound():
    models = {entry.qualified: entry.options() for entry in REGISTRY.entries() if entry.kind not in FILES}
    models |= {name: field.annotation for name, field in RunConfig.model_fields.items() if name in SECTIONS}
    endless = [
        f"{name}: {key}"
        for name, model in models.items()
        for key, field in model.model_fields.items()
        if {int, int | None} & {field.annotation}
        and not any(hasattr(bound, "le") or hasattr(bound, "lt") for bound in field.metadata)
        and key not in MORE_IS_NO_MORE_WORK
    ]
    assert not endless


@pytest.mark.parametrize("usual", [lambda name: Path("~/.cache"), lambda name: _no_home(name)], ids=["old", "new"])
def test_without_a_home_folder(monkeypatch, tmp_path, usual):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(Path, "expanduser", _no_home)
    monkeypatch.delenv("GANZOO_CACHE")
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", usual)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache_folder() == tmp_path / f"ganzoo-{os.getuid()}"
    assert cache_folder().stat().st_mode & 0o777 == 0o700
    cache_folder().chmod(0o777)
    with pytest.raises(ConfigError, match="cannot be trusted"):
        cache_folder()
    with pytest.raises(ConfigError, match="~/x begins with a home folder that does not exist"):
        expanded("~/x")
    with pytest.raises(ConfigError, match="home folder"):
        parse_options(choose(*_asked("~/pictures")))


def _no_home(path):
    raise RuntimeError("Could not determine home directory.")


def _asked(path):
    from ganzoo.config.layers import ConfigLayer

    return REGISTRY, [ConfigLayer("--data", {"data.name": path})]


def test_a_run_that_no_file_system_holds(tmp_path):
    with pytest.raises(ConfigError, match="there is no run"):
        find_run(tmp_path, LONG)


def test_a_table_whose_labels_are_numbers_of_more_digits_than_python_reads(tmp_path):
    from ganzoo_datasets.files.choosing import ordered

    assert ordered({"10", "9", DIGITS, "010", "٣"}) == ("٣", "9", "010", "10", DIGITS)


def test_a_folder_whose_name_is_not_utf_8(command, tmp_path):
    from PIL import Image

    place = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.makedirs(place)
    for number in range(2):
        Image.new("L", (8, 8), number * 200).save(os.path.join(os.fsdecode(place), f"{number}.png"))
    tiny = shlex.split("--image-size 8 --batch-size 2 --steps 1 --disc mlp --gen mlp --quiet --device cpu")
    told(command("data", os.fsdecode(place)), 2, "must be text in UTF-8", "\\udcff\\udcfe")
    os.rename(place, tmp_path / "renamed")
    told(command("run", "--data", "renamed", *tiny, "--runs", os.fsdecode(place)), 0)
    told(command("resume", "--runs", os.fsdecode(place), "--steps", "2"), 0)
