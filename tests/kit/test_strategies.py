"""What is drawn keeps to what the types say, and makes use of all of it."""

from __future__ import annotations

import math
from collections import defaultdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, get_origin

import pytest
import torch
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator
from registered import ENTRIES, called

from ganzoo.component import Options
from ganzoo.testing.strategies import configs, images, logits
from ganzoo.testing.subject import VECTORS, images_like

QUIET = settings(max_examples=60, suppress_health_check=list(HealthCheck))


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Options):
    """An option of each type."""

    open_interval: float = Field(default=0.5, gt=0, lt=1, description="")
    closed_interval: float = Field(default=0.5, ge=0, le=1, description="")
    finite: float = Field(default=0.0, allow_inf_nan=False, description="")
    any_float: float = Field(default=0.0, allow_inf_nan=True, description="")
    positive: float = Field(default=1.0, gt=0, allow_inf_nan=True, description="")
    width: int = Field(default=64, ge=1, description="")
    above: int = Field(default=5, gt=4, lt=8, description="")
    signed: int = Field(default=-1, description="")
    even: int = Field(default=2, ge=0, multiple_of=2, description="")
    optional: int | None = Field(default=None, ge=3, description="")
    inner: Annotated[float, Field(gt=2, le=3)] | None = Field(default=None, description="")
    word_or_number: Literal["auto"] | int = Field(default="auto", description="")
    switch: bool = Field(default=False, description="")
    color: Color = Field(default=Color.RED, description="")
    policy: tuple[Literal["a", "b"], ...] = Field(default=("a",), min_length=1, description="")
    sizes: list[int] = Field(default=[1], max_length=2, description="")
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], bool] = Field(default=(0.5, True), description="")
    path: Path = Field(default=Path("here"), description="")
    text: str | None = Field(default="text", description="")


@pytest.fixture(scope="module")
def drawn():
    """What is drawn of everything."""
    found = []

    @settings(QUIET, max_examples=500)
    @given(configs(Everything))
    def collect(options):
        found.append(options)

    collect()
    return found


@QUIET
@given(configs(Everything))
def test_bounds_are_kept(options):
    assert 0 < options.open_interval < 1
    assert 0 <= options.closed_interval <= 1
    assert math.isfinite(options.finite)
    assert options.positive > 0
    assert 1 <= options.width <= 64
    assert 4 < options.above < 8
    assert options.even % 2 == 0
    assert options.optional is None or options.optional >= 3
    assert options.inner is None or 2 < options.inner <= 3
    assert len(options.policy) >= 1
    assert len(options.sizes) <= 2
    assert options.path == Path("here")
    assert options.text in ("text", None)


@pytest.mark.parametrize(
    "condition",
    [
        lambda options: options.closed_interval == 1,
        lambda options: options.closed_interval == 0,
        lambda options: math.isnan(options.any_float),
        lambda options: options.any_float == -math.inf,
        lambda options: options.positive == math.inf,
        lambda options: options.finite < -1,
        lambda options: options.signed < -1,
        lambda options: options.above == 7,
        lambda options: options.optional is None,
        lambda options: options.optional is not None,
        lambda options: options.inner is not None,
        lambda options: isinstance(options.word_or_number, int),
        lambda options: options.switch,
        lambda options: options.color is Color.BLUE,
        lambda options: len(options.policy) > 2,
        lambda options: options.sizes == [],
        lambda options: options.betas[0] > 0.5 and not options.betas[1],
        lambda options: options.text is None,
    ],
)
def test_everything_that_is_allowed_is_drawn(condition, drawn):
    assert any(map(condition, drawn))


def test_what_is_not_allowed_is_not_drawn(drawn):
    assert all(options.positive > 0 for options in drawn)


class Ordered(Options):
    """Options that refuse each other."""

    low: int = Field(default=0, ge=0, le=5, description="")
    high: int = Field(default=5, ge=0, le=5, description="")

    @model_validator(mode="after")
    def in_order(self):
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


@QUIET
@given(configs(Ordered))
def test_options_that_refuse_each_other_are_left_out(options):
    assert options.low <= options.high


class Somewhere(Options):
    """An option that must be given."""

    path: Path = Field(description="")
    size: int = Field(default=8, ge=1, description="")


@QUIET
@given(configs(Somewhere, like=Somewhere(path=Path("there"), size=3)))
def test_what_cannot_be_drawn_comes_from_other_options(options):
    assert options.path == Path("there")
    assert 1 <= options.size <= 9


NAMES = {"critics", "weights", "extractor"}
"""Options that say names of other components: nobody can draw those."""


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.kind != "dataset"], ids=called)
def test_options_of_every_component_are_valid_and_varied(entry):
    model = entry.options()
    seen = defaultdict(set)

    @settings(QUIET, max_examples=80)
    @given(configs(model))
    def look(options):
        assert model.model_validate(options.model_dump()) == options
        for name, value in options:
            seen[name].add(repr(value) if isinstance(value, dict) else value)

    look()
    telling = {name for name, info in model.model_fields.items() if "Path" not in str(info.annotation)} - NAMES
    assert {name for name in telling if len(seen[name]) < 2} == set()
    for name, info in model.model_fields.items():
        if get_origin(info.annotation) is Literal:
            assert seen[name] == set(info.annotation.__args__)


@QUIET
@given(logits(), logits(samples=3, limit=2.5, dtype=torch.float32))
def test_logits(free, given_size):
    assert free.dtype == torch.float64
    assert 1 <= len(free) <= 8
    assert free.dim() in (1, 2, 4)
    assert free.abs().max() <= 50
    assert (given_size.dtype, len(given_size)) == (torch.float32, 3)
    assert given_size.abs().max() <= 2.5


def test_logits_have_every_shape():
    shapes = set()

    @QUIET
    @given(logits(samples=2))
    def look(drawn):
        shapes.add(tuple(drawn.shape))

    look()
    assert shapes == {(2,), (2, 1), (2, 1, 2, 3), (2, 1, 1, 1)}


@QUIET
@given(
    st.sampled_from([images_like(1, 8), images_like(3, 4, 6), VECTORS]).flatmap(
        lambda spec: st.tuples(st.just(spec), images(spec))
    )
)
def test_images(drawn):
    spec, batch = drawn
    assert tuple(batch.shape[1:]) == spec.shape
    assert 1 <= len(batch) <= 4
    assert batch.dtype == torch.float32
    assert -1 <= batch.min() <= batch.max() <= 1


def test_images_go_to_the_ends_of_their_range():
    for value in (-1.0, 0.0, 1.0):
        assert (
            find(images(VECTORS), lambda batch, value=value: bool((batch == value).all()), settings=QUIET)
            .eq(value)
            .all()
        )
