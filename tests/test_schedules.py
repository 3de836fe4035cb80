"""Numbers that move while a run trains: their curves, what may be said of them, and that a run follows them."""

from __future__ import annotations

import math

import pytest
from comparing import assert_same_outcome
from rich.console import Console
from test_runs import stop_at, tiny

import ganzoo
from ganzoo.config.layers import ConfigLayer, flatten, merge, parse_assignments, validate
from ganzoo.errors import ConfigError, Interrupted
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.plan import make_plan
from ganzoo.plotting import runs as plotting
from ganzoo.registry import Registry
from ganzoo.runs import session
from ganzoo.runs.assembly import assemble
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.manifest import config_hash, written
from ganzoo.training.loop import train
from ganzoo.training.schedule_curve import ScheduleCurve

RATE = {"steps": [1, 3], "values": [1e-3, 5e-4]}
EVERYTHING = {
    "train.g_lr": {"images": [0, 16], "values": [1e-3, 1e-4], "shape": "cosine"},
    "train.d_lr": {"steps": [0, 4], "values": [1e-3, 1e-4], "shape": "linear"},
    "train.d_betas": {"steps": [0, 4], "values": [[0, 0.9], [0, 0.99]], "shape": "cosine"},
    "train.ema_half_life": {"images": [0, 16], "values": [0, 40], "shape": "cosine"},
    "regularizers.r1.weight": {"images": [4, 12], "values": [1, 0.1]},
    "augment.ada.fixed": {"steps": [0, 2, 3], "values": [0, 0.5, 0.9], "shape": "constant"},
}


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


def moving(schedules=EVERYTHING, **sections):
    settings = {"regularizers": ["r1"], "augment": ["ada"], "train": {"steps": 5}, "schedules": schedules}
    return tiny(**(settings | sections))


def plan_of(registry, config, *assignments):
    layers = [ConfigLayer("file", flatten(config))]
    return make_plan(choose(registry, [*layers, ConfigLayer("--set", parse_assignments(assignments))]))


class TestCurves:
    def test_r3gans_learning_rate_at_given_images(self):
        """Cosine from 2e-4 to 5e-5 over 20 million images: b + (a − b)·½(1 + cos πx/20M)."""
        curve = ScheduleCurve(at=(0.0, 2e7), values=(2e-4, 5e-5), shape="cosine")
        assert curve(0) == 2e-4
        assert curve(1e7) == pytest.approx(1.25e-4, rel=1e-12)
        assert curve(5e6) == pytest.approx(5e-5 + 1.5e-4 * (1 + math.sqrt(0.5)) / 2, rel=1e-12)
        assert curve(2e7) == curve(3e7) == 5e-5

    @pytest.mark.parametrize(
        ("shape", "between"), [("linear", [1.0, 1.5, 2.0, 0.0]), ("constant", [1.0, 1.0, 2.0, 2.0])]
    )
    def test_several_points(self, shape, between):
        curve = ScheduleCurve(at=(10.0, 20.0, 30.0), values=(1.0, 2.0, -2.0), shape=shape)
        assert [curve(0), curve(40)] == [1.0, -2.0]
        assert [curve(x) for x in (10, 15, 20, 25)] == between

    def test_numbers_that_move_together(self):
        curve = ScheduleCurve(at=(0.0, 2.0), values=((0.0, 0.9), (0.5, 1.0)))
        assert curve(1) == (0.25, pytest.approx(0.95))


class TestLayers:
    def test_a_number_that_stays_ends_the_schedule_of_the_layers_below(self):
        below = ConfigLayer("recipe", flatten({"schedules": {"train.g_lr": RATE}, "train": {"d_lr": 1e-3}}))
        merged = merge([below, ConfigLayer("--set", parse_assignments(["train.g_lr=3e-4"]))])
        assert merged.tree() == {"train": {"g_lr": 3e-4, "d_lr": 1e-3}}

    def test_a_schedule_replaces_the_number_of_the_layers_below_and_begins_in_its_place(self):
        below = ConfigLayer("recipe", {"train.g_lr": 0.1})
        merged = merge(
            [below, ConfigLayer("--set", parse_assignments(['schedules.train.g-lr={"steps":[0,2],"values":[1,2]}']))]
        )
        assert validate(merged).train.g_lr == 1
        assert merged.origins == {"schedules.train.g_lr": "--set"}

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("schedules.train.g_lr=null", {"regularizers.r1.weight"}),
            ("schedules=none", set()),
            ("regularizers=r2", {"train.g_lr"}),
            ("regularizers.r1.weight=2", {"train.g_lr"}),
        ],
    )
    def test_what_ends_schedules(self, said, kept):
        schedules = {"train.g_lr": RATE, "regularizers.r1.weight": RATE}
        below = ConfigLayer("recipe", flatten({"regularizers": ["r1"], "schedules": schedules}))
        merged = merge([below, ConfigLayer("--set", parse_assignments([said]))])
        assert merged.tree().get("schedules", {}).keys() == kept

    @pytest.mark.parametrize(
        ("said", "averages", "half_life"),
        [("train.ema=0.99", True, None), ("train.ema=null", False, None), ("train.ema_half_life=7", True, 7.0)],
    )
    def test_decay_and_half_life_replace_each_other(self, said, averages, half_life):
        schedule = {"images": [0, 8], "values": [1, 2]}
        below = ConfigLayer("recipe", flatten({"schedules": {"train.ema_half_life": schedule}}))
        found = validate(merge([below, ConfigLayer("--set", parse_assignments([said]))]))
        assert (found.train.averages, found.train.ema_half_life) == (averages, half_life)
        assert not found.schedules


@pytest.mark.parametrize(
    ("path", "schedule", "said"),
    [
        ("train.g_lr", 3e-4, "--set train.g_lr=3e-4"),
        ("train.g_lr", {"values": [1, 2]}, "points are needed, either images or steps"),
        ("train.g_lr", {**RATE, "images": [0, 1]}, "points are needed, either images or steps"),
        ("train.g_lr", {"steps": [0, 1, 2], "values": [1, 2]}, "there are 3 points and 2 values"),
        ("train.g_lr", {"steps": [5, 5], "values": [1, 2]}, "points must ascend, and they are 5, 5"),
        ("train.g_lr", {"steps": [0], "values": [1]}, "has too few items: at least 2"),
        ("train.g_lr", {"steps": [0, 5], "values": [1e-3, 0]}, "train.g_lr.values = 0.0 (from file): must be greater"),
        ("train.g_lr", {"steps": [0, 5], "values": [1e-3, math.inf]}, "must be a finite number"),
        ("train.g_lr", {**RATE, "shape": "cubic"}, "must be 'linear', 'cosine' or 'constant'"),
        ("train.g_lr", {**RATE, "shap": "cosine"}, "did you mean 'shape'?"),
        ("train.d_betas", RATE, "such as [0.5, 0.999]"),
        ("train.d_betas", {"steps": [0, 5], "values": [[0, 0.9], 1]}, "values must be alike"),
        ("train.lr", RATE, "did you mean 'train.g_lr'?"),
        ("train.steps", RATE, "train.steps is not a number that can follow a schedule"),
        ("optim.lr", RATE, "this run has no optim"),
        ("regularizers.r2.weight", RATE, "this run has no regularizers.r2"),
        ("regularizers.r1.every", {"steps": [0, 5], "values": [1, 2]}, "did you mean 'regularizers.r1.weight'?"),
        ("augment.ada.fixed", {"steps": [0, 1], "values": [0, 2]}, "must be less than or equal to 1"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_words(registry, path, schedule, said):
    with pytest.raises(ConfigError) as caught:
        plan_of(registry, moving({path: schedule}))
    assert said in str(caught.value) + str(caught.value.hint)


def test_a_weight_without_effect_follows_no_schedule(registry):
    schedules = {"regularizers.weight-clip.weight": {"steps": [0, 2], "values": [1, 2]}}
    with pytest.raises(ConfigError, match="is not a number that can follow a schedule"):
        plan_of(registry, moving(schedules, loss="wgan", regularizers=["weight-clip"], augment={}))


@pytest.mark.parametrize(
    ("train_section", "schedules", "said"),
    [
        ({"lr_schedule": "cosine"}, {"train.g_lr": RATE}, "both move the learning rate"),
        ({"optimizer": "rmsprop"}, {"train.g_betas": EVERYTHING["train.d_betas"]}, "has no effect: optimizer rmsprop"),
        ({"g_lr": 0.5}, {"train.g_lr": RATE}, "train.g_lr = 0.5, but its schedule"),
        ({"ema": 0.9, "ema_half_life": 3}, {}, "ema (0.9) and ema_half_life (3) are mutually exclusive"),
    ],
)
def test_what_does_not_go_together_is_refused(registry, train_section, schedules, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(").replace(")", r"\)")):
        plan_of(registry, moving(schedules, train={"steps": 5, **train_section}))


class TestRuns:
    def test_every_number_is_in_effect_in_the_step_it_is_written_for(self, registry):
        """Looked up where the step uses it: in optimizers, weights, probability, decay."""
        setup = assemble(plan_of(registry, moving()))
        state, game = setup.state, setup.game
        seen = []
        for _ in train(setup):
            (of_g,), (of_d,) = state.g_optimizer.param_groups, state.d_optimizer.param_groups
            weight, p = game.regularizers[0].weight, float(game.augment.observed()["augment/p"])
            seen.append((of_g["lr"], of_d["lr"], of_d["betas"], weight, p, state.decay))
        wave = [0.5 * (1 + math.cos(math.pi * step / 4)) for step in range(5)]
        half_lives = [40 * (1 - one) for one in wave]
        expected = [
            (
                1e-4 + 9e-4 * wave[step],
                1e-3 - 9e-4 * step / 4,
                (0.0, 0.99 - 0.09 * wave[step]),
                [1, 1, 0.55, 0.1, 0.1][step],
                [0, 0, 0.5, 0.9, 0.9][step],
                0.5 ** (4 / half_lives[step]) if step else 0.0,
            )
            for step in range(5)
        ]
        for row, wanted in zip(seen, expected, strict=True):
            assert row[2] == pytest.approx(wanted[2])
            assert row[:2] + row[3:] == pytest.approx(wanted[:2] + wanted[3:], rel=1e-6)

    @pytest.mark.parametrize(
        ("train_section", "schedules"),
        [({"ema_half_life": 16}, {}), ({}, {"train.ema_half_life": {"images": [0, 1], "values": [16, 16]}})],
        ids=["number", "schedule"],
    )
    def test_a_half_life_counts_the_images_that_the_discriminator_has_seen(self, registry, train_section, schedules):
        """With two updates of D for one of G these are twice a batch a step, as for the points of a schedule."""
        setup = assemble(plan_of(registry, moving(schedules, train={"steps": 5, "n_critic": 2, **train_section})))
        next(train(setup))
        assert setup.state.images == setup.schedule.images(1) == 8
        assert setup.state.decay ** (16 / 8) == pytest.approx(0.5)

    def test_rates_of_a_schedule_are_halved_for_each_time_that_training_went_back(self, registry):
        setup = assemble(plan_of(registry, moving({"train.g_lr": RATE})))
        setup.state.rollbacks = 2
        next(train(setup))
        for optimizer, rate in (
            (setup.state.g_optimizer, 1e-3),
            (setup.state.d_optimizer, setup.state.d_optimizer.param_groups[0]["initial_lr"]),
        ):
            assert optimizer.param_groups[0]["lr"] == pytest.approx(rate / 4)

    def test_a_run_that_is_cut_in_the_middle_of_schedules_resumes_bit_by_bit(self, registry, tmp_path, monkeypatch):
        whole = ganzoo.run(moving(), out=tmp_path / "whole", registry=registry)
        stop_at(monkeypatch, 3)
        with pytest.raises(Interrupted):
            ganzoo.run(moving(), out=tmp_path / "cut", registry=registry)
        monkeypatch.undo()
        (path,) = (tmp_path / "cut").glob("0001-*")
        session.resume(registry, RunDirectory(path), console=Console(quiet=True))
        assert_same_outcome(whole.path, path)
        columns = [name for name in whole.metrics()[0] if name.startswith("schedule/")]
        assert columns == [f"schedule/{path}{'.1' * path.endswith('betas')}" for path in EVERYTHING]
        assert [row["schedule/train.d_lr"] for row in whole.metrics()] == pytest.approx(
            [1e-3, 7.75e-4, 5.5e-4, 3.25e-4, 1e-4]
        )
        again = make_plan(choose(registry, [file_layer(str(whole.directory.config), registry)]))
        assert again.config == whole.config
        sheet = plotting.figure(whole.metrics())
        titles = {panel.get_title(loc="left") for panel in sheet.axes}
        assert {"train.g_lr", "d_betas.1", "r1.weight", "ada.fixed", "train.ema_half_life"} <= titles

    def test_a_run_in_which_nothing_moves_is_written_as_it_always_was(self, registry):
        plan = plan_of(registry, tiny())
        content = written(plan)
        assert "schedules" not in content
        assert "ema_half_life" not in content["train"]
        assert config_hash(content) == config_hash(flatten_again(content))
        assert assemble(plan).scheduled == ()

    def test_betas_that_stand_still_are_those_of_a_run_without_a_schedule(self, registry, tmp_path):
        still = {"train.d_lr": {"steps": [0, 9], "values": [1e-3, 1e-3]}}
        config = tiny(train={"d_lr": 1e-3})
        plain = ganzoo.run(config, out=tmp_path / "plain", registry=registry)
        moved = ganzoo.run(tiny(schedules=still), out=tmp_path / "moved", registry=registry)
        for one, other in zip(plain.metrics(), moved.metrics(), strict=True):
            assert {key: value for key, value in other.items() if key in one and "time/" not in key} == {
                key: value for key, value in one.items() if "time/" not in key
            }


def flatten_again(content):
    return {section: dict(keys) if isinstance(keys, dict) else keys for section, keys in content.items()}
