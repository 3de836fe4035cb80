"""What the matrix says is so: every pair trains or is refused, and what is refused cannot be computed."""

from itertools import zip_longest

import pytest

from ganzoo.config.layers import ConfigLayer
from ganzoo.planning import plan as planning
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.planning.ranks import takes_rank
from ganzoo.registry import Registry
from ganzoo.studies.matrix import SMALL, matrix

REGISTRY = Registry.load(plugins=False)
LOSSES = [entry.name for entry in REGISTRY.entries("loss")]
DISCRIMINATORS = [entry.name for entry in REGISTRY.entries("discriminator")]
GENERATORS = [entry.name for entry in REGISTRY.entries("generator")]
FOR_IMAGES = [name for name in GENERATORS if "image" in REGISTRY.get("generator", name).component.tags]
JUDGING_IMAGES = [name for name in DISCRIMINATORS if takes_rank(REGISTRY.get("discriminator", name).component.tags, 2)]
FEW = {"data.name": "synthetic", "data.n": 16, "data.modes": 2, "data.image_size": 32}


REFUSING = {
    "image-discriminators-on-vectors": {"data.name": "ring", "generator.name": "mlp"},
    "an-image-generator-on-vectors": {"data.name": "ring", "generator.name": "dcgan"},
    "class-logits": {**FEW, "regularizers": True, "regularizers.auxiliary-classifier": {}},
    "style": {**FEW, "regularizers": True, "regularizers.path-length.every": 1},
}
"""Configurations in which some discriminators cannot be trained."""


def rows(values, **arguments):
    return list(matrix(REGISTRY, [ConfigLayer("test", values)], **arguments))


def each(kind, names):
    """One test for each of them, with its kind in the id: ``-k discriminator-mlp`` selects all that know that one."""
    return pytest.mark.parametrize(kind, names, ids=[f"{kind}-{name}" for name in names])


def test_the_matrix_has_all_of_them_unless_some_are_asked_for():
    assert [result.discriminator for result in rows({}, losses=["bce"])] == DISCRIMINATORS
    assert [result.loss for result in rows({}, discriminators=["mlp"])] == LOSSES


@each("discriminator", DISCRIMINATORS)
@each("loss", LOSSES)
def test_every_loss_trains_every_discriminator_or_is_refused(loss, discriminator):
    """On the smaller split, since the data are read for each pair."""
    [result] = rows({"data.split": "test"}, steps=2, losses=[loss], discriminators=[discriminator])
    assert result.status != "failed", result.reasons
    assert bool(result.reasons) == (result.status != "ok")


@each("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("values", REFUSING.values(), ids=REFUSING)
def test_what_is_refused_breaks_if_it_is_tried(values, discriminator, monkeypatch):
    alone = {"steps": 1, "losses": ["bce"], "discriminators": [discriminator]}
    [told] = rows(values, **alone)
    assert told.status != "failed", told.reasons
    monkeypatch.setattr(planning, "judge", lambda facts: [])
    [tried] = rows(values, **alone)
    assert (tried.status in ("refused", "failed")) == (told.status == "refused"), told.reasons or tried.reasons


@pytest.mark.parametrize("values", REFUSING.values(), ids=REFUSING)
def test_each_of_these_has_something_to_refuse(values):
    assert "refused" in {result.status for result in rows(values, losses=["bce"])}


@each("discriminator", JUDGING_IMAGES)
@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3)], ids=["32-gray", "64-rgb"])
@each("generator", FOR_IMAGES)
def test_every_discriminator_trains_with_every_generator(generator, size, channels, discriminator):
    """Two shapes: that each network alone builds and works at any size and number of channels, the kit checks."""
    shape = {"data.image_size": size, "data.channels": channels}
    values = {**FEW, **shape, "generator.name": generator, "train.batch_size": 4}
    [result] = rows(values, steps=1, losses=["bce"], discriminators=[discriminator])
    assert result.status in ("ok", "warn"), result.reasons


@each("loss", LOSSES)
def test_every_loss_trains_on_vectors(loss):
    [result] = rows({"data.name": "ring", "generator.name": "mlp"}, steps=2, losses=[loss], discriminators=["mlp"])
    assert result.status in ("ok", "warn"), result.reasons


def test_the_networks_of_the_matrix_are_small():
    """Each once: a network does not depend on the other player's."""
    for generator, discriminator in zip_longest(FOR_IMAGES, JUDGING_IMAGES):
        names = {
            "generator.name": generator or FOR_IMAGES[0],
            "discriminator.name": discriminator or JUDGING_IMAGES[0],
        }
        plan = make_plan(choose(REGISTRY, [SMALL, ConfigLayer("test", {**FEW, **names})]))
        for network in (plan.generator, plan.discriminator):
            assert sum(weight.numel() for weight in network.parameters()) < 500_000, names
