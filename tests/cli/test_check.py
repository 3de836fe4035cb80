"""``ganzoo check`` on plugins that are installed for it: a sound loss, a faulty one, and one that does not load."""

import importlib
import json
import re
import sys

import pytest
from broken_plugins.install import PluginFolder

from ganzoo.cli.context import configure

SOUND = '''
from pydantic import Field
from ganzoo.component import Options

class Linear(Options):
    """The difference of the means."""
    weight: float = Field(default=1.0, gt=0, le=100, description="a factor")

    def tags(self):
        return frozenset({"needs_lipschitz"})

    def discriminator_loss(self, *, real, fake):
        return self.weight * (fake.mean() - real.mean())

    def generator_loss(self, *, fake):
        return -self.weight * fake.mean()
'''
FAULTY = SOUND.replace("Linear", "Total").replace("fake.mean()", "fake.sum()")
NEEDY = SOUND.replace("Linear", "Needy").replace("default=1.0, ", "")
PLUGIN = """
from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1
FAILURES = {failures!r}

@hookimpl
def ganzoo_components():
    return [
        Component(
            kind={kind!r}, name=name.lower(), target=f"{module}_parts:" + name, summary="a difference of means",
            tags=frozenset({tags}), expected_failures=FAILURES,
            requires={requires!r},
        )
        for name in {names!r}
    ]
"""


RECIPES = """
from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

@hookimpl
def ganzoo_components():
    return [Component(kind="recipe", name="lacking", target="needy_recipes_two:lacking.yaml", summary="lacks a path")]
"""


@pytest.fixture
def plugins(tmp_path):
    """Install a distribution with losses; they are gone afterwards."""
    folder, installed = PluginFolder(tmp_path / "site"), []
    sys.path.insert(0, str(folder.path))

    def install(distribution, names, failures=None, *, requires=(), kind="loss"):
        module = distribution.replace("-", "_")
        (folder.path / f"{module}_parts.py").write_text(SOUND + FAULTY + NEEDY)
        text = PLUGIN.format(
            names=names,
            failures=failures or {},
            module=module,
            requires=requires,
            kind=kind,
            tags={"needs_lipschitz"} if kind == "loss" else set(),
        )
        (folder.path / f"{module}.py").write_text(text)
        folder.announce(distribution, {"main": module})
        installed.extend([module, f"{module}_parts"])
        importlib.invalidate_caches()
        configure()

    yield install
    sys.path.remove(str(folder.path))
    for module in installed:
        sys.modules.pop(module, None)
    configure()


def test_a_sound_component(ganzoo, plugins):
    plugins("sound-plugin", ["Linear"])
    done = ganzoo("check linear --verbose")
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert head.startswith("loss sound-plugin/linear: ok, ")
    assert head.endswith(" checks ran, 4 skipped, 0 expected failures")
    assert "  passed  duplicated-batch" in lines
    assert "  skipped  equilibrium: it has no equilibrium()" in lines


def test_a_faulty_one_is_named_with_what_it_breaks(ganzoo, plugins):
    plugins("faulty-plugin", ["Total", "Linear"])
    done = ganzoo("check --dist Faulty_Plugin")
    assert done.code == 4
    assert "loss faulty-plugin/linear: ok" in done.out
    assert "  failed  duplicated-batch: with every sample twice: D and G are " in done.out
    sentence = "The value is a mean: a batch with every sample twice has the same value."
    assert f"    ganzoo.protocols:Loss says: {sentence}" in done.out
    assert "passed" not in done.out
    assert "error: 1 of 2 components did not pass\n  given:   loss faulty-plugin/total" in done.err


def test_expected_failures_are_the_records(ganzoo, plugins):
    plugins("total-plugin", ["Total"])
    [found] = ganzoo("check total --json").json
    failed = [outcome["check"] for outcome in found["outcomes"] if outcome["status"] == "failed"]
    assert {"duplicated-batch", "unequal-batches", "tag-batch-nonlinear"} <= set(failed)
    plugins("summing-plugin", ["Total"], dict.fromkeys(failed, "a sum"))
    done = ganzoo("check summing-plugin/total")
    assert done.code == 0, done.out
    assert f"{len(failed)} expected failures" in done.out
    assert "  expected failure  duplicated-batch: a sum (with every sample twice: " in done.out


def test_an_expected_failure_that_passes_is_a_failure(ganzoo, plugins):
    plugins("timid-plugin", ["Linear"], {"gradcheck": "it is said to"})
    done = ganzoo("check linear")
    assert done.code == 4
    assert "  unexpected pass  gradcheck: it was expected to fail (it is said to), and does not" in done.out


def test_json(ganzoo, plugins):
    plugins("json-plugin", ["Total", "Linear"])
    done = ganzoo("check --dist json-plugin --json")
    assert done.code == 4
    linear, total = done.json
    assert (linear["component"], linear["kind"], linear["ok"]) == ("json-plugin/linear", "loss", True)
    assert (total["component"], total["ok"]) == ("json-plugin/total", False)
    statuses = {outcome["check"]: outcome["status"] for outcome in total["outcomes"]}
    assert statuses["duplicated-batch"] == "failed"
    assert statuses["permutation"] == "passed"
    assert total["ran"] == sum(status != "skipped" for status in statuses.values())
    assert {"check", "status", "detail", "cites", "sentence"} == total["outcomes"][0].keys()


def test_some_checks_alone(ganzoo, plugins):
    plugins("picky-plugin", ["Total", "Linear"])
    done = ganzoo("check total --only permutation --only duplicated-batch --verbose")
    assert done.code == 4
    head, *lines = done.out.splitlines()
    assert head == "loss picky-plugin/total: 1 failed, 2 checks ran, 0 skipped, 0 expected failures"
    assert [line.split()[1].rstrip(":") for line in lines if line.startswith("  ") and line[2] != " "] == [
        "permutation",
        "duplicated-batch",
    ]
    assert ganzoo("check total --only permutation").code == 0


def test_an_expected_failure_elsewhere_is_no_matter_of_one_check(ganzoo, plugins):
    plugins("known-plugin", ["Linear"], {"no-such-check": "it is said to"})
    assert ganzoo("check linear --only permutation").code == 0
    assert ganzoo("check linear").code == 4


def test_a_check_of_one_kind_among_several(ganzoo):
    done = ganzoo("check --dist ganzoo --only yaml --json")
    assert {report["kind"] for report in done.json} == {"recipe"}
    assert "without a check yaml, so not checked: " in done.err
    assert re.search(r"\d+ losses, ", done.err)
    assert {outcome["check"] for report in done.json for outcome in report["outcomes"]} == {"yaml"}


def test_a_check_that_is_not_there(ganzoo):
    done = ganzoo("check hinge --only permutaton")
    assert (done.code, done.out) == (2, "")
    assert "there is no check 'permutaton' of a loss; did you mean 'permutation'?" in done.err
    assert done.err.splitlines()[-1] == "  next:    ganzoo check hinge --only permutation"


def test_the_first_failure_ends_it(ganzoo, plugins):
    plugins("hasty-plugin", ["Total", "Linear"])
    whole = ganzoo("check --dist hasty-plugin --json").json
    [linear, total] = ganzoo("check --dist hasty-plugin --json --fail-fast").json
    assert linear == whole[0]
    assert [outcome["status"] for outcome in total["outcomes"]].count("failed") == 1
    assert total["outcomes"] == whole[1]["outcomes"][: len(total["outcomes"])]
    assert total["outcomes"][-1]["status"] == "failed"
    plugins("hastier-plugin", ["Alpha", "Linear"])
    done = ganzoo("check --dist hastier-plugin --fail-fast")
    assert done.code == 4
    assert "linear" not in done.out


def test_a_recipe_that_leaves_a_value_to_its_users(ganzoo, plugins, tmp_path):
    plugins("needy-recipes", ["Needy"])
    folder = PluginFolder(tmp_path / "site")
    (folder.path / "needy_recipes_two").mkdir()
    (folder.path / "needy_recipes_two" / "__init__.py").write_text(RECIPES)
    (folder.path / "needy_recipes_two" / "lacking.yaml").write_text("data: {name: pictures}\ntrain: {steps: 3}\n")
    folder.announce("needy-recipes-two", {"main": "needy_recipes_two"})
    importlib.invalidate_caches()
    configure()
    try:
        said = ganzoo("info lacking")
        assert "required  --set data.path=VALUE, with every run" in said.out
        assert ganzoo("info lacking --json").json[0]["required"] == ["data.path"]
        done = ganzoo("check lacking")
        assert done.code == 0, done.out
        assert (
            "  note  it gives no value for data.path, which is required: every run needs --set data.path=VALUE"
            in done.out
        )
        assert ganzoo("check lacking --json").json[0]["notes"]
        assert "required" not in ganzoo("info dcgan --kind recipe").out
    finally:
        sys.modules.pop("needy_recipes_two", None)


def test_options_that_must_be_given(ganzoo, plugins):
    plugins("needy-plugin", ["Needy"])
    done = ganzoo("check needy")
    assert (done.code, done.out) == (2, "")
    assert "loss needy-plugin/needy cannot be checked without weight" in done.err
    assert "next:    ganzoo check needy --set needy.weight=VALUE" in done.err
    done = ganzoo("check --dist needy-plugin")
    assert done.code == 4
    assert "  failed  options-given: it cannot be checked without: --set needy.weight=VALUE" in done.out
    assert "next:    the same again with --set needy.weight=VALUE" in done.err
    assert ganzoo("check needy --set needy.weight=2").code == 0
    assert ganzoo("check needy --set needy-plugin/needy.weight=2").code == 0
    done = ganzoo("check needy --set needy.weight=-2")
    assert done.code == 2
    assert "needy.weight = -2" in done.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("check", "check takes the name of a component or of a distribution\n  given:   neither"),
        ("check hinge --dist ganzoo", "given:   hinge and --dist ganzoo"),
        ("check hing", "there is no component called 'hing'; did you mean 'hinge'?"),
        ("check --dist ganzo", "no component of 'ganzo' is installed; did you mean 'ganzoo'?"),
        ("check --dist ganzoo --kind lossy", "there is no kind of component called 'lossy'; did you mean 'loss'?"),
        ("check hinge --kind disc", "'hinge' is a loss, not a discriminator"),
        ("check hinge --set hing.margin=1", "is an option of nothing that is checked; did you mean 'hinge'?"),
        ("check hinge --set hinge.margin=1", "hinge.margin"),
        ("check hinge --set hinge", "--set needs PATH=VALUE"),
    ],
)
def test_what_cannot_be_checked(ganzoo, line, message):
    done = ganzoo(line)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_component_whose_package_is_missing(ganzoo, plugins):
    plugins("lacking-plugin", ["Linear"], requires=("a_package_that_nobody_has",))
    done = ganzoo("check linear")
    assert (done.code, done.out) == (4, "")
    assert "loss lacking-plugin/linear cannot be checked: a_package_that_nobody_has is not installed" in done.err
    assert "next:    python -m pip install a_package_that_nobody_has" in done.err
    done = ganzoo("check --dist lacking-plugin")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "loss lacking-plugin/linear: not checked\n  skipped  loads: a_package_that_nobody_has is"
    )


def test_a_plugin_that_does_not_load(ganzoo, plugins, tmp_path):
    PluginFolder(tmp_path / "site").install("import_error")
    plugins("other-plugin", ["Linear"])
    done = ganzoo("check --dist import-error")
    assert done.code == 4
    assert "No module named 'a_package_that_nobody_has'" in done.err
    assert "next:    ganzoo doctor" in done.err


def test_a_component_whose_file_is_broken(ganzoo, plugins, tmp_path):
    plugins("halved-plugin", ["Linear", "Missing"])
    done = ganzoo("check --dist halved-plugin --json")
    assert done.code == 4
    [linear, missing] = json.loads(done.out)
    assert linear["ok"]
    assert [outcome["check"] for outcome in missing["outcomes"]] == ["loads"]
    assert "halved_plugin_parts:Missing" in missing["outcomes"][0]["detail"]
