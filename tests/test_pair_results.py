"""The matrix of losses and discriminators: one broken part spoils its own row, and nothing else."""

import sys

import pytest
from broken_plugins.install import PluginFolder

from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import ConfigError, DataError, UnknownNameError
from ganzoo.registry import Registry
from ganzoo.studies.matrix import PairResult, by_reason, matrix, pairs

QUICK = {"data.name": "synthetic", "data.n": 16, "data.image_size": 16, "train.batch_size": 4}
DISCRIMINATORS = ["mlp", "patchgan-sn"]

BROKEN = '''
import sys
import torch
from ganzoo.component import Component, Options
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1
NAMES = ("infinite", "raising", "exiting", "gone", "needy", "cutting", "sound")


@hookimpl
def ganzoo_components():
    return [
        Component(
            kind="loss",
            name=name,
            target=f"{__name__}:{name.capitalize()}",
            summary="one of the seeded faults",
            requires=("no_such_package",) if name == "needy" else (),
        )
        for name in NAMES
    ]


class Sound(Options):
    """Nothing is wrong with this one.

    Formula:
        D: E f − E r
    """

    slope: float = 1.0

    def discriminator_loss(self, *, real, fake):
        return self.slope * (fake.mean() - real.mean())

    def generator_loss(self, *, fake):
        return -fake.mean()


class Needy(Sound):
    """Needs what nobody has."""


class Infinite(Sound):
    """Diverges at once."""

    def generator_loss(self, *, fake):
        return fake.mean() / 0


class Raising(Sound):
    """Has a bug."""

    def discriminator_loss(self, *, real, fake):
        raise IndexError("no such logit")


class Exiting(Sound):
    """Ends the program."""

    def generator_loss(self, *, fake):
        sys.exit("enough")


class Cutting(Sound):
    """Says a number that is none, beside an objective that is sound."""

    def diagnostics(self, *, real, fake):
        return {"strange": torch.tensor(float("nan"))}
'''


@pytest.fixture
def broken(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    folder = PluginFolder(tmp_path / "site-packages")
    (folder.path / "seeded_faults.py").write_text(BROKEN, encoding="utf-8")
    folder.announce("seeded-faults", {"main": "seeded_faults"})
    yield Registry.load()
    sys.modules.pop("seeded_faults", None)


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def rows(registry, values=None, **arguments):
    arguments = {"discriminators": DISCRIMINATORS, **arguments}
    return list(matrix(registry, [ConfigLayer("test", {**QUICK, **(values or {})})], **arguments))


def test_a_broken_loss_fails_in_its_own_rows_only(broken):
    names = ["infinite", "raising", "exiting", "gone", "needy", "cutting", "sound", "hinge"]
    results = rows(broken, losses=names, steps=1)
    assert [(result.loss, result.discriminator) for result in results] == [
        (loss, discriminator) for loss in names for discriminator in DISCRIMINATORS
    ]
    assert {result.loss for result in results if result.status == "failed"} == set(names[:4]) | {"cutting"}
    assert {result.loss for result in results if result.status == "refused"} == {"needy"}
    assert {(result.loss, result.status) for result in results if result.loss in ("sound", "hinge")} == {
        ("sound", "ok"),
        ("hinge", "ok"),
    }
    reasons = {result.loss: result.reasons[0] for result in results if result.reasons}
    assert "not finite" in reasons["infinite"]
    assert reasons["raising"] == "IndexError: no such logit"
    assert reasons["exiting"] == "SystemExit: enough"
    assert "has no attribute 'Gone'" in reasons["gone"]
    assert reasons["needy"] == "loss needy needs no_such_package, which is not installed"
    assert reasons["cutting"] == "not finite at step 1: strange"


def test_a_fault_of_training_is_seen_only_where_pairs_are_trained(broken):
    results = rows(broken, losses=["infinite", "raising", "gone"], discriminators=["mlp"])
    assert [result.status for result in results] == ["ok", "ok", "failed"]


def test_pairs_are_all_that_is_registered(broken):
    losses = {entry.name for entry in broken.entries("loss")}
    discriminators = {entry.name for entry in broken.entries("discriminator")}
    assert {"sound", "hinge"} <= losses
    assert set(pairs(broken)) == {(loss, discriminator) for loss in losses for discriminator in discriminators}


def test_pairs_by_name_alias_and_qualified_name(broken):
    assert pairs(broken, losses=["logistic", "seeded-faults/sound"], discriminators=["patchgan_sn"]) == [
        ("bce", "patchgan-sn"),
        ("sound", "patchgan-sn"),
    ]
    with pytest.raises(UnknownNameError, match="no loss called 'hing'"):
        pairs(broken, losses=["hing"])


def test_what_a_loss_suggests_counts_as_in_a_run(registry):
    results = {result.discriminator: result for result in rows(registry, losses=["wgan-gp"])}
    assert results["mlp"].status == "ok"
    assert results["patchgan-sn"].status == "warn"
    [reason] = results["patchgan-sn"].reasons
    assert "gradient-penalty" in reason
    assert "(next: --reg none" in reason
    without = rows(registry, {"regularizers": True}, losses=["wgan-gp"])
    assert {result.discriminator: result.status for result in without} == {"mlp": "warn", "patchgan-sn": "ok"}


def test_an_option_holds_where_a_component_has_it(registry):
    values = {"discriminator.n_layers": 9}
    results = {result.discriminator: result.status for result in rows(registry, values, losses=["hinge"])}
    assert results == {"mlp": "ok", "patchgan-sn": "refused"}


def test_an_option_that_no_component_has_is_an_error(registry):
    with pytest.raises(ConfigError, match="no discriminator has an option n_layrs; did you mean 'n_layers'"):
        rows(registry, {"discriminator.n_layrs": 9})


def test_what_is_wrong_whatever_the_pair_is_an_error(registry, tmp_path):
    with pytest.raises(ConfigError, match=r"train\.stpes"):
        rows(registry, {"train.stpes": 3})
    with pytest.raises(UnknownNameError, match="no generator called 'dcgam'"):
        rows(registry, {"generator.name": "dcgam"})
    with pytest.raises(DataError):
        list(matrix(registry, [ConfigLayer("test", {"data.name": "folder", "data.path": str(tmp_path)})]))


def test_a_row_for_programs():
    result = PairResult(loss="a", discriminator="b", status="warn", reasons=("one (next: x)", "two"))
    assert result.row() == {"loss": "a", "discriminator": "b", "status": "warn", "reason": "one (next: x)\ntwo"}
    assert PairResult(loss="a", discriminator="b", status="ok").row()["reason"] == ""


def test_reasons_that_differ_by_names_are_one():
    def result(loss, discriminator, *reasons):
        return PairResult(loss=loss, discriminator=discriminator, status="warn", reasons=reasons)

    found = by_reason(
        [
            result("gan", "net", "loss gan and discriminator net: no", "other"),
            result("gan", "net-2", "loss gan and discriminator net-2: no"),
            result("gan-2", "net", "loss gan-2 and discriminator net: no"),
            result("gan-2", "net-2", "loss gan and discriminator net: no"),
            result("gan", "net", "unlike loss gan-2 and discriminator net-2"),
        ]
    )
    assert {reason: len(some) for reason, some in found.items()} == {
        "the loss and the discriminator: no": 3,
        "other": 1,
        "loss gan and discriminator net: no": 1,
        "unlike loss gan-2 and discriminator net-2": 1,
    }
