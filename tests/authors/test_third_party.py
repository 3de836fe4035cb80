"""The example plugin as a user installs it: a distribution beside ganzoo, in an environment of its own."""

import json
import math
from contextlib import closing
from pathlib import Path

import pytest
from environments import Environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "third_party_plugin"

pytestmark = pytest.mark.xdist_group("third party")  # one process makes what they share


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with closing(Environment(tmp_path_factory.mktemp("environment"))) as environment:
        environment.install(ROOT, EXAMPLE)
        yield environment


def test_it_is_the_installed_ganzoo_that_is_tested(environment):
    names = ("ganzoo", "ganzoo_example", "ganzoo_losses")
    code = f"import {', '.join(names)}; print({', '.join(f'{name}.__file__' for name in names)}, sep='\\n')"
    for path in environment.run("python", "-c", code).stdout.splitlines():
        assert Path(path).is_relative_to(environment.path)


def test_its_components_stand_in_the_list(environment):
    done = environment.run("ganzoo", "list", "--json")
    assert done.stderr == ""
    rows = {row["qualified"]: row for row in json.loads(done.stdout)}
    ours = {name: row for name, row in rows.items() if row["distribution"] == "ganzoo-example-plugin"}
    assert {name: (row["kind"], row["version"], row["status"]) for name, row in ours.items()} == {
        "ganzoo-example-plugin/smooth-hinge": ("loss", "0.1.0", "ok"),
        "ganzoo-example-plugin/global-pool": ("discriminator", "0.1.0", "ok"),
    }
    assert "ganzoo/hinge" in rows
    assert "ganzoo-example-plugin 0.1.0" in environment.run("ganzoo", "list", "losses").stdout


def test_info_shows_formula_options_and_provider(environment):
    shown = environment.run("ganzoo", "info", "smooth_hinge").stdout
    assert "ganzoo-example-plugin 0.1.0" in shown
    assert "D: E h(r) + E h(−f)" in shown
    assert "γ, the stretch below the margin 1" in shown


def test_it_trains(environment):
    done = environment.run(
        *("ganzoo", "run", "--loss", "smooth-hinge", "--disc", "global-pool", "--loss.width", "0.5"),
        *("--set", "discriminator.ndf=4", "--set", "generator.ngf=4", "--set", "train.log_every=1"),
        *("--data", "synthetic", "--image-size", "32", "--batch-size", "4", "--steps", "2"),
        *("--device", "cpu", "--out", "runs", "--quiet"),
        GANZOO_CACHE=str(environment.work / "cache"),
        OMP_NUM_THREADS="1",
    )
    assert "Traceback" not in done.stderr
    [run] = (path for path in (environment.work / "runs").iterdir() if path.is_dir())
    assert run.name == "0001-smooth-hinge-global-pool-synthetic"
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in metrics][-1] == 2
    assert all(math.isfinite(row["d/total"]) and math.isfinite(row["g/total"]) for row in metrics)
    assert "ganzoo-example-plugin" in (run / "manifest.json").read_text()
    assert "width: 0.5" in (run / "config.yaml").read_text()


def test_a_disabled_plugin_is_not_there(environment):
    done = environment.run("ganzoo", "info", "smooth-hinge", expect=2, GANZOO_DISABLE_PLUGINS="ganzoo_example_plugin")
    assert "there is no component called 'smooth-hinge'" in done.stderr
    done = environment.run("ganzoo", "--no-plugins", "info", "ganzoo-example-plugin/smooth-hinge", expect=2)
    assert "plugin ganzoo-example-plugin is disabled by --no-plugins" in done.stderr


def test_its_own_tests_pass(environment):
    done = environment.run(
        "python", "-m", "pytest", EXAMPLE / "tests", "-q", "-p", "no:cacheprovider", "--rootdir", EXAMPLE
    )
    assert "passed" in done.stdout
