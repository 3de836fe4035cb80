"""Packages that `ganzoo new-plugin` wrote, as their authors have them: installed, listed, tested, checked, run."""

import json
import math
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from environments import Environment

from ganzoo.scaffold.package import ASKED_FOR_BY

ROOT = Path(__file__).parents[2]
PLUGINS = {"ganzoo-new": ("recipe",), "ganzoo-lab": tuple(ASKED_FOR_BY)}
"""One with a single component, which has the package's own name, and one with every kind."""
TINY = ("--data", "synthetic", "--image-size", "8", "--batch-size", "4", "--device", "cpu", "--quiet")

pytestmark = pytest.mark.xdist_group("new plugins")  # one process makes what they share


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """ganzoo, installed from a wheel, and what it wrote."""
    with closing(Environment(tmp_path_factory.mktemp("environment"))) as environment:
        environment.install(ROOT)
        for name, kinds in PLUGINS.items():
            environment.run("ganzoo", "new-plugin", name, *(word for kind in kinds for word in ("--kind", kind)))
        environment.install(*(environment.work / name for name in PLUGINS))
        yield environment


def test_all_of_them_are_listed(environment):
    done = environment.run("ganzoo", "list", "--json")
    assert done.stderr == ""
    rows = {row["qualified"]: row for row in json.loads(done.stdout) if row["distribution"] in PLUGINS}
    assert {name: (row["kind"], row["status"]) for name, row in rows.items()} == {
        "ganzoo-new/new": ("recipe", "ok"),
        **{f"ganzoo-lab/lab-{kind}": (kind, "ok") for kind in ASKED_FOR_BY},
    }


def test_their_own_tests_pass(environment):
    """In one process, since each would import torch first; what one package runs alone, `test_the_commands…` shows."""
    flags = ("-q", "-rA", "-p", "no:cacheprovider", "--import-mode", "importlib", "--rootdir", ".")
    done = environment.run("python", "-m", "pytest", *flags, *PLUGINS, OMP_NUM_THREADS="1")
    assert {name for name in PLUGINS if f"PASSED {name}/tests/test_conformance.py::" not in done.stdout} == set()
    ours = {f"ganzoo-lab/tests/test_lab_{kind}.py" for kind in ASKED_FOR_BY}
    assert {path for path in ours if f"PASSED {path}::" not in done.stdout} == set()
    assert "FAILED" not in done.stdout
    assert "ERROR" not in done.stdout


def test_a_distribution_is_checked(environment):
    done = environment.run("ganzoo", "check", "--dist", "ganzoo-new", "--json", OMP_NUM_THREADS="1")
    assert [report["ok"] for report in json.loads(done.stdout)] == [True]


def trained(environment, *arguments):
    """The rows of a run of two steps, and its folder."""
    flags = ("--steps", "2", "--set", "train.log_every=1", *TINY, "--set", "generator.ngf=2")
    done = environment.run("ganzoo", "run", *arguments, *flags, OMP_NUM_THREADS="1")
    run = environment.work / done.stdout.strip()
    return run, [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_loss_and_discriminator_train_with_first_party_parts(environment):
    run, rows = trained(
        environment, "--loss", "lab-loss", "--disc", "lab-discriminator", "--gen", "dcgan", "--reg", "r1"
    )
    assert rows[-1]["step"] == 2
    assert all(math.isfinite(row["d/total"]) and math.isfinite(row["g/total"]) for row in rows)
    assert "d/r1" in rows[0]
    assert "ganzoo-lab" in (run / "manifest.json").read_text()


def test_the_others_leave_their_traces_in_a_run(environment):
    parts = {kind: f"lab-{kind}" for kind in ("regularizer", "augmentation", "metric", "tracker")}
    flags = [word for kind, name in parts.items() for word in ASKED_FOR_BY[kind].format(name).split()]
    run, rows = trained(environment, *flags)
    assert rows[0]["d/lab_regularizer"] >= 0
    assert 0 <= rows[-1]["metric/lab-metric/difference"] <= 255
    assert yaml.safe_load((run / "config.yaml").read_text())["augment"] == {"lab-augmentation": {"strength": 0.5}}
    *lines, status = (run / "numbers.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["step=1", "step=2"]
    assert status == "finished"


def test_the_commands_that_are_printed(environment):
    """As they stand there, though with fewer and smaller steps."""
    said = environment.shell("ganzoo new-plugin ganzoo-printed --component hinge")
    install, test, run = (line.strip() for line in said.partition("next:\n")[2].splitlines())
    environment.shell(install)
    assert "passed" in environment.shell(test)
    assert run.endswith(" --steps 100")
    folder = environment.shell(f"{run.removesuffix('100')}2 {' '.join(TINY)}").strip()
    config = yaml.safe_load((environment.work / folder / "config.yaml").read_text())
    assert config["loss"] == {"name": "ganzoo-printed/hinge", "margin": 1.0}
