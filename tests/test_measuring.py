"""Metrics in the rows of a run, on data whose modes are known, and what is drawn of vectors."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import ANY

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.component import Options
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import ConfigError
from ganzoo.evaluation import pictures
from ganzoo.evaluation.measuring import Measures, metrics_of, real_part
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.seeds import generator_for

SMALL = {
    "loss": "bce",
    "data": {"name": "ring", "n": 400},
    "generator": {"width": 8, "latent": 3},
    "discriminator": {"width": 8},
    "train": {"steps": 7, "batch_size": 8, "log_every": 2, "sample_every": 3, "checkpoint_every": 7},
    "metrics": {"mode-coverage": {"samples": 40}},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return ganzoo.run(SMALL, out=tmp_path_factory.mktemp("runs"))


def plan(**sections):
    return make_plan(choose(Registry.load(plugins=False), [ConfigLayer("file", flatten({**SMALL, **sections}))]))


def test_vector_data_bring_networks_and_a_measure_for_vectors():
    chosen = make_plan(
        choose(Registry.load(plugins=False), [ConfigLayer("flag", {"data.name": "ring", "data.n": 100})])
    )
    names = (chosen.config.discriminator.name, chosen.config.generator.name, list(chosen.config.metrics))
    assert names == ("mlp", "mlp", ["mode-coverage"])
    assert chosen.origins["discriminator.name"] == "suggested by dataset ring"


def test_what_is_asked_for_wins_over_what_the_data_suggest():
    with pytest.raises(ConfigError, match="discriminator dcgan works on images"):
        plan(discriminator="dcgan")
    assert plan(metrics="none").config.metrics == {}


def test_a_measure_stands_in_the_rows_at_which_samples_are_due_and_in_the_last(run):
    rows = run.metrics()
    assert [row["step"] for row in rows] == [2, 4, 6, 7]
    measured = [row["step"] for row in rows if "metric/mode-coverage/modes" in row]
    assert measured == [4, 6, 7]


def test_measuring_changes_nothing_that_is_trained(run, tmp_path):
    plain = ganzoo.run({**SMALL, "metrics": "none"}, out=tmp_path)
    kept = [
        {key: value for key, value in row.items() if not key.startswith(("time/", "metric/", "floor/"))}
        for row in run.metrics()
    ]
    assert kept == [
        {key: value for key, value in row.items() if not key.startswith("time/")} for row in plain.metrics()
    ]


def test_the_real_part_is_always_the_same_and_never_more_than_there_is():
    chosen = plan()
    assert torch.equal(real_part(chosen, 10), real_part(chosen, 20)[:10])
    assert len(real_part(chosen, 10**6)) == 400
    assert len(real_part(chosen, 400).unique(dim=0)) == 400


def test_a_metric_that_needs_known_modes_says_so(tmp_path):
    config = {
        "data": {"name": "digits"},
        "metrics": "mode-coverage",
        "train": {"steps": 1},
        "generator": {"ngf": 2},
        "discriminator": {"ndf": 2},
    }
    with pytest.raises(ConfigError, match="metric mode-coverage needs modes, which a run on data digits does not have"):
        ganzoo.run(config, out=tmp_path)
    assert not list(tmp_path.iterdir())


class Labels:
    """A metric that wants to know the classes."""

    needs, higher_is_better = frozenset({"images", "labels"}), True
    samples = 12

    seen = ()

    def __call__(self, *, real, fake, random):
        self.seen = self.seen or (real, fake)
        return {"classes": float(len(fake.labels.unique()))}


def with_metric(chosen, metric):
    class Building(Options):
        def build(self, spec):
            return metric

    options = {**chosen.options, "metrics.mode-coverage": Building()}
    return replace(chosen, options=options)


def test_a_metric_gets_the_labels_of_both_sides():
    metric = Labels()
    conditional = {"data": {"name": "digits", "image_size": 8}, "discriminator": {"name": "cgan", "ndf": 2}}
    chosen = with_metric(plan(**conditional, generator={"name": "dcgan", "ngf": 2, "latent": 3}), metric)
    values = Measures(chosen, assemble(chosen).state)()
    real, fake = metric.seen
    assert len(real.labels) == len(fake.labels) == 12
    order = torch.randperm(len(chosen.dataset), generator=generator_for(0, "real", chosen.dataset.fingerprint))[:12]
    assert torch.equal(real.labels, chosen.dataset.labels[order])
    assert values == {"metric/mode-coverage/classes": len(fake.labels.unique()), "floor/mode-coverage/classes": ANY}


class Draws:
    """A metric that draws."""

    needs, higher_is_better = frozenset({"images"}), True
    samples = 12

    def __call__(self, *, real, fake, random):
        return {"drawn": float(torch.rand((), generator=random)), "first": float(fake.images[0, 0])}


def test_each_metric_draws_by_itself_and_alike_in_every_run():
    chosen = with_metric(plan(), Draws())
    chosen = replace(
        chosen,
        config=chosen.config.model_copy(update={"metrics": {"mode-coverage": {}, "other": {}}}),
        options={**chosen.options, "metrics.other": chosen.options["metrics.mode-coverage"]},
        entries={**chosen.entries, "metrics.other": chosen.entries["metrics.mode-coverage"]},
    )
    state = assemble(chosen).state
    reseeded = replace(chosen, config=chosen.config.model_copy(update={"seed": 5}))
    once, again, by_seed = (Measures(one, state)() for one in (chosen, chosen, reseeded))
    assert once == again
    drawn = [found[f"metric/{name}/drawn"] for found in (once, by_seed) for name in ("mode-coverage", "other")]
    assert drawn[:2] == drawn[2:]
    assert len(set(drawn)) == 2
    assert once["metric/other/first"] == once["metric/mode-coverage/first"] != by_seed["metric/other/first"]


class RanksNothing(Draws):
    """A metric whose first number is better neither high nor low, as that of ``ms-ssim``."""

    higher_is_better, better = False, {"drawn": None}


@pytest.mark.parametrize(("metric", "ranks"), [(Draws(), True), (RanksNothing(), False)])
def test_a_number_that_ranks_nothing_calls_no_checkpoint_the_best(caplog, metric, ranks):
    chosen = with_metric(plan(), metric)
    train = chosen.config.train.model_copy(update={"keep": "best"})
    chosen = replace(chosen, config=chosen.config.model_copy(update={"train": train}))
    measures = Measures(chosen, assemble(chosen).state)
    measures()
    measures()
    assert (measures.score is not None) == ranks
    said = [text for text in caplog.messages if "train.keep=best" in text]
    assert len(said) == (0 if ranks else 1), "once, not at every measurement"
    assert ranks or said[0].startswith("drawn of metric mode-coverage ranks nothing")


def test_a_metric_that_needs_labels_is_refused_where_there_are_none():
    with pytest.raises(ConfigError, match="needs labels of generated data, and generator mlp has none") as error:
        metrics_of(with_metric(plan(), Labels()))
    assert error.value.hint == "leave the metric out: --metric none", "no critic of points sees classes"


def test_vectors_are_drawn_over_time(run):
    frames = sorted(path.name for path in run.directory.samples.iterdir())
    assert frames == [f"step-{step:07d}.png" for step in (0, 3, 6, 7)]
    with Image.open(run.path / "samples.png") as sheet:
        assert sheet.width == 4 * (pictures.PANEL + pictures.GAP) + pictures.GAP


def test_samples_of_a_run_are_vectors(run):
    samples = run.sample(5)
    assert samples.shape == (5, 2)
    assert samples.dtype == torch.float32


def test_a_frame_runs_along_the_edge():
    points = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    picture = pictures.framed(pictures.scatter(points, points))
    last = pictures.CANVAS - 1
    assert {picture.getpixel(at) for at in ((0, 0), (last, last), (0, 99), (99, last))} == {pictures.REAL_COLOR}
    assert picture.getpixel((1, 1)) == (255, 255, 255)


def test_a_scatter_plot_puts_points_where_they_are():
    real = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    picture = pictures.scatter(torch.tensor([[1.0, -1.0]]), real)
    quarter = pictures.CANVAS * (1 - 1 / 1.3) / 2
    near, far = round(quarter), round(pictures.CANVAS - quarter)
    assert picture.getpixel((far, near)) == pytest.approx(pictures.REAL_COLOR, abs=4), "real, upper right"
    assert picture.getpixel((near, far)) == pytest.approx(pictures.REAL_COLOR, abs=4), "real, lower left"
    assert picture.getpixel((far, far)) == pytest.approx(pictures.FAKE_COLOR, abs=40), "generated, lower right"
    assert picture.getpixel((near, near)) == (255, 255, 255)
