"""What the matrix says is so: every pair trains or is refused, and what is refused cannot be computed."""

import pytest

from ganzoo.config.layers import ConfigLayer
from ganzoo.planning import plan as planning
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.studies.matrix import SMALL, matrix

REGISTRY = Registry.load(plugins=False)
LOSSES = [entry.name for entry in REGISTRY.entries("loss")]
DISCRIMINATORS = [entry.name for entry in REGISTRY.entries("discriminator")]
GENERATORS = [entry.name for entry in REGISTRY.entries("generator")]
FOR_IMAGES = [name for name in GENERATORS if "image" in REGISTRY.get("generator", name).component.tags]
FEW = {"data.name": "synthetic", "data.n": 16, "data.modes": 2, "data.image_size": 32}


def rows(values, **arguments):
    return list(matrix(REGISTRY, [ConfigLayer("test", values)], **arguments))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_every_discriminator_or_is_refused(loss):
    results = rows({}, steps=2, losses=[loss])
    assert [result.discriminator for result in results] == DISCRIMINATORS
    assert {(result.discriminator, result.reasons) for result in results if result.status == "failed"} == set()
    assert all(bool(result.reasons) == (result.status != "ok") for result in results)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"data.name": "ring", "generator.name": "mlp"}, id="image-discriminators-on-vectors"),
        pytest.param({"data.name": "ring", "generator.name": "dcgan"}, id="an-image-generator-on-vectors"),
        pytest.param({**FEW, "regularizers": True, "regularizers.auxiliary-classifier": {}}, id="class-logits"),
        pytest.param({**FEW, "regularizers": True, "regularizers.path-length.every": 1}, id="style"),
    ],
)
def test_what_is_refused_breaks_if_it_is_tried(values, monkeypatch):
    told = {result.discriminator: result for result in rows(values, steps=1, losses=["bce"])}
    refused = {name for name, result in told.items() if result.status == "refused"}
    assert refused, "this configuration has something to refuse"
    assert {name for name, result in told.items() if result.status == "failed"} == set()
    monkeypatch.setattr(planning, "judge", lambda facts: [])
    tried = {result.discriminator: result for result in rows(values, steps=1, losses=["bce"])}
    assert {name for name, result in tried.items() if result.status in ("refused", "failed")} == refused


@pytest.mark.parametrize("channels", [1, 3], ids=["gray", "rgb"])
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("generator", FOR_IMAGES)
def test_every_discriminator_trains_with_every_generator(generator, size, channels):
    shape = {"data.image_size": size, "data.channels": channels}
    results = rows({**FEW, **shape, "generator.name": generator, "train.batch_size": 4}, steps=1, losses=["bce"])
    assert [result.discriminator for result in results] == DISCRIMINATORS
    broken = {result.discriminator: result.reasons for result in results if result.status in ("refused", "failed")}
    assert broken == {}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_on_vectors(loss):
    [result] = rows({"data.name": "ring", "generator.name": "mlp"}, steps=2, losses=[loss], discriminators=["mlp"])
    assert result.status in ("ok", "warn"), result.reasons


def test_the_networks_of_the_matrix_are_small():
    for generator in FOR_IMAGES:
        for discriminator in DISCRIMINATORS:
            names = {"generator.name": generator, "discriminator.name": discriminator}
            plan = make_plan(choose(REGISTRY, [SMALL, ConfigLayer("test", {**FEW, **names})]))
            for network in (plan.generator, plan.discriminator):
                assert sum(weight.numel() for weight in network.parameters()) < 500_000, names
