"""Runs that start from the weights of another: what is taken, what is left, what is refused, what is recorded."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
from comparing import assert_same_outcome
from rich.console import Console

import ganzoo
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.directory import RunDirectory

REGISTRY = Registry.load()

pytestmark = pytest.mark.xdist_group("ancestry")  # one process makes what they share


def tiny(**sections):
    config = {
        "loss": "hinge",
        "discriminator": {"name": "patchgan-sn", "ndf": 4},
        "generator": {"name": "dcgan", "latent": 6, "ngf": 4},
        "data": {"name": "synthetic", "image_size": 16, "n": 24},
        "train": {"steps": 2, "batch_size": 4, "log_every": 1, "checkpoint_every": 1},
    }
    for name, content in sections.items():
        config[name] = {**config[name], **content} if isinstance(config.get(name), dict) else content
    return config


def trained(out, **sections):
    return ganzoo.run(tiny(**sections), out=out, registry=REGISTRY)


def started(out, init, init_what="all", **sections):
    return ganzoo.run(tiny(**sections), out=out, init=init, init_what=init_what, registry=REGISTRY)


def weights(run, step):
    return run.directory.load_checkpoint(step)[0]


def fresh(**sections):
    """The networks as a new run without an ancestor would begin with them."""
    plan = make_plan(choose(REGISTRY, [ConfigLayer("the test", flatten(tiny(**sections)))]))
    return {"generator": plan.generator.state_dict(), "discriminator": plan.discriminator.state_dict()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def ancestor(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs"))


CLASSES = {"discriminator": {"name": "acgan", "ndf": 4}}


@pytest.fixture(scope="module")
def of_eight_classes(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs"), **CLASSES)


class TestWhatIsTaken:
    def test_both_networks_and_the_average_is_a_copy(self, ancestor, tmp_path):
        changed = {"loss": "lsgan", "train": {"d_lr": 1e-5, "batch_size": 3}, "regularizers": "r1", "seed": 9}
        run = started(tmp_path, ancestor, **changed)
        before, after = weights(ancestor, 2), weights(run, 0)
        assert equal(after["generator"], before["generator"])
        assert equal(after["discriminator"], before["discriminator"])
        assert equal(after["ema"], before["generator"])
        assert not equal(before["ema"], before["generator"])
        assert after["optimizers"] == {}
        assert [row["step"] for row in run.metrics()] == [1, 2]

    @pytest.mark.parametrize("what", ["generator", "discriminator"])
    def test_one_of_them(self, ancestor, tmp_path, what):
        run = started(tmp_path, ancestor, what, seed=9)
        after, before, new = weights(run, 0), weights(ancestor, 2), fresh(seed=9)
        for network in ("generator", "discriminator"):
            assert equal(after[network], (before if network == what else new)[network])
            assert not equal(before[network], new[network])
        assert equal(after["ema"], after["generator"])
        assert run.directory.read_manifest()["ancestry"][0]["taken"] == [what]

    def test_of_a_step(self, ancestor, tmp_path):
        run = started(tmp_path, f"{ancestor.path}:1")
        assert equal(weights(run, 0)["generator"], weights(ancestor, 1)["generator"])
        assert not equal(weights(ancestor, 1)["generator"], weights(ancestor, 2)["generator"])
        assert run.directory.read_manifest()["ancestry"][0]["step"] == 1

    def test_the_first_step_trains_on_them(self, ancestor, tmp_path):
        """Not a copy that is put aside: with rates near zero the last weights are still the ancestor's."""
        still = {"optimizer": "sgd", "g_lr": 1e-30, "d_lr": 1e-30}
        last = weights(started(tmp_path, ancestor, train=still), 2)["generator"]
        learned = {name for name in last if "running" not in name and "tracked" not in name}
        before = weights(ancestor, 2)["generator"]
        assert all(torch.equal(last[name], before[name]) for name in learned)


class TestClasses:
    def test_heads_and_embeddings_may_differ(self, of_eight_classes, tmp_path, caplog):
        three = {**CLASSES, "data": {"modes": 3}, "seed": 9}
        run = started(tmp_path, of_eight_classes, **three)
        after, before, new = weights(run, 0), weights(of_eight_classes, 2), fresh(**three)
        left = {
            "generator": {"label_embedding.weight"},
            "discriminator": {"to_class_logits.weight", "to_class_logits.bias"},
        }
        for network, names in left.items():
            for name, tensor in after[network].items():
                assert torch.equal(tensor, (new if name in names else before)[network][name]), name
        said = run.directory.read_manifest()["ancestry"][0]["left_as_initialized"]
        assert set(said) == {f"{network}.{name}" for network, names in left.items() for name in names}
        log = run.directory.log.read_text()
        assert "generator.label_embedding.weight" in log or "label_embedding" in caplog.text

    def test_a_normalized_table_is_left_as_a_whole(self, tmp_path):
        """Its singular vectors belong together, though only one of them is as long as there are classes."""
        of = {"discriminator": {"name": "projection", "ndf": 4}, "generator": {"name": "resnet", "ngf": 4}}
        run = started(tmp_path, trained(tmp_path, **of), **of, data={"modes": 3}, seed=9)
        said = run.directory.read_manifest()["ancestry"][0]["left_as_initialized"]
        table = {name for name in said if name.startswith("discriminator.class_vectors")}
        assert {name.rpartition(".")[2] for name in table} == {"original", "_u", "_v"}
        rest = {name.rpartition(".")[0].rpartition(".")[2] for name in said if name.startswith("generator")}
        assert rest == {"gains", "shifts"}

    def test_of_other_names_they_are_left_too(self, of_eight_classes, tmp_path):
        """As many classes, and yet others: what was learned of them is not true of these."""
        copy = tmp_path / "0001-renamed"
        shutil.copytree(of_eight_classes.path, copy)
        content = json.loads((copy / "manifest.json").read_text())
        content["data"]["classes"] = [f"other-{name}" for name in content["data"]["classes"]]
        (copy / "manifest.json").write_text(json.dumps(content))
        run = started(tmp_path, copy, **CLASSES)
        assert len(run.directory.read_manifest()["ancestry"][0]["left_as_initialized"]) == 3
        same = started(tmp_path, of_eight_classes, **CLASSES)
        assert same.directory.read_manifest()["ancestry"][0]["left_as_initialized"] == []

    def test_a_head_may_be_missing(self, of_eight_classes, tmp_path):
        run = started(tmp_path, of_eight_classes, "discriminator", discriminator={"name": "dcgan", "ndf": 4})
        before, after = weights(of_eight_classes, 2)["discriminator"], weights(run, 0)["discriminator"]
        assert after.keys() == {name for name in before if "class" not in name}
        assert all(torch.equal(after[name], before[name]) for name in after)


class TestRefusals:
    def test_what_does_not_fit_is_named_with_both_shapes(self, ancestor, tmp_path):
        with pytest.raises(ConfigError) as caught:
            started(tmp_path, ancestor, data={"image_size": 8, "channels": 1}, generator={"ngf": 2})
        told = str(caught.value)
        assert "generator blocks.0.0.weight: 6×8×4×4 there, 6×2×4×4 here" in told
        assert re.search(r"; discriminator \S+: 4×3×4×4 there, 4×1×4×4 here", told)
        assert "there 3×16×16, without classes, here 1×8×8, without classes" in told
        assert f"ganzoo run --config {ancestor.directory.config}" in told
        assert f"--init {ancestor.path}:2" in told
        assert list(tmp_path.iterdir()) == []

    def test_a_network_with_a_layer_less(self, ancestor, tmp_path):
        with pytest.raises(ConfigError, match=r"discriminator \S+: \S+ there, none here"):
            started(tmp_path, ancestor, discriminator={"n_layers": 1})

    def test_a_generator_that_learns_of_classes_has_another_first_layer(self, ancestor, tmp_path):
        with pytest.raises(ConfigError, match=r"blocks\.0\.0\.weight: 6×8×4×4 there, 12×8×4×4 here"):
            started(tmp_path, ancestor, "generator", **CLASSES)

    def test_a_step_that_is_not_there(self, ancestor, tmp_path):
        with pytest.raises(ConfigError, match="has no checkpoint of step 77") as caught:
            started(tmp_path, f"{ancestor.path}:77")
        assert caught.value.allowed == "1, 2"
        assert caught.value.hint.startswith(f"--init {ancestor.path}")

    def test_a_damaged_one(self, ancestor, tmp_path):
        copy = tmp_path / "0001-damaged"
        shutil.copytree(ancestor.path, copy)
        (copy / "checkpoints/step-0000001/generator.safetensors").write_bytes(b"")
        with pytest.raises(CheckpointError, match=r"generator\.safetensors does not match its manifest"):
            started(tmp_path, f"{copy}:1")

    def test_no_such_run(self, tmp_path):
        with pytest.raises(ConfigError, match="no run '7'"):
            started(tmp_path, "7")

    def test_no_such_part(self, ancestor, tmp_path):
        with pytest.raises(ConfigError, match="cannot start from 'critic'"):
            started(tmp_path, ancestor, "critic")


class TestWhatIsRecorded:
    def test_the_line_of_ancestors(self, ancestor, tmp_path):
        child = started(tmp_path, ancestor)
        grandchild = started(tmp_path, child.path.name)
        records = grandchild.directory.read_manifest()["ancestry"]
        assert [record["run"] for record in records] == [child.path.name, ancestor.path.name]
        assert records[1]["config_hash"] == ancestor.directory.read_manifest()["config_hash"]
        assert records[1]["path"] == str(ancestor.path)
        assert ancestor.directory.read_manifest()["ancestry"] == []

    def test_the_configuration_knows_nothing_of_it_but_says_where_to_look(self, ancestor, tmp_path):
        run = started(tmp_path, ancestor)
        assert run.config == ancestor.config
        hashes = {one.directory.read_manifest()["config_hash"] for one in (run, ancestor)}
        assert len(hashes) == 1
        assert run.directory.config.read_text().startswith(
            f"# Its first weights are those of another run: --init {ancestor.path.name}:2\n"
        )


class TestResuming:
    def resumed(self, path, steps=3):
        changes = [ConfigLayer("flag", {"train.steps": steps})]
        return session.resume(REGISTRY, RunDirectory(path), changes=changes, console=Console(quiet=True))

    def test_it_needs_no_ancestor_and_equals_an_uninterrupted_run(self, tmp_path):
        whole = started(tmp_path / "whole", first := trained(tmp_path / "first"), train={"steps": 3})
        part = started(tmp_path / "part", first, train={"steps": 2})
        shutil.rmtree(first.path)
        (part.path / "samples/step-0000002.png").unlink()
        self.resumed(part.path)
        assert_same_outcome(whole.path, part.path)

    def test_before_its_first_step(self, ancestor, tmp_path):
        """As a run that was killed leaves it: it goes on from the weights, not from others."""
        whole = started(tmp_path / "whole", ancestor, train={"steps": 3})
        part = started(tmp_path / "part", ancestor, train={"steps": 1})
        shutil.rmtree(part.path / "checkpoints/step-0000001")
        (part.path / "samples/step-0000001.png").unlink()
        self.resumed(part.path)
        assert_same_outcome(whole.path, part.path)

    def test_without_any_checkpoint_it_does_not_begin_anew(self, ancestor, tmp_path):
        run = started(tmp_path, ancestor, train={"steps": 1})
        shutil.rmtree(run.path / "checkpoints")
        with pytest.raises(CheckpointError, match="no intact checkpoint"):
            self.resumed(run.path)
