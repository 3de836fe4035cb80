"""The pictures on the pages of components: up to date, small, and each on its page."""

from __future__ import annotations

import re

import component_pages
import component_pictures as pictures
import numpy as np
import pytest
import sample_grids
from PIL import Image
from registered import REGISTRY, entries_of
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import DataSpec, Discriminator, DiscriminatorOutput

HOW = "mend it with: make docs"


@entries_of("loss")
def test_the_plot_of_a_loss_shows_what_it_is(entry):
    """The numbers that the picture carries, not its bytes: these depend on the version of matplotlib."""
    wanted = pictures.numbers(pictures.curves_of(REGISTRY, entry))
    assert pictures.shows(pictures.FOLDER / f"loss-{entry.name}.png", wanted), HOW


def test_a_plot_of_other_numbers_is_noticed(tmp_path):
    entry = REGISTRY.get("loss", "hinge")
    curves = pictures.curves_of(REGISTRY, entry)
    wanted = pictures.numbers(curves)
    assert set(wanted) == {"hinge:generator=linear", "hinge:generator=relu"}
    one = "hinge:generator=linear"
    assert wanted[one][0] == 6.0  # D, where a real sample has the logit -4: 1 + 4, and 1 for the fake
    file = tmp_path / "plot.png"
    assert not pictures.shows(file, wanted)
    file.write_bytes(pictures.plot(curves))
    assert pictures.shows(file, wanted)
    assert not pictures.shows(file, wanted | {one: [number + 1e-3 for number in wanted[one]]})
    assert not pictures.shows(file, {"other": wanted[one]})


@pytest.mark.parametrize("name", ["bce", "lsgan"])
def test_an_option_that_changes_no_curve_is_not_drawn_twice(name):
    assert list(pictures.numbers(pictures.curves_of(REGISTRY, REGISTRY.get("loss", name)))) == [name]


def test_drawings_of_discriminators_are_up_to_date():
    for name, wanted in pictures.drawings(REGISTRY).items():
        assert (pictures.FOLDER / name).read_text(encoding="utf-8") == wanted, f"{name}: {HOW}"


class Quarter(Options):
    """A made-up discriminator: one logit for each 4 by 4 pixels, which sees 8 by 8."""

    def build(self, spec: DataSpec) -> Discriminator:
        return QuarterNetwork(spec)


class QuarterNetwork(Discriminator):
    def __init__(self, spec):
        super().__init__()
        self.layer = nn.Conv2d(spec.shape[0], 1, 8, 4, 2)

    def forward(self, images, labels=None):
        return DiscriminatorOutput(self.layer(images))

    def receptive_field(self):
        return 8


def test_a_patch_is_drawn_where_it_is():
    """On 32 pixels, 150 wide: logit 4 of 8 is in the middle of pixels 16 to 20, and sees pixels 14 to 22."""
    drawn = pictures.patches(Quarter())
    x, y, width, height = (
        float(number)
        for number in re.search(r'class="patch" x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)"', drawn).groups()
    )
    pixel = 150 / 32
    assert np.allclose([x, y, width, height], [14 * pixel, 14 * pixel, 8 * pixel, 8 * pixel], atol=0.05)
    assert "8×8 logits of 8×8 px" in drawn


def test_every_picture_is_small_and_on_a_page():
    files = sorted(pictures.FOLDER.iterdir())
    assert sum(file.stat().st_size for file in files) < 2_000_000
    assert [file.name for file in files if file.stat().st_size > 40_000] == []
    pages = "".join(page.read_text(encoding="utf-8") for page in component_pages.FOLDER.glob("*.md"))
    assert [file.name for file in files if f"(images/{file.name})" not in pages] == []


@entries_of("generator")
def test_a_generator_has_its_grid(entry):
    assert entry.name in sample_grids.SMALL
    with Image.open(pictures.FOLDER / f"generator-{entry.name}.png") as picture:
        side = sample_grids.SIDE * sample_grids.SHOWN
        assert picture.size == (sample_grids.COLUMNS * side, sample_grids.ROWS * side)


@pytest.mark.parametrize("name", sample_grids.SMALL)
def test_the_settings_behind_a_grid_are_those_of_the_page(name):
    settings = sample_grids.settings(name)
    words = component_pages.PICTURES["generator"][-1]
    assert f"{settings['train']['steps']:,} steps on `{settings['data']['name']}`" in words
    assert "at {0}×{0} pixels".format(settings["data"]["image_size"]) in words
