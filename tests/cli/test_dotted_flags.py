"""``--loss.margin-real 0.5`` before Typer sees it."""

import pytest

from ganzoo.cli.dotted_flags import written_out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["run", "--loss.margin-real", "0.5"], ["run", "--set", "loss.margin_real=0.5"]),
        (["run", "--loss.margin-real=0.5"], ["run", "--set", "loss.margin_real=0.5"]),
        (["run", "--disc.n_layers", "3", "--steps", "1"], ["run", "--set", "discriminator.n_layers=3", "--steps", "1"]),
        (["resume", "--train.steps=9"], ["resume", "--set", "train.steps=9"]),
        (["evaluate", "7", "--extractors.x.y", "z"], ["evaluate", "7", "--set", "extractors.x.y=z"]),
        (
            ["run", "--reg.gradient_penalty.weight", "-1"],
            ["run", "--set", "regularizers.gradient-penalty.weight=-1"],
        ),
        (["run", "--data.path=a=b c"], ["run", "--set", "data.path=a=b c"]),
        (["run", "--data.path="], ["run", "--set", "data.path="]),
        (["--debug", "run", "--loss.a", "1"], ["--debug", "run", "--set", "loss.a=1"]),
        (["run", "--loss.a"], ["run", "--loss.a"]),
        (["run", "--loss.a", "--dry-run"], ["run", "--loss.a", "--dry-run"]),
        (["run", "--loss.a", "--loss.b", "1"], ["run", "--loss.a", "--set", "loss.b=1"]),
        (["run", "--loss.a", "-1", "--quiet"], ["run", "--set", "loss.a=-1", "--quiet"]),
        (["run", "--loss.a=--dry-run"], ["run", "--set", "loss.a=--dry-run"]),
        (["resume", "--tracker.tensorboard.flush-secs=5"], ["resume", "--set", "tracker.tensorboard.flush_secs=5"]),
        (["run", "--trackers.tensorboard.folder", "a-b"], ["run", "--set", "trackers.tensorboard.folder=a-b"]),
        (["run", "--unknown.a", "1"], ["run", "--unknown.a", "1"]),
        (["run", "--set", "loss.a=1"], ["run", "--set", "loss.a=1"]),
        (["run", "--", "--loss.a", "1"], ["run", "--", "--loss.a", "1"]),
        (["sample", "--loss.a", "1"], ["sample", "--loss.a", "1"]),
        ([], []),
    ],
)
def test_dotted_flags(given, expected):
    assert written_out(given) == expected


def test_it_means_what_set_means(tiny):
    dotted = tiny("--loss margin-hinge --loss.margin-real 0.5 --dry-run --json")
    plain = tiny("--loss margin-hinge --set loss.margin_real=0.5 --dry-run --json")
    assert dotted.json["config"] == plain.json["config"]
    assert {"path": "loss.margin_real", "value": 0.5, "origin": "--set"} in dotted.json["config"]


def test_a_missing_value(tiny):
    for line in ("--loss.margin-real", "--loss.margin-real --dry-run"):
        outcome = tiny(line)
        assert outcome.code == 2
        assert outcome.err.startswith("error: --loss.margin-real needs a value\n")
        assert outcome.err.endswith(" run --loss.margin-real VALUE\n")
