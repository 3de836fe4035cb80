"""Ring and grid: Gaussians where their modes say, and points that are a function of options and index."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_datasets.grid import Grid
from ganzoo_datasets.ring import Ring
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganzoo.errors import ConfigError, DataError

BOTH = pytest.mark.parametrize("options", [Ring, Grid])


def load(options, *, split="train", image_size=None, channels=None, **values):
    return options(**values).open(image_size=image_size, channels=channels, split=split, cache=None)


def everything(dataset):
    return dataset.read(torch.arange(len(dataset)))


def test_the_ring_is_eight_centers_on_the_unit_circle():
    data = load(Ring)
    angles = [math.pi * k / 4 for k in range(8)]
    expected = torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles], dtype=torch.float64)
    torch.testing.assert_close(data.modes, expected, rtol=0, atol=1e-11)
    assert (len(data), data.mode_std, data.spec.shape, data.groups) == (100_000, 0.01, (2,), None)


def test_the_grid_is_25_centers_two_apart():
    data = load(Grid)
    expected = [[x, y] for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    assert data.modes.tolist() == expected
    assert (len(data), data.mode_std, data.spec.shape) == (100_000, 0.05, (2,))


@pytest.mark.parametrize(
    ("data", "span"), [(load(Ring, modes=5, radius=2.0, n=500), 2.0), (load(Grid, side=3, spacing=0.5, n=500), 0.5)]
)
def test_options_move_the_centers(data, span):
    assert data.modes.abs().max() == pytest.approx(span)
    assert len(data.modes) in (5, 9)


@BOTH
def test_points_are_gaussians_around_the_mode_of_their_label(options):
    """Moments to order four and the radial law, each within five standard errors of 100,000 points."""
    data = load(options)
    points = everything(data)
    assert points.dtype == torch.float32
    draws = (points.double() - data.modes[data.labels]) / data.mode_std
    n = len(draws)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert ((draws**power).mean(0) - moment).abs().max() < 5 * math.sqrt(variance / n)
    assert abs(float((draws[:, 0] * draws[:, 1]).mean())) < 5 / math.sqrt(n)
    for radius in (0.5, 1.0, 2.0, 3.0):
        inside = 1 - math.exp(-(radius**2) / 2)
        share = float((draws.norm(dim=1) < radius).double().mean())
        assert abs(share - inside) < 5 * math.sqrt(inside * (1 - inside) / n)
    assert torch.equal(torch.cdist(points[:2000].double(), data.modes).argmin(1), data.labels[:2000])


def test_points_never_change():
    """Three points of each, as on every machine; float32 as they are saved."""
    assert load(Ring).read(torch.tensor([0, 1, 99_999])).tolist() == [
        [1.001377820968628, -0.00040573120350018144],
        [0.7082857489585876, 0.6989439725875854],
        [0.6957119107246399, -0.6925691366195679],
    ]
    assert load(Grid).read(torch.tensor([0, 1, 99_999])).tolist() == [
        [-3.9931111335754395, -4.002028465270996],
        [-3.994105339050293, -2.04081392288208],
        [3.943025588989258, 4.072688102722168],
    ]


@BOTH
def test_modes_are_evenly_populated_and_are_the_classes(options):
    data = load(options, n=2500)
    counts = torch.bincount(data.labels)
    assert counts.max() - counts.min() <= 1
    assert len(data.spec.classes) == len(data.modes)
    assert sum(data.spec.marginal) == pytest.approx(1)
    assert not data.spec.conditional


@given(options=st.sampled_from([Ring, Grid]), index=st.lists(st.integers(0, 99), min_size=1, max_size=9))
def test_points_depend_on_options_and_index_alone(options, index):
    first, second = (load(options, n=100) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert torch.equal(first.read(torch.tensor(index)), everything(second)[index])


@BOTH
def test_splits_are_other_draws_and_all_is_both(options):
    train, test, both = (load(options, split=split, n=100) for split in ("train", "test", "all"))
    assert not torch.equal(everything(train), everything(test))
    assert torch.equal(everything(both), torch.cat([everything(train), everything(test)]))


@BOTH
def test_fingerprint_tells_what_differs(options):
    variants = [{}, {"seed": 1}, {"n": 101}, {"std": 0.02}, {"split": "test"}]
    assert len({load(options, **{"n": 100, **variant}).fingerprint for variant in variants}) == len(variants)


@BOTH
def test_global_generators_neither_matter_nor_move(options):
    torch.manual_seed(1)
    load(options, n=100)
    moved = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(moved, torch.rand(1))


@BOTH
def test_refusals(options):
    with pytest.raises(DataError, match="split") as caught:
        load(options, split="val")
    assert "train, test, all" in str(caught.value)
    for wrong in ({"image_size": 32}, {"channels": 1}):
        with pytest.raises(ConfigError, match="neither size nor channels") as error:
            load(options, **wrong)
        ((key, value),) = wrong.items()
        assert error.value.given == f"{key} {value}"
    with pytest.raises(ValidationError, match="every mode occurs"):
        options(n=7)
