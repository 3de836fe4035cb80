"""What is typed wrongly is answered like every other error; help shows no value for what takes none."""

from __future__ import annotations

import re

import pytest
import typer

from ganzoo import program
from ganzoo.cli import app
from ganzoo.cli.plot import plot_app

COMMANDS = [
    "",
    *program.COMMANDS,
    *(f"plot {one.name}" for one in plot_app.registered_commands),
]

APART = "--loss takes several choices in one word: separate them by commas"
WRONG = {
    "run --stpes 3": ("ganzoo run has no option --stpes; did you mean '--steps'?", "ganzoo run --help"),
    "run --batch 3": ("ganzoo run has no option --batch", "ganzoo run --batch-size N"),
    "run --iterations=3": ("ganzoo run has no option --iterations", "ganzoo run --steps N"),
    "run --gpu 0": ("ganzoo run has no option --gpu", "ganzoo run --device cuda"),
    "run --dataset x": ("ganzoo run has no option --dataset", "ganzoo run --data NAME|PATH"),
    "run --model x": ("ganzoo run has no option --model", "ganzoo run --disc NAME --gen NAME"),
    "run --resolution 64": ("ganzoo run has no option --resolution", "ganzoo run --image-size N"),
    "run --output_dir x": ("ganzoo run has no option --output_dir", "ganzoo run --runs DIR"),
    "matrix --resolution 64": ("ganzoo matrix has no option --resolution", "ganzoo matrix --image-size N"),
    "matrix --steps 3": ("ganzoo matrix has no option --steps", "ganzoo matrix --help"),
    "run --lr 3": ("ganzoo run has no option --lr", "ganzoo run --set train.g_lr=VALUE --set train.d_lr=VALUE"),
    "run --learning-rate=3": (
        "ganzoo run has no option --learning-rate",
        "ganzoo run --set train.g_lr=VALUE --set train.d_lr=VALUE",
    ),
    "run --epochs 3": ("ganzoo run has no option --epochs", "ganzoo run --set train.epochs=VALUE"),
    "run --hflip": ("ganzoo run has no option --hflip", "ganzoo run --set data.hflip=VALUE"),
    "resume --lr 3": (
        "ganzoo resume has no option --lr: a run keeps what it was started with",
        "start a new run with: ganzoo run --config RUN/config.yaml --set train.g_lr=VALUE --set train.d_lr=VALUE",
    ),
    "resume --loss hinge": (
        "ganzoo resume has no option --loss: a run keeps what it was started with",
        "start a new run with: ganzoo run --config RUN/config.yaml --loss NAME",
    ),
    "resume --workers 2": ("ganzoo resume has no option --workers", "ganzoo resume --set runtime.threads=VALUE"),
    "sample 1 --loss hinge": ("ganzoo sample has no option --loss", "ganzoo sample --help"),
    "resume --sample-every 3": (
        "ganzoo resume has no option --sample-every",
        "ganzoo resume --set train.sample_every=VALUE",
    ),
    "sample 1 --lr 3": ("ganzoo sample has no option --lr", "ganzoo sample --help"),
    "run --steps x": ("--steps must be a whole number", "ganzoo run --help"),
    "plot losses --limit x --out a.png": ("--limit must be a number", "ganzoo plot losses --help"),
    "sample 1 -n 0": ("-n must be greater than or equal to 1", "ganzoo sample --help"),
    "bench --clock gpu": ("--clock has no such value", "--clock wall"),
    "sample": ("ganzoo sample needs RUN", "ganzoo sample --help"),
    "info": ("ganzoo info needs NAME", "ganzoo info --help"),
    "plot losses": ("ganzoo plot losses needs --out", "ganzoo plot losses --help"),
    "run --steps": ("--steps needs a value", "ganzoo run --help"),
    "run --loss": ("--loss needs a value", "ganzoo list losses"),
    "run --loss --dry-run": ("--loss needs a value", "ganzoo list losses"),
    "run --runs --dry-run": ("--runs needs a value", "ganzoo run --help"),
    "run --disc.norm": ("--disc.norm needs a value", "ganzoo run --disc.norm VALUE"),
    "run --loss hinge --loss=bce": (
        "--loss is given twice, with different values",
        "leave one of them out, for example: --loss bce",
    ),
    "compare --loss hinge bce --dry-run": (APART, "--loss hinge,bce"),
    "compare --dry-run --loss hinge, bce , lsgan": (APART, "--loss hinge,bce,lsgan"),
    "compare --loss hinge,bce --loss=lsgan": (APART, "--loss hinge,bce,lsgan"),
    "compare --loss=hinge --loss=bce": (APART, "--loss hinge,bce"),
    "run --runs a --out b": ("--runs and --out both name the folder that holds the runs", "--runs a"),
    "sample 1 -n 3 -n 4": ("-n is given twice, with different values", "leave one of them out, for example: -n 4"),
    "run --loss hinge bce": (
        "--loss takes one value here, and several in ganzoo compare",
        "ganzoo compare --loss hinge,bce",
    ),
    "bench --steps 3 --disc=dcgan patchgan": (
        "ganzoo bench has no option --steps",
        "ganzoo bench --help",
    ),
    "run --loss hinge hinge": ("ganzoo run takes no arguments; did you mean --loss hinge?", "ganzoo run --loss hinge"),
    "run --loss nosuch bce": ("ganzoo run takes no arguments; did you mean --loss bce?", "ganzoo run --loss bce"),
    "run --steps 3 --disc=dcgan patchgan-sn": (
        "--disc takes one value here, and several in ganzoo compare",
        "ganzoo compare --disc dcgan,patchgan-sn",
    ),
    "run --data digits ring": (
        "ganzoo run takes no arguments; did you mean --data ring?",
        "ganzoo run --data ring",
    ),
    "run hinge": ("ganzoo run takes no arguments; did you mean --loss hinge?", "ganzoo run --loss hinge"),
    "run wgan-gp": (
        "ganzoo run takes no arguments; did you mean --loss wgan-gp or --config wgan-gp?",
        "ganzoo run --loss wgan-gp",
    ),
    "run nothing-like-it": ("ganzoo run takes no arguments", "ganzoo run --help"),
    "run --quiet=3": ("--quiet is a switch and takes no value", "ganzoo run --help"),
    "list a b c": ("ganzoo list takes 1 argument", "ganzoo list --help"),
    "--dbug run": ("ganzoo has no option --dbug; did you mean '--debug'?", "ganzoo --help"),
    "--debug": ("ganzoo needs a command", "ganzoo --help"),
    "rum": ("there is no command 'rum'; did you mean 'run'?", "ganzoo --help"),
    "plot loses": ("there is no command 'loses'; did you mean 'losses'?", "ganzoo plot --help"),
}


@pytest.mark.parametrize(("line", "expected"), WRONG.items())
def test_a_usage_error_says_what_to_type_next(ganzoo, line, expected):
    outcome = ganzoo(line)
    message, hint = expected
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.splitlines()[0].replace("root ", "ganzoo ") == f"error: {message}"
    [following] = re.findall(r"  next:    (.*)", outcome.err)
    assert following.replace("root ", "ganzoo ") == hint


@pytest.mark.parametrize(
    ("line", "given", "allowed"),
    [
        ("run --steps x", "x", None),
        ("run --steps 3.5 --quiet", "3.5", None),
        ("sample 1 -n 0", "0", None),
        ("plot losses --limit=x --out a.png", "x", None),
        ("bench --clock=gpu", "gpu", "wall, cpu"),
        ("run --loss", None, "--loss NAME"),
        ("run --steps --quiet", "--steps --quiet", "--steps N"),
        ("run --loss a --loss b", "--loss a --loss b", "one --loss"),
        ("run hinge", "hinge", "ganzoo run [OPTIONS]"),
        ("list a b", "b", "ganzoo list [OPTIONS] [KIND]"),
        ("sample", None, "ganzoo sample [OPTIONS] RUN"),
        ("run --set", None, "--set PATH=VALUE"),
    ],
)
def test_it_says_what_was_given_and_what_is_allowed(ganzoo, line, given, allowed):
    lines = dict(re.findall(r"^  (given|allowed): +(.*)$", ganzoo(line).err.replace("root ", "ganzoo "), re.MULTILINE))
    assert lines == {key: value for key, value in (("given", given), ("allowed", allowed)) if value is not None}


def test_the_same_value_twice_is_no_contradiction(ganzoo, tmp_path):
    line = "run --data synthetic --data=synthetic --reg r1 --reg r2 --set data.n=8 --set data.n=16 --batch-size 0"
    assert "train.batch_size = 0" in ganzoo(line).err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_no_value_for_a_switch(ganzoo, command):
    outcome = ganzoo(f"{command} --help", width=80)
    assert outcome.code == 0
    assert "--help" in outcome.out
    assert "<bool>" not in outcome.out.lower()
    assert "boolean" not in outcome.out.lower()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command])
def test_help_speaks_in_sentences_a_practitioner_would_say(ganzoo, command):
    """Turns of phrase that have a plainer form."""
    text = " ".join(ganzoo(f"{command} --help", width=80).out.split())
    found = re.findall(r"\bis no [a-z]|\bfor programs\b|by default|\bof vectors\b|whom\b|anybody", text)
    assert found == []


def test_an_error_of_a_command_is_left_to_it():
    assert isinstance(app, typer.Typer)
    with pytest.raises(SystemExit) as ended:
        app(args=["run", "--loss", "hing"], prog_name="ganzoo")
    assert ended.value.code == 2


@pytest.mark.parametrize("command", ["resume", "walk", "matrix", "check"])
def test_the_lines_of_a_help_end_where_the_screen_does(ganzoo, command):
    """Typer keeps the line breaks of the source in every paragraph but the first."""
    lines = [line.strip() for line in ganzoo(f"{command} --help", width=300).out.partition("╭")[0].splitlines()]
    said = [line for line in lines if line and not line.startswith("Usage")]
    assert [line for line in said if line[-1] not in ".:"] == []
