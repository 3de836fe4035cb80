"""Remarks for beginners: what they say, when they are silent, and that the command they name helps."""

import shlex

import pytest
from PIL import Image

from ganzoo.config.layers import ConfigLayer
from ganzoo.memory import Memory
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.planning.remarks import REMARKS, long_on_a_cpu, remarks
from ganzoo.registry import Registry

FLAGS = {"--disc": "discriminator.name", "--image-size": "data.image_size", "--batch-size": "train.batch_size"}
SMALL = {"discriminator.ndf": 2, "generator.ngf": 2}


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Class → number of pictures, as a folder of pictures of a size."""

    def make(size=32, **counts):
        folder = tmp_path_factory.mktemp("data")
        for name, count in counts.items():
            (folder / name).mkdir()
            for number in range(count):
                Image.new("RGB", (size, size), (number % 256, number // 256, 0)).save(folder / name / f"{number}.png")
        return {"data.name": str(folder)}

    return make


def said(registry, layers, **more):
    plan = make_plan(choose(registry, [*layers, ConfigLayer("flag", SMALL | more)]))
    return {finding.reason: finding.fix for finding in remarks(plan)}


def of(fix):
    """The values that a fix sets, as flags and ``--set`` would."""
    words, values = shlex.split(fix), {}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        if flag == "--set":
            values |= dict([value.split("=")])
        elif flag == "--augment":
            values |= {"augment": True, f"augment.{value}": {}}
        else:
            values[FLAGS[flag]] = int(value) if value.isdecimal() else value
    return values


def test_uneven_classes(registry, data):
    layers = [ConfigLayer("x", data(benign=400, malignant=60) | {"augment": True, "augment.ada": {}})]
    ((reason, fix),) = said(registry, layers).items()
    assert "between 60 and 400 images" in reason
    assert fix == "--disc acgan --set data.sampling=balanced"
    assert said(registry, layers, **of(fix)) == {}
    ((reason, fix),) = said(registry, layers, **{"discriminator.name": "acgan"}).items()
    assert (reason.count("the rare ones are seen as rarely"), fix) == (1, "--set data.sampling=balanced")


def test_classes_that_nobody_will_be_able_to_ask_for(registry, data):
    layers = [ConfigLayer("x", data(a=260, b=260))]
    ((reason, fix),) = said(registry, layers).items()
    assert "do not see the 2 classes" in reason
    assert "ganzoo sample --class" in reason
    assert said(registry, layers, **of(fix)) == {}


def test_classes_of_data_that_come_with_ganzoo_are_not_remarked_on(registry):
    assert said(registry, [ConfigLayer("x", {"data.name": "digits"})]) == {}


@pytest.mark.parametrize(("total", "heard"), [(600 * 3 * 32 * 32 * 2 - 1, True), (600 * 3 * 32 * 32 * 2, False)])
def test_small_pictures_that_take_more_than_half_of_the_memory(registry, data, monkeypatch, total, heard):
    monkeypatch.setattr("ganzoo.planning.remarks.memory", lambda: Memory(total, None))
    layers = [ConfigLayer("x", data(a=600))]
    found = said(registry, layers)
    assert list(found.values()) == ["--set data.sampling=blocks"] * heard
    assert all("the pictures take 2 MiB, more than half of the 4 MiB of memory" in reason for reason in found)
    assert said(registry, layers, **{"data.sampling": "blocks"}) == {}


def test_blocks_where_they_change_nothing(registry, data):
    large = [ConfigLayer("x", data(a=500, size=128) | {"data.image_size": 128})]
    ((reason, fix),) = said(registry, large, **{"data.sampling": "blocks"}).items()
    assert "for pictures of at most 32 KiB; items of 48 KiB" in reason
    assert said(registry, large, **of(fix)) == {}
    points = [ConfigLayer("x", {"data.name": "ring", "discriminator.name": "mlp", "generator.name": "mlp"})]
    plan = make_plan(choose(registry, [*points, ConfigLayer("flag", {"data.sampling": "blocks"})]))
    ((reason, fix),) = ((finding.reason, finding.fix) for finding in remarks(plan))
    assert "items that are no pictures" in reason
    assert fix == "--set data.sampling=shuffle"


def test_large_pictures_are_read_fast_in_any_order(registry, data, monkeypatch):
    monkeypatch.setattr("ganzoo.planning.remarks.memory", lambda: Memory(1, None))
    assert said(registry, [ConfigLayer("x", data(a=500, size=256) | {"data.image_size": 256})]) == {}


def test_few_images(registry, data):
    layers = [ConfigLayer("x", data(a=25) | {"train.batch_size": 64})]
    ((reason, fix),) = said(registry, layers).items()
    assert "learns 25 images by heart, and every batch of 64 repeats them" in reason
    assert fix == "--augment ada --batch-size 24"
    assert said(registry, layers, **of(fix)) == {}


def test_enlarged_pictures(registry, data):
    layers = [ConfigLayer("x", data(a=500))]
    ((reason, fix),) = said(registry, layers, **{"data.image_size": 128}).items()
    assert "at most 32×32 pixels and are enlarged to 128×128 (image size from flag)" in reason
    assert fix == "--image-size 32"
    assert said(registry, layers, **of(fix)) == {}


def test_a_recipe_that_enlarges_is_named(registry, data):
    layers = [ConfigLayer("recipe x", {"data.image_size": 64})]
    reasons = said(registry, [*layers, ConfigLayer("y", data(a=500))])
    assert any("image size from recipe x" in reason for reason in reasons)


def test_what_the_data_decide_is_not_remarked_on(registry, data):
    """8×8 pictures are read as 32×32, since nobody asked for a size."""
    assert said(registry, [ConfigLayer("x", data(size=8, a=500))]) == {}


@pytest.mark.parametrize("name", ["digits", "ring", "textures"])
def test_built_in_data_are_not_remarked_on(registry, name):
    plan = make_plan(choose(registry, [ConfigLayer("flag", {"data.name": name})]))
    assert remarks(plan) == []


def test_six_days_on_a_cpu():
    finding = long_on_a_cpu(6 * 86400.0, "cpu")
    assert finding.status == "advised"
    assert "about 6.0 days on a CPU" in finding.reason
    assert long_on_a_cpu(3600.0, "cpu") is None
    assert long_on_a_cpu(6 * 86400.0, "cuda:0") is None


def test_remarks_refuse_nothing(registry, data):
    plan = make_plan(choose(registry, [ConfigLayer("flag", data(a=25, b=3) | SMALL | {"data.image_size": 64})]))
    found = remarks(plan)
    assert len(found) == 3 < len(REMARKS)
    assert {finding.status for finding in found} == {"advised"}
