"""What ``manifest.json`` says of a run, and what is read from it again."""

from __future__ import annotations

import torch

from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs import manifest
from ganzoo.runs.assembly import assemble
from ganzoo.runs.directory import RunDirectory

RING = {
    "data": {"name": "ring", "n": 100},
    "generator": {"width": 8, "latent": 3},
    "discriminator": {"width": 16},
    "train": {"batch_size": 8, "steps": 3},
}
IMAGES = {
    "data": {"name": "synthetic", "n": 25, "image_size": 8, "modes": 2},
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
    "discriminator": {"name": "acgan", "ndf": 2},
    "train": {"batch_size": 8, "steps": 3},
}


def described(config):
    plan = make_plan(choose(Registry.load(plugins=False), [ConfigLayer("file", flatten(config))]))
    setup = assemble(plan)
    return plan, setup, manifest.describe(plan, setup, warnings=("odd",))


def test_parameters_and_passes_are_those_of_the_networks():
    _, setup, content = described(RING)
    for player in ("generator", "discriminator"):
        count = sum(parameter.numel() for parameter in getattr(setup.state, player).parameters())
        assert content["parameters"][player] == count
    assert content["parameters"]["generator"] != content["parameters"]["discriminator"]
    assert content["passes"] == setup.game.passes == "one"
    assert content["threads"] == torch.get_num_threads()


def test_the_data_are_described_so_that_networks_can_be_built_without_them(tmp_path):
    for config in (RING, IMAGES):
        plan, _, content = described(config)
        directory = RunDirectory(tmp_path)
        directory.write_manifest(content)
        assert manifest.read_spec(directory) == plan.spec
        assert content["data"]["images"] == len(plan.dataset)
    assert plan.spec.conditional
    assert len(set(plan.spec.marginal)) > 1, "classes alike would not show that frequencies are kept"


def test_a_run_goes_on_as_running_and_ends_again(monkeypatch):
    plan, setup, content = described(RING)
    monkeypatch.setattr(manifest, "_now", lambda: "then")
    before = manifest.ended(content, "interrupted", 2)
    assert (before["status"], before["step"], before["ended"]) == ("interrupted", 2, "then")
    setup.state.step = 2
    now = manifest.continued({**before, "threads": 99}, plan, setup, warnings=("odd", "new"))
    assert (now["status"], now["ended"], now["threads"]) == ("running", None, torch.get_num_threads())
    assert now["started"] == content["started"]
    changed = {"threads": {"was": 99, "is": torch.get_num_threads()}}
    assert now["resumed"] == [{"at": "then", "step": 2, "changed": changed}]
