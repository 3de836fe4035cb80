"""The loop: counters, schedules, draws."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from toys import SPEC, Constant, Hinge, ToyGenerator, make_setup

from ganzoo.errors import DivergedError
from ganzoo.protocols import Augmentation
from ganzoo.training import draws, loop
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train
from ganzoo.training.setup import ENDLESS, Schedule


def finish(setup):
    return list(train(setup))


def weights(setup):
    return {**setup.state.generator.state_dict(), **setup.state.discriminator.state_dict()}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_counters(accumulate):
    reports = finish(make_setup(steps=3, n_critic=2, accumulate=accumulate))
    assert [(report.step, report.d_step, report.images) for report in reports] == [(1, 2, 12), (2, 4, 24), (3, 6, 36)]


def test_only_logged_steps_carry_numbers_and_the_last_always_does():
    reports = finish(make_setup(steps=5, log_every=2))
    assert [bool(report.scalars) for report in reports] == [False, True, False, True, True]


def test_logged_terms_sum_to_the_logged_total():
    parts = (WeightedRegularizer(name="c", regularizer=Constant(), weight=0.5),)
    for report in finish(make_setup(regularizers=parts)):
        for letter in "dg":
            total = report.scalars[f"{letter}/adversarial"] + report.scalars[f"{letter}/constant"]
            assert report.scalars[f"{letter}/total"].item() == pytest.approx(total.item())
        assert {"grad_norm/d", "grad_norm/g", "logits/real", "accuracy/fake"} <= set(report.scalars)


def test_projections_follow_each_optimizer_step():
    seen = Constant()
    finish(make_setup(steps=2, n_critic=2, regularizers=(WeightedRegularizer(name="c", regularizer=seen, weight=1.0),)))
    assert seen.projected == ["discriminator", "discriminator", "generator"] * 2


def test_each_player_is_projected_itself_after_it_has_moved():
    class Projects(Constant):
        def after_step(self, player, network):
            assert network is getattr(setup.state, player)
            first = next(network.parameters())
            assert not torch.equal(first, before[player]), "nothing has moved yet"
            with torch.no_grad():
                first.zero_()

    setup = make_setup(steps=1, regularizers=(WeightedRegularizer(name="c", regularizer=Projects(), weight=1.0),))
    before = {player: first_parameter(setup, player).clone() for player in ("generator", "discriminator")}
    finish(setup)
    assert not first_parameter(setup, "generator").any()
    assert not first_parameter(setup, "discriminator").any()


def first_parameter(setup, player):
    return next(getattr(setup.state, player).parameters()).detach()


def test_networks_train_in_training_mode_whatever_they_were_in_before():
    setup, expected = (
        make_setup(steps=2, batch_norm=True, dropout=0.5),
        make_setup(steps=2, batch_norm=True, dropout=0.5),
    )
    setup.state.generator.eval()
    setup.state.discriminator.eval()
    for one in (setup, expected):
        finish(one)
    assert all(torch.equal(value, weights(setup)[name]) for name, value in weights(expected).items())


def test_the_gradient_of_either_player_is_limited():
    """Steps of plain descent at rate 1 are as long as the gradient, which is reported as it was."""
    setup = make_setup(steps=1, spectral=False, clip_grad_norm=1e-3)
    before = {}
    for player in ("generator", "discriminator"):
        network = getattr(setup.state, player)
        before[player] = torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone()
        optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
        optimizer.param_groups[0]["initial_lr"] = 1.0
        setattr(setup.state, f"{player[0]}_optimizer", optimizer)
    (report,) = finish(setup)
    for player, start in before.items():
        moved = torch.nn.utils.parameters_to_vector(getattr(setup.state, player).parameters()).detach() - start
        assert report.scalars[f"grad_norm/{player[0]}"] > 1e-2
        assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_stopping_early_is_a_break():
    setup = make_setup(steps=100)
    for report in train(setup):
        if report.step == 2:
            break
    assert setup.state.step == 2


def test_a_run_cut_in_two_equals_a_whole_one():
    whole, parts = make_setup(steps=6), make_setup(steps=6)
    finish(whole)
    for report in train(parts):
        if report.step == 3:
            break
    finish(parts)
    assert all(torch.equal(value, weights(parts)[name]) for name, value in weights(whole).items())


def test_the_seed_decides_everything_and_the_callers_generator_is_not_touched():
    torch.manual_seed(5)
    expected = torch.rand(3)
    runs = []
    for seed in (0, 0, 1):
        setup = make_setup(seed=seed, dropout=0.5)
        torch.manual_seed(5)
        finish(setup)
        assert torch.equal(torch.rand(3), expected), "training moved the caller's random numbers"
        runs.append(weights(setup))
    assert all(torch.equal(value, runs[1][name]) for name, value in runs[0].items())
    assert not all(torch.equal(value, runs[2][name]) for name, value in runs[0].items())


def test_looking_does_not_change_what_is_trained():
    quiet, watched = make_setup(steps=4, log_every=4), make_setup(steps=4, log_every=1)
    finish(quiet)
    for report in train(watched):
        [value.item() for value in report.scalars.values()]
        copy.deepcopy(watched.state.ema)
        torch.rand(7)
    assert all(torch.equal(value, weights(watched)[name]) for name, value in weights(quiet).items())


@pytest.mark.parametrize("accumulate", [2, 3, 4])
def test_micro_batches_equal_one_batch(accumulate):
    """Six images do not divide by four: the parts then differ in size, and their shares must say so."""
    options = {"dtype": torch.float64, "g_batch_norm": False, "steps": 3}
    whole, parts = make_setup(**options), make_setup(accumulate=accumulate, **options)
    reports = [finish(whole), finish(parts)]
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, rtol=1e-9, atol=1e-12)
    for name, value in reports[0][-1].scalars.items():
        torch.testing.assert_close(reports[1][-1].scalars[name], value, rtol=1e-9, atol=1e-12)


class Draws(Constant):
    def _terms(self, view):
        self.views.append(torch.rand(len(view.fake), generator=view.random))
        return {"constant": 0 * next(view.network.parameters()).sum()}


def test_draws_of_a_regularizer_are_those_of_the_whole_batch():
    drawn = []
    for accumulate in (1, 3):
        seen = Draws()
        part = WeightedRegularizer(name="c", regularizer=seen, weight=1.0)
        finish(make_setup(accumulate=accumulate, steps=1, regularizers=(part,)))
        drawn.append(torch.cat(seen.views))
    assert torch.equal(*drawn)


def conditional(*, marginal=SPEC.marginal, **changes):
    return make_setup(spec=replace(SPEC, conditional=True, marginal=marginal), classes=3, **changes)


class Labels(Constant):
    def _terms(self, view):
        self.views.append((view.real_labels, view.fake_labels))
        return {"constant": 0 * next(view.network.parameters()).sum()}


def drawn_labels(**changes):
    seen = Labels()
    part = WeightedRegularizer(name="c", regularizer=seen, weight=1.0)
    finish(conditional(regularizers=(part,), **changes))
    return seen.views


def test_fake_labels_follow_the_data_or_are_uniform():
    for draw, expected in (("marginal", SPEC.marginal), ("uniform", (1 / 3, 1 / 3, 1 / 3))):
        fake = torch.cat([fake for _, fake in drawn_labels(label_draw=draw, batch_size=300, steps=5)])
        share = torch.bincount(fake, minlength=3) / len(fake)
        torch.testing.assert_close(share, torch.tensor(expected), atol=0.04, rtol=0)


@pytest.mark.parametrize(("draw", "expected"), [("marginal", (0.8, 0.0, 0.2)), ("uniform", (0.5, 0.0, 0.5))])
def test_no_fake_is_asked_to_be_of_a_class_that_does_not_occur(draw, expected):
    views = drawn_labels(label_draw=draw, batch_size=300, steps=5, marginal=(0.8, 0.0, 0.2))
    share = torch.bincount(torch.cat([fake for _, fake in views]), minlength=3) / (300 * len(views))
    assert share[1] == 0
    torch.testing.assert_close(share, torch.tensor(expected), atol=0.04, rtol=0)


class Paired(Hinge):
    """Compares fakes with real data in the generator's step, too."""

    def generator_loss(self, *, real, fake):
        return (real - fake).mean()


PAIRED = {"loss": Paired(), "generator_needs_real": True}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_generators_step_sees_the_real_batch_that_the_discriminator_saw_last(accumulate):
    """Images and labels of one batch, whose number is counted in updates of the discriminator."""
    seen = Constant()
    part = WeightedRegularizer(name="c", regularizer=seen, weight=1.0)
    setup = conditional(regularizers=(part,), steps=3, n_critic=2, accumulate=accumulate, **PAIRED)
    finish(setup)
    updates = [seen.views[start : start + accumulate] for start in range(0, len(seen.views), accumulate)]
    for views, number in zip(updates, (0, 1, 1, 2, 3, 3, 4, 5, 5), strict=True):
        batch = setup.batches.batch(number)
        assert torch.equal(torch.cat([view.real for view in views]), batch.data)
        assert torch.equal(torch.cat([view.real_labels for view in views]), batch.labels)


def test_a_relativistic_conditional_loss_pairs_labels():
    for real, fake in drawn_labels(**PAIRED):
        assert torch.equal(real, fake)
    assert any(not torch.equal(real, fake) for real, fake in drawn_labels())


def test_micro_batches_share_out_the_labels_of_the_batch():
    """Parts of an update one after the other: D and G, three each."""
    whole, parts = (drawn_labels(steps=1, batch_size=9, accumulate=accumulate) for accumulate in (1, 3))
    for player in (0, 1):
        for side in (0, 1):
            shared_out = torch.cat([labels[side] for labels in parts[3 * player : 3 * player + 3]])
            assert torch.equal(shared_out, whole[player][side])


class Everything(Constant):
    """Writes down all that is drawn for an update; torch's own generator is what dropout draws from."""

    def _terms(self, view):
        own, forward = torch.rand(3, generator=view.random), torch.rand(3)
        self.views.append({"z": view.z, "labels": view.fake_labels, "own": own, "forward": forward})
        return {f"constant_{id(self)}": 0 * next(view.network.parameters()).sum()}


class Unchanged(Augmentation):
    """Leaves images alone; keeps the numbers drawn."""

    def __init__(self):
        self.drawn = []

    def draw(self, n, *, random):
        self.drawn.append(torch.rand(n, 1, generator=random))
        return self.drawn[-1]

    def __call__(self, images, draws):
        return images


def test_every_update_of_every_player_under_every_seed_draws_numbers_of_its_own():
    rows = {"z": [], "labels": [], "own": [], "forward": [], "augment": []}
    for seed in (0, 1):
        one, other, augment = Everything(), Everything(), Unchanged()
        parts = tuple(
            WeightedRegularizer(name=name, regularizer=part, weight=1.0)
            for name, part in (("one", one), ("other", other))
        )
        finish(conditional(seed=seed, steps=2, n_critic=2, batch_size=40, regularizers=parts, augment=augment))
        for kind in ("z", "labels", "own", "forward"):
            rows[kind] += [view[kind] for view in one.views]
        rows["own"] += [view["own"] for view in other.views]
        rows["augment"] += augment.drawn
    updates = 2 * 2 * (2 + 1)
    for kind, count in {"z": 1, "labels": 1, "own": 2, "forward": 1, "augment": 2}.items():
        drawn = torch.stack([row.flatten().double() for row in rows[kind]])
        assert len(drawn) == updates * count
        assert len(drawn.unique(dim=0)) == len(drawn), f"{kind} was drawn twice"


class Shades(ToyGenerator):
    """Latents are uniform numbers of as many random bits as those that classes are drawn by."""

    def latent(self, n, *, generator):
        return torch.rand(n, 1, generator=generator, dtype=torch.float64)


def test_latents_of_a_step_do_not_say_which_class_is_asked_for():
    setup = conditional(batch_size=6400, marginal=(0.5, 0.0, 0.5))
    setup = replace(setup, sampler=replace(setup.sampler, generator=Shades()))
    of_d = draws.for_discriminator(setup)
    for inputs in (of_d, draws.for_generator(setup, of_d)):
        assert torch.corrcoef(torch.stack([inputs.z[:, 0], inputs.fake_labels.float()]))[0, 1].abs() < 0.05


def test_unconditional_networks_get_no_labels():
    seen = Labels()
    finish(make_setup(regularizers=(WeightedRegularizer(name="c", regularizer=seen, weight=1.0),)))
    assert seen.views
    assert all(pair == (None, None) for pair in seen.views)


def test_learning_rate_schedules_are_functions_of_the_step():
    linear = Schedule(steps=100, batch_size=1, lr_schedule="linear")
    assert [linear.learning_rate_factor(step) for step in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    cosine = Schedule(steps=100, batch_size=1, lr_schedule="cosine")
    assert [round(cosine.learning_rate_factor(step), 6) for step in (0, 50, 100)] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_both_players_learn_at_the_rate_of_the_step(shape):
    """All updates of step s + 1 are made at the factor of s, of the rates that the optimizers began with."""
    setup = make_setup(steps=6, lr=0.01, lr_schedule=shape, n_critic=2)
    (of_d,) = setup.state.d_optimizer.param_groups
    (of_g,) = setup.state.g_optimizer.param_groups
    of_d["lr"] = of_d["initial_lr"] = 0.03
    expected = [setup.schedule.learning_rate_factor(step) for step in range(6)]
    rates = [(of_d["lr"], of_g["lr"]) for _ in train(setup)]
    assert rates == [(pytest.approx(0.03 * factor), pytest.approx(0.01 * factor)) for factor in expected]
    assert expected[-1] < 0.5


def test_ema_is_the_recursive_average_of_parameters_with_copied_buffers():
    setup = make_setup(steps=120)
    expected = None
    for report in train(setup):
        current = {name: value.clone() for name, value in setup.state.generator.named_parameters()}
        decay = min(0.9, report.step / (9 + report.step))
        expected = (
            current
            if expected is None
            else {name: decay * expected[name] + (1 - decay) * value for name, value in current.items()}
        )
    for name, value in setup.state.ema.named_parameters():
        torch.testing.assert_close(value, expected[name])
    for name, value in setup.state.ema.named_buffers():
        assert torch.equal(value, dict(setup.state.generator.named_buffers())[name])


def test_divergence_names_the_term_and_leaves_the_weights():
    class Bad(Hinge):
        def generator_loss(self, *, fake):
            return fake.mean() * float("nan")

    setup = make_setup(loss=Bad())
    before = {name: value.clone() for name, value in setup.state.generator.named_parameters()}
    with pytest.raises(DivergedError, match="adversarial of the generator is not finite at step 1"):
        finish(setup)
    assert all(torch.equal(value, before[name]) for name, value in setup.state.generator.named_parameters())
    assert setup.state.step == 0


class TestTime:
    """Where time ends a run. A step takes a second here."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        ticks = itertools.count()
        monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))

    def test_the_step_for_which_no_more_is_left_than_the_one_before_took_is_the_last(self):
        setup = make_setup(steps=ENDLESS, minutes=5 / 60, log_every=100)
        reports = finish(setup)
        assert [report.last for report in reports] == [False] * 4 + [True]
        assert [bool(report.scalars) for report in reports] == [False] * 4 + [True]
        assert setup.schedule.over(setup.state)
        assert finish(setup) == []

    def test_what_is_left_over_counts_as_used(self, monkeypatch):
        times = iter([0, 2, 2, 4, 4, 4.5])  # the last step is faster than the one before it
        monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(times)))
        setup = make_setup(steps=ENDLESS, minutes=5 / 60)
        assert len(finish(setup)) == 3
        assert setup.state.seconds == 5

    def test_a_step_that_takes_all_there_is_is_followed_by_the_last(self):
        assert [report.last for report in finish(make_setup(steps=ENDLESS, minutes=0.5 / 60))] == [False, True]

    def test_steps_may_come_first(self):
        setup = make_setup(steps=3, minutes=1)
        assert [report.last for report in finish(setup)] == [False, False, True]
        assert setup.state.seconds == 3

    def test_a_run_that_goes_on_has_what_is_left(self):
        first = make_setup(steps=3, minutes=5 / 60)
        finish(first)
        second = make_setup(steps=ENDLESS, minutes=5 / 60)
        second.state.restore(first.state.tensors(), first.state.numbers())
        assert [report.step for report in finish(second)] == [4, 5]

    def test_what_happens_between_the_steps_does_not_count(self):
        setup = make_setup(steps=ENDLESS, minutes=3 / 60)
        for _ in train(setup):
            loop.time.perf_counter()
        assert setup.state.step == 3
