"""Old runs under the next version of a plugin: whatever an author may change, they go on as if nothing had happened."""

import json
import shutil
import sys

import pytest
import yaml
from broken_plugins.install import PluginFolder
from comparing import assert_same_outcome
from rich.console import Console
from two_versions import DISTRIBUTION, TwoVersions

import ganzoo
from ganzoo.catalog.description import describe
from ganzoo.cli.context import configure
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import CheckpointError, ConfigError, PluginError
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory

CONFIG = {
    "loss": {"name": "squares", "target": 0.7},
    "regularizers": {"drift": {"weight": 0.5}},
    "discriminator": {"name": "patchgan-sn", "ndf": 2},
    "generator": {"name": "dcgan", "latent": 3, "ngf": 2},
    "data": {"name": "synthetic", "image_size": 8, "n": 16},
}
EVERY_STEP = {"batch_size": 4, "log_every": 1, "sample_every": 2, "checkpoint_every": 2}
TARGET = 'target: float = Field(default=1.0, description="what real logits are drawn to")'
CHANGES = {
    "nothing": {},
    "both renamed": {
        "loss": "least-squares",
        "loss_aliases": ("squares",),
        "term": "noisy-drift",
        "term_aliases": ("drift",),
    },
    "another default": {"options": TARGET.replace("1.0", "3.0")},
    "an option added": {
        "options": TARGET + '\n    shift: float = Field(default=0.0, description="added to the target")',
        "target": "(self.target + self.shift)",
    },
    "an option deprecated": {
        "options": "\n    ".join(
            [
                'goal: float = Field(default=1.0, description="what real logits are drawn to")',
                'target: float | None = Field(default=None, description="former goal", deprecated="use goal")',
            ]
        ),
        "target": "(self.goal if self.target is None else self.target)",
    },
    "an option renamed": {
        "options": TARGET.replace("target:", "goal:") + '\n    renamed_options = {"target": "goal"}',
        "target": "self.goal",
    },
    "an option removed": {"options": 'removed_options = {"target": 0.7}', "target": "0.7"},
}
"""What a second version does → how its text differs from the first."""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    two = TwoVersions(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    configure()
    yield two
    two.remove()
    configure()


def started(out, steps, **sections):
    return ganzoo.run({**CONFIG, "train": {**EVERY_STEP, "steps": steps}, **sections}, out=out)


def resumed(path, steps):
    layer = ConfigLayer("--steps", {"train.steps": steps})
    return session.resume(Registry.load(), RunDirectory(path), changes=[layer], console=Console(quiet=True))


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory):
    """Of the first version: a whole run of six steps, and one of two."""
    out = tmp_path_factory.mktemp("first")
    two = TwoVersions(out / "site")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(out / "site"))
        two.install("1.0")
        runs = started(out, 6), started(out, 2)
        two.remove()
    return runs


def a_copy(run, tmp_path):
    return ganzoo.load_run(shutil.copytree(run.path, tmp_path / run.path.name))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_old_run_goes_on_bit_by_bit(plugin, first_runs, tmp_path, change):
    whole, part = first_runs[0], a_copy(first_runs[1], tmp_path)
    plugin.install("2.0", **change)
    resumed(part.path, 4)
    resumed(part.path, 6)  # from a configuration that the second version wrote
    assert_same_outcome(whole.path, part.path)
    assert part.sample(2).equal(whole.sample(2))
    manifest = json.loads((part.path / "manifest.json").read_text())
    assert [entry["changed"].get("plugins", {}).get("is", {}).get(DISTRIBUTION) for entry in manifest["resumed"]] == [
        "2.0",
        None,
    ]


def test_a_run_that_is_cut_short_after_its_configuration_was_written_anew(plugin, first_runs, tmp_path):
    """Its newest checkpoint bears the hash of the first version, its file that of the second."""
    part = a_copy(first_runs[1], tmp_path)
    before = (part.path / "config.yaml").read_bytes()
    plugin.install("2.0", **CHANGES["an option renamed"])
    resumed(part.path, 3)
    assert yaml.safe_load((part.path / "config.yaml").read_text())["loss"] == {"name": "squares", "goal": 0.7}
    shutil.rmtree(part.path / "checkpoints" / "step-0000003")
    assert resumed(part.path, 4) is not None
    (part.path / "config.yaml").write_bytes(before)  # the manifest was written first
    assert resumed(part.path, 5) is not None


def test_a_file_that_was_edited_is_still_refused(plugin, first_runs, tmp_path):
    part = a_copy(first_runs[1], tmp_path)
    text = (part.path / "config.yaml").read_text()
    (part.path / "config.yaml").write_text(text.replace("target: 0.7", "target: 0.8"))
    plugin.install("2.0", **CHANGES["another default"])
    with pytest.raises(CheckpointError, match="a different configuration than that in"):
        resumed(part.path, 4)


def test_a_new_run_under_the_former_names(plugin, tmp_path):
    plugin.install("2.0", **CHANGES["both renamed"])
    run = started(tmp_path, 1)
    content = yaml.safe_load((run.path / "config.yaml").read_text())
    assert (content["loss"]["name"], list(content["regularizers"])) == ("least-squares", ["noisy-drift"])


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ("an option deprecated", "loss.target is deprecated: use goal"),
        ("an option renamed", "loss.target is deprecated: it is now called goal"),
    ],
)
def test_a_deprecated_option_is_read_warned_of_once_and_hidden(plugin, tmp_path, change, warning):
    plugin.install("2.0", **CHANGES[change])
    run = started(tmp_path, 1)
    assert (run.path / "log.txt").read_text().count(warning) == 1
    assert json.loads((run.path / "manifest.json").read_text())["warnings"].count(warning) == 1
    registry = Registry.load()
    described = describe(registry, registry.get("loss", "squares"))
    assert [option.name for option in described.options] == ["goal"]
    assert "target" not in described.yaml
    started(tmp_path, 1, loss={"name": "squares", "goal": 0.7})
    assert warning not in (tmp_path / "0002-squares-patchgan-sn-synthetic" / "log.txt").read_text()
    with pytest.raises(ConfigError) as error:
        started(tmp_path, 1, loss={"name": "squares", "margin": 0.7})
    assert "target" not in str(error.value)


def test_who_said_what_is_known_under_the_new_name(plugin, tmp_path):
    plugin.install("2.0", **CHANGES["an option renamed"])
    run = started(tmp_path, 1)
    assert json.loads((run.path / "manifest.json").read_text())["origins"]["loss.goal"] == "the mapping"


def test_both_names_at_once_and_a_removed_option_with_another_value(plugin):
    plugin.install("2.0", **CHANGES["an option renamed"])
    with pytest.raises(ConfigError, match="target is the former name of goal: give only goal"):
        ganzoo.build("loss", "squares", target=1, goal=1)
    plugin.install("3.0", **CHANGES["an option removed"])
    assert ganzoo.build("loss", "squares", target=0.7)
    with pytest.raises(ConfigError, match=r"target was removed and can only be 0\.7, or be left out"):
        ganzoo.build("loss", "squares", target=1)


def test_tables_that_contradict_the_fields(plugin):
    for tables, message in (
        ('renamed_options = {"goal": "aim"}', "goal leads to aim, which is not an option"),
        ('removed_options = {"target": 1.0}', "target is an option, so it is neither renamed nor removed"),
    ):
        plugin.install("2.0", options=f"{TARGET}\n    {tables}")
        [problem] = Registry.load().problems
        assert message in problem.message


def test_an_option_that_is_gone_without_a_word(plugin, first_runs, tmp_path):
    """Not allowed to authors; the run says which version of which plugin knows it."""
    run = a_copy(first_runs[1], tmp_path)
    plugin.install("2.0", options="", target="0.7")
    with pytest.raises(ConfigError) as error:
        resumed(run.path, 4)
    assert "loss.target" in str(error.value)
    assert "the run was made with ganzoo-two 1.0 (2.0 is installed)" in str(error.value)
    assert "python -m pip install ganzoo-two==1.0" in str(error.value)


class TestWithoutThePlugin:
    @pytest.fixture
    def run(self, plugin, first_runs, tmp_path):
        plugin.install("1.0")
        return a_copy(first_runs[1], tmp_path)

    def test_resume_names_distribution_and_version(self, plugin, run):
        plugin.remove()
        with pytest.raises(PluginError) as error:
            resumed(run.path, 4)
        assert error.value.message == (
            "loss 'squares' of this run is not there: the run was made with ganzoo-two 1.0, which is not installed"
        )
        assert error.value.hint == "python -m pip install ganzoo-two==1.0"
        assert "did you mean" not in str(error.value)

    def test_a_version_without_the_component(self, plugin, run):
        plugin.install("2.0", loss="others")
        with pytest.raises(PluginError, match=r"made with ganzoo-two 1\.0 \(2\.0 is installed\)"):
            resumed(run.path, 4)

    def test_sampling_needs_the_generator_alone(self, plugin, run):
        plugin.remove()
        assert run.sample(2).shape[0] == 2

    def test_sample_without_the_plugin_of_the_generator(self, plugin, run):
        content = json.loads((run.path / "manifest.json").read_text())
        text = (run.path / "config.yaml").read_text()
        (run.path / "config.yaml").write_text(text.replace("name: dcgan", "name: mine"))
        content["components"]["generator"] = "ganzoo-two/mine"
        (run.path / "manifest.json").write_text(json.dumps(content))
        plugin.remove()
        with pytest.raises(PluginError, match=r"generator 'mine' of this run is not there: .*ganzoo-two 1\.0, which"):
            ganzoo.load_run(run.path).sample(2)

    def test_a_manifest_of_before(self, plugin, run):
        """Without the component's provider: what is missing of the plugins is named."""
        content = json.loads((run.path / "manifest.json").read_text())
        del content["components"], content["requirements"]
        (run.path / "manifest.json").write_text(json.dumps(content))
        plugin.remove()
        with pytest.raises(PluginError) as error:
            resumed(run.path, 4)
        assert error.value.hint == "python -m pip install ganzoo-two==1.0"

    def test_disabled(self, plugin, run, monkeypatch):
        monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", DISTRIBUTION)
        with pytest.raises(ConfigError, match="plugin ganzoo-two is disabled by GANZOO_DISABLE_PLUGINS"):
            resumed(run.path, 4)

    def test_a_name_that_another_plugin_took_meanwhile_is_not_that_component(self, plugin, run, tmp_path):
        """The loss of the same name would train on in silence."""
        others = PluginFolder(tmp_path / "site")
        (others.path / "ganzoo_third.py").write_text(
            (others.path / "ganzoo_two.py").read_text().replace("ganzoo_two:", "ganzoo_third:")
        )
        others.announce("ganzoo-third", {"main": "ganzoo_third"})
        assert resumed(run.path, 3) is not None, "both are there: the run knows which one is its own"
        (others.path / "ganzoo_two.py").unlink()
        sys.modules.pop("ganzoo_two", None)
        next(others.path.glob("ganzoo_two-*")).rename(others.path / "gone")
        with pytest.raises(PluginError, match=r"ganzoo-two 1\.0, which is not installed"):
            resumed(run.path, 4)
