"""What the evaluation of a comparison is said to cost: counts are exact, and seconds are of small pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_judging import Means, Pictures, Shift, yardstick

from ganzoo.evaluation.judging_cost import judging_cost
from ganzoo.studies.working import most_checkpoints, spread_steps

HELD_OUT = Pictures(600, brightness=3)


class Clock:
    """Seconds that pass where somebody says so."""

    now = 0.0

    def __call__(self):
        return self.now


class Slow(Means):
    """Takes 2 ms for a picture."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def __call__(self, images):
        self._clock.now += 0.002 * len(images)
        return super().__call__(images)


class Quadratic(Shift):
    """Takes as long as the square of its samples, and counts what it is given."""

    samples = 2048

    def __init__(self, clock):
        self.given, self._clock = [], clock

    def __call__(self, *, real, fake, random):
        self.given.append((len(real.features), len(fake.features)))
        self._clock.now += 0.5 * (len(fake.features) / 1024) ** 2
        return super().__call__(real=real, fake=fake, random=random)


def test_looks_are_counted_whole_and_timed_on_few_pictures(tmp_path):
    """80 real pictures and as many held out are looked at once, and 80 samples for each checkpoint."""
    clock = Clock()
    eye = Slow(clock)
    measured = yardstick(tmp_path, n=80, held_out=HELD_OUT, extractor=eye, dataset=Pictures(600))
    cost = judging_cost(measured, clock=clock)
    assert eye.looked == 32
    assert (cost.samples, cost.per_run, cost.unknown) == (80, 0, {})
    assert cost.once == pytest.approx(160 * 0.002)
    assert cost.per_checkpoint == pytest.approx(80 * 0.002)
    assert not list(tmp_path.iterdir()), "nothing is kept of small pieces"


def test_a_metric_is_carried_on_by_the_power_of_the_size(tmp_path):
    clock = Clock()
    metric = Quadratic(clock)
    dataset, held_out = Pictures(4000), Pictures(3000, brightness=3)
    cost = judging_cost(yardstick(tmp_path, metric=metric, held_out=held_out, dataset=dataset), clock=clock)
    assert metric.given == [(256, 256), (256, 256), (512, 512), (512, 512)], "a half and a whole piece, real data too"
    assert cost.per_run == cost.per_checkpoint == pytest.approx(0.5 * (2048 / 1024) ** 2)


def test_a_metric_that_cannot_be_tried_is_named(tmp_path):
    class Broken(Shift):
        def __call__(self, *, real, fake, random):
            raise ValueError("no value here")

    both = yardstick(tmp_path, dataset=Pictures(600))
    both = replace(both, metrics={"broken": Broken(), "shift": Shift()}, options={"broken": {}, "shift": {}})
    assert judging_cost(both).unknown == {"broken[means]": "ValueError: no value here"}


@pytest.mark.parametrize(
    ("keep", "steps", "every", "count"),
    [("all", 1000, 200, 5), ("all", 1000, 100, 5), ("all", 10, 5, 2), ("last 3", 1000, 100, 3), ("best", 900, 100, 2),
     ("all", None, 500, 5)],
)  # fmt: skip
def test_so_many_checkpoints_are_measured(keep, steps, every, count):
    assert most_checkpoints({"keep": keep, "steps": steps, "checkpoint_every": every}) == count
    if keep == "all" and steps:
        assert len(spread_steps(range(0, steps + 1, every), every=every)) == count
