"""How far one logit of each critic of pictures sees, and what it answers at three sizes, beside what was published."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

import ganzoo
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry
from ganzoo.training import spectral

SIDES = (32, 64, 128)
ONE = ((),)
"""One logit for each picture."""


class Row(NamedTuple):
    """Of each of the three sides; a field of ``None`` is the whole picture.

    Attributes:
        options: beside the defaults.
        fields: pixels a side that one of ``logits`` sees.
        maps: height and width of ``logits`` and of each of ``extra_logits``.
        source: what was published, where it was.
    """

    options: dict[str, object]
    fields: tuple[int | None, int | None, int | None]
    maps: tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]
    source: str = ""


def square(*sides):
    return tuple((side, side) for side in sides)


WHOLE = (None,) * 3
EACH = (ONE,) * 3
PATCHES = (square(2), square(6), square(14))
TABLE = {
    "patchgan": Row({}, (70,) * 3, PATCHES, "70 (pix2pix, section 4.4), 30×30 at 256 px by the same rule"),
    "patchgan-sn": Row({}, (70,) * 3, PATCHES, "70, the same stack"),
    "patchgan-blur": Row({}, (72,) * 3, (square(4), square(8), square(16)), "16×16 at 128 px (TiTok's code)"),
    "pixelgan": Row({}, (1,) * 3, (square(32), square(64), square(128)), "1 (pix2pix, section 4.4)"),
    "multiscale-patchgan": Row(
        {}, (16, 34, 70), (square(14, 6, 2),) * 3, "70 of n_layers 3, 3 scales (pix2pixHD, section 3.2)"
    ),
    "unet": Row({}, WHOLE, tuple((*ONE, *square(side)) for side in SIDES), "a logit for the whole and one a pixel"),
    "unet-sn": Row({}, (64,) * 3, (square(32), square(64), square(128)), "a logit a pixel (Real-ESRGAN, figure 6)"),
    "vgg-style": Row({}, WHOLE, EACH, "one logit (ESRGAN, at 128 px)"),
    "stylegan2": Row({}, WHOLE, EACH, "one logit"),
    "r3gan": Row({}, WHOLE, EACH, "one logit (table 9)"),
    "biggan": Row({}, WHOLE, EACH, "one logit (tables 4 to 6)"),
    "progressive": Row({}, WHOLE, EACH, "one logit (table 2)"),
    "resnet-sn": Row({}, WHOLE, EACH, "one logit (SNGAN, tables 3 to 5)"),
    "projection": Row({}, WHOLE, EACH, "one logit"),
    "embedding": Row({}, WHOLE, EACH, "one logit"),
    "dcgan": Row({}, WHOLE, EACH, "one logit"),
    "acgan": Row({}, WHOLE, EACH, "one logit"),
    "cgan": Row({}, WHOLE, EACH, "one logit"),
    "autoencoder": Row({}, WHOLE, EACH, "one energy (EBGAN)"),
    # Of random convolutions, which need no weights; the fields are those of 3×3, and of 3×3 on that.
    "frozen-features": Row({}, (5,) * 3, (square(32, 16, 8), square(64, 32, 16), square(128, 64, 32))),
    "projected": Row({"extractor": "random-conv"}, WHOLE, (square(5, 5, 5), square(13, 13, 13), square(29, 29, 29))),
}


@pytest.mark.parametrize("name", TABLE)
def test_fields_and_answers_are_those_of_the_table(name):
    row = TABLE[name]
    fields, maps = [], []
    for side in SIDES:
        spec = DataSpec(shape=(3, side, side), classes=("a", "b"), marginal=(0.5, 0.5), conditional=True)
        with spectral.on_meta():
            network = ganzoo.build("discriminator", name, spec=spec, **row.options)
            output = network(torch.empty(4, *spec.shape), torch.zeros(4, dtype=torch.long))
        fields.append(network.receptive_field())
        answers = [tuple(logits.shape) for logits in output.maps()]
        assert all(one in ((4,), (4, 1, *one[2:])) for one in answers)
        maps.append(tuple(one[2:] for one in answers))
    assert (tuple(fields), tuple(maps)) == (row.fields, row.maps)


def test_every_critic_of_pictures_is_in_the_table():
    entries = Registry.load(plugins=False).entries("discriminator")
    assert {entry.name for entry in entries if "image" in entry.component.tags} == set(TABLE)
