"""Faults that were seeded on purpose and that no test noticed: each has its own here."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from ganzoo_augmentations.ada import Ada
from ganzoo_generators.stylegan import Stylegan
from ganzoo_losses.relativistic import Relativistic
from ganzoo_losses.relativistic_average import RelativisticAverage
from ganzoo_regularizers.consistency import Consistency
from ganzoo_regularizers.dragan import Dragan
from ganzoo_regularizers.feature_matching import FeatureMatching
from ganzoo_regularizers.gradient_penalty import GradientPenalty
from ganzoo_regularizers.r1 import R1
from ganzoo_regularizers.r2 import R2
from PIL import Image
from pydantic import Field
from torch import nn
from toys import SIZE, SPEC, Constant, Hinge, ToyDiscriminator, ToyGenerator, make_game, make_inputs, make_setup

from ganzoo.component import Component, Options
from ganzoo.config.layers import ConfigLayer, canonical_path, flatten, parse_assignments
from ganzoo.data import Batches
from ganzoo.errors import ConfigError
from ganzoo.evaluation import pictures, sampling
from ganzoo.evaluation.measuring import Measures
from ganzoo.evaluation.sampling import BATCHES_FOR_A_LOOK
from ganzoo.planning.choice import choose
from ganzoo.planning.facts import Facts
from ganzoo.planning.plan import make_plan
from ganzoo.planning.rules import balance_without_classes, judge
from ganzoo.protocols import Augmentation, DataSpec, DiscriminatorOutput
from ganzoo.registry import Entry, Registry
from ganzoo.runs.assembly import assemble
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.grid_samples import POINTS
from ganzoo.runs.watch import SampleGrids
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train
from ganzoo.training.step import discriminator_terms, generator_terms
from ganzoo.training.unroll import Unroll, functional


class Tripled(Augmentation):
    """Three times the image, whatever is drawn."""

    def draw(self, n, *, random):
        return torch.rand(n, 1, generator=random)

    def __call__(self, images, draws):
        return 3 * images


class Linear(nn.Module):
    """A critic of slope 0.5 in every direction that counts: ∇D is the same everywhere."""

    def __init__(self):
        super().__init__()
        self.direction = nn.Parameter(torch.ones(SIZE * SIZE, dtype=torch.float64) * 0.5 / SIZE)

    def forward(self, images, labels=None):
        return DiscriminatorOutput(images.flatten(1) @ self.direction, features=(images,))


def weighted(regularizer, name="part"):
    return (WeightedRegularizer(name=name, regularizer=regularizer, weight=1.0),)


def double_game(regularizer, **changes):
    torch.manual_seed(0)
    return make_game(Linear(), ToyGenerator().double(), regularizers=weighted(regularizer), **changes)


class TestRegularizersInTheStep:
    @pytest.mark.parametrize("part", [GradientPenalty(), Dragan(), R1(), R2()], ids=lambda part: type(part).__name__)
    def test_penalties_look_through_the_augmentation_at_images_before_it(self, part):
        inputs = make_inputs(dtype=torch.float64)
        (name,) = discriminator_terms(double_game(part), inputs).scalars.keys() - {"adversarial"}
        slopes = {augment: 0.5 * (3 if augment else 1) for augment in (None, Tripled())}
        for augment, slope in slopes.items():
            term = discriminator_terms(double_game(part, augment=augment), inputs).scalars[name].item()
            expected = slope**2 / 2 if isinstance(part, R1 | R2) else (slope - 1) ** 2
            assert term == pytest.approx(expected, rel=1e-9)

    def test_consistency_is_judged_without_the_augmentation(self):
        inputs = make_inputs(dtype=torch.float64)
        part = Consistency(variant="icr")
        plain, augmented = (
            discriminator_terms(double_game(part, augment=augment), inputs).scalars for augment in (None, Tripled())
        )
        for name in ("consistency_real", "consistency_fake", "consistency_latent"):
            assert plain[name].item() > 0
            assert augmented[name].item() == pytest.approx(plain[name].item(), rel=1e-12)

    def test_the_plain_critic_is_the_critic_without_the_augmentation(self):
        seen = Constant()
        discriminator_terms(double_game(seen, augment=Tripled()), make_inputs(dtype=torch.float64))
        (view,) = seen.views
        images = view.real
        plain, through = (critic(images, None).logits for critic in (view.plain_critic, view.critic))
        torch.testing.assert_close(through, 3 * plain)

    def test_real_data_is_judged_in_the_generators_step_for_a_part_that_needs_it(self):
        inputs, part = make_inputs(dtype=torch.float64), FeatureMatching()
        game = double_game(part, needs_real_output=True)
        fake = game.generate(inputs.z, None).detach()
        expected = (inputs.real.mean(0) - fake.mean(0)).square().mean()
        torch.testing.assert_close(generator_terms(game, inputs).scalars["feature_matching"].detach(), expected)


class Everything(nn.Module):
    """A discriminator that shows all there is to show, under labels, sample by sample."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, images, labels=None):
        sums = self.weight * images.flatten(1).sum(1)
        return DiscriminatorOutput(
            sums + 10 * labels,
            class_logits=torch.stack([sums, 2 * sums, 3 * sums], dim=1),
            features=(4 * sums[:, None],),
            extra_logits=(5 * sums[:, None, None, None] + labels[:, None, None, None],),
        )


class TestTheStep:
    def test_of_one_pass_each_side_gets_its_own_part_of_everything(self):
        inputs = make_inputs(dtype=torch.float64, labels=True)
        assert not torch.equal(inputs.real_labels, inputs.fake_labels)
        shown = []
        for passes in ("one", "two"):
            torch.manual_seed(0)
            seen = Constant()
            game = make_game(Everything(), ToyGenerator().double(), passes=passes, regularizers=weighted(seen))
            terms = discriminator_terms(game, inputs)
            (view,) = seen.views
            shown.append((view.real_output, view.fake_output))
            for logits, output in zip(terms.logits, shown[-1], strict=True):
                assert torch.equal(logits, output.logits)
                assert not logits.requires_grad
        for one, two in zip(*shown, strict=True):
            torch.testing.assert_close(one.logits, two.logits)
            torch.testing.assert_close(one.class_logits, two.class_logits)
            torch.testing.assert_close(one.features, two.features)
            torch.testing.assert_close(one.extra_logits, two.extra_logits)

    @pytest.mark.parametrize("terms_of", [discriminator_terms, generator_terms])
    def test_generating_within_a_regularizer_leaves_no_trace(self, terms_of):
        class Generates(Constant):
            def _terms(self, view):
                before = [buffer.clone() for buffer in generator.buffers()]
                view.generate(view.z + 1, None)
                assert all(torch.equal(*pair) for pair in zip(before, generator.buffers(), strict=True))
                return super()._terms(view)

        generator, seen = ToyGenerator().double(), Generates()
        terms_of(make_game(Linear(), generator, regularizers=weighted(seen)), make_inputs(dtype=torch.float64))
        assert seen.views

    @pytest.mark.parametrize("terms_of", [discriminator_terms, generator_terms])
    def test_regularizers_see_fakes_as_they_were_made(self, terms_of):
        seen, inputs = Constant(), make_inputs(dtype=torch.float64)
        draws = torch.zeros(len(inputs.z), 1)
        game = double_game(seen, augment=Tripled(), needs_real_output=True)
        terms_of(game, replace(inputs, real_draws=draws, fake_draws=draws))
        (view,) = seen.views
        torch.testing.assert_close(view.fake, game.generator(inputs.z))
        torch.testing.assert_close(view.fake_output.logits, 3 * game.discriminator(view.fake).logits)
        assert view.real is inputs.real
        torch.testing.assert_close(view.real_output.logits, 3 * game.discriminator(view.real).logits)
        torch.testing.assert_close(view.augment(view.real), 3 * view.real)


class Sides(Hinge):
    """A loss with state: the mean logit of each side."""

    def __init__(self):
        self.seen = []

    def after_update(self, *, real, fake):
        self.seen.append((real.mean(), fake.mean()))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class Recorded(Augmentation):
    """Leaves images alone; keeps the numbers drawn and the logits shown."""

    def __init__(self):
        self.drawn, self.shown = [], []

    def draw(self, n, *, random):
        self.drawn.append(torch.rand(n, 1, generator=random))
        return self.drawn[-1]

    def __call__(self, images, draws):
        return images

    def after_update(self, *, real):
        self.shown.append(real.mean())


class TestWhatAdapts:
    @pytest.mark.parametrize("augmented", [False, True])
    def test_it_is_shown_the_logits_of_each_side_by_its_name(self, augmented):
        augment = Recorded() if augmented else None
        setup = make_setup(loss=Sides(), augment=augment, steps=3, accumulate=2)
        rows = [report.scalars for report in train(setup)]
        seen = setup.game.loss.seen
        assert len(seen) == 3
        for row, (real, fake) in zip(rows, seen, strict=True):
            torch.testing.assert_close(row["logits/real"], real)
            torch.testing.assert_close(row["logits/fake"], fake)
            assert real != fake
        if augmented:
            assert torch.equal(torch.stack(augment.shown), torch.stack([real for real, _ in seen]))

    def test_every_side_player_and_update_draws_numbers_of_its_own(self):
        augment = Recorded()
        list(train(make_setup(augment=augment, steps=3, n_critic=2)))
        drawn = torch.stack(augment.drawn).flatten(1)
        # Of two updates of D and one of G, real and fake each.
        assert len(drawn) == 3 * (2 + 1) * 2
        assert len(drawn.unique(dim=0)) == len(drawn)


class Spy(Options):
    """A metric that counts nothing and keeps what it was given."""

    samples: int = Field(default=70, description="…")
    needs: ClassVar = frozenset({"images"})
    higher_is_better: ClassVar = True

    def __call__(self, *, real, fake, random):
        GIVEN.append((real, fake))
        return {"n": len(fake.images)}


GIVEN: list = []


def measured(**sections):
    component = Component(kind="metric", name="spy", target=f"{__name__}:Spy", summary="…")
    entry = Entry(component=component, distribution="acme", version="1", entry_point="main")
    registry = Registry([*Registry.load(plugins=False).entries(), entry])
    config = {
        "loss": "bce",
        "data": {"name": "ring", "n": 100},
        "generator": {"width": 8, "latent": 3, "norm": "batch"},
        "discriminator": {"width": 8},
        "train": {"steps": 3, "batch_size": 8},
        "metrics": ["spy"],
        **sections,
    }
    plan = make_plan(choose(registry, [ConfigLayer("file", flatten(config))]))
    setup = assemble(plan)
    list(train(setup))
    GIVEN.clear()
    found = Measures(plan, setup.state)()
    (real, fake), *_ = GIVEN  # then come those of the floor
    return plan, setup.state, found, real, fake


class TestMeasuring:
    def test_a_metric_gets_samples_of_the_average_ready_to_be_looked_at(self):
        plan, state, found, real, fake = measured()
        assert found == {"metric/spy/n": 70, "floor/spy/n": 70}
        network = sampling.ready(state.ema, plan.spec, seed=plan.config.seed, batches=BATCHES_FOR_A_LOOK)
        expected = [part for part, _ in sampling.chunks(network, plan.spec, 70, labels=None, seed=plan.config.seed)]
        assert torch.equal(fake.images, torch.cat(expected))
        assert fake.labels is None
        points = {tuple(point) for point in plan.dataset.read(torch.arange(100)).tolist()}
        assert len(real.images) == 70
        assert {tuple(point) for point in real.images.tolist()} < points

    def test_every_metric_is_asked(self):
        _, _, found, _, _ = measured(metrics=["spy", "mode-coverage"])
        assert {name.split("/")[1] for name in found} == {"spy", "mode-coverage"}

    def test_labels_come_with_conditional_samples(self):
        discriminator = {"name": "acgan", "ndf": 2}
        images = {"name": "synthetic", "n": 80, "image_size": 8}
        generator = {"name": "dcgan", "ngf": 2, "latent": 3}
        plan, _, _, _, fake = measured(data=images, generator=generator, discriminator=discriminator)
        assert plan.spec.conditional
        assert fake.labels.shape == (70,)


SMALL = {
    "data": {"name": "synthetic", "n": 64, "image_size": 8},
    "generator": {"name": "dcgan", "ngf": 2, "latent": 3},
    "discriminator": {"name": "dcgan", "ndf": 2},
    "train": {"batch_size": 8},
}


def planned(**sections):
    return make_plan(choose(Registry.load(plugins=False), [ConfigLayer("file", flatten({**SMALL, **sections}))]))


def assembled(**sections):
    return assemble(planned(**sections))


class TestAssembly:
    def test_lazy_terms_slow_the_optimizer_of_their_player_by_the_most_frequent_of_them(self):
        train = {"d_lr": 0.1, "g_lr": 0.2, "d_betas": [0.5, 0.99], "g_betas": [0.3, 0.9], "batch_size": 8}
        lazy = {"r1": {"every": 16, "lazy_adam": True}, "r2": {"every": 4, "lazy_adam": True}}
        state = assembled(train=train, regularizers=lazy).state
        (of_d,), (of_g,) = state.d_optimizer.param_groups, state.g_optimizer.param_groups
        c = 4 / 5
        assert (of_d["lr"], of_d["initial_lr"]) == pytest.approx((0.1 * c, 0.1 * c))
        assert of_d["betas"] == pytest.approx((0.5**c, 0.99**c))
        assert (of_g["lr"], tuple(of_g["betas"])) == (0.2, (0.3, 0.9))
        (alone,) = assembled(train=train, regularizers={"r1": lazy["r1"]}).state.d_optimizer.param_groups
        assert alone["lr"] == pytest.approx(0.1 * 16 / 17)
        (plain,) = assembled(train=train, regularizers={"r1": {"every": 16}}).state.d_optimizer.param_groups
        assert plain["lr"] == 0.1

    def test_path_length_slows_the_generators_optimizer(self):
        generator = {"name": "stylegan", "ngf": 2, "latent": 3}
        state = assembled(generator=generator, train={"d_lr": 0.1, "g_lr": 0.2}, regularizers="path-length").state
        assert state.d_optimizer.param_groups[0]["lr"] == 0.1
        assert state.g_optimizer.param_groups[0]["lr"] == pytest.approx(0.2 * 4 / 5)

    @pytest.mark.parametrize("only", [False, True])
    def test_feature_matching_sees_real_data_and_may_replace_the_adversarial_term(self, only):
        setup = assembled(regularizers={"feature-matching": {"only": only}}, train={"steps": 1, "batch_size": 8})
        assert setup.game.needs_real_output
        assert setup.game.generator_adversarial is not only
        (report,) = train(setup)
        names = {name for name in report.scalars if name.startswith("g/")} - {"g/total"}
        assert names == {"g/feature_matching"} | (set() if only else {"g/adversarial"})
        assert assembled().game.generator_adversarial
        assert not assembled().game.needs_real_output

    def test_balanced_batches_are_made_where_they_are_asked_for(self):
        vectors = {"generator": "mlp", "discriminator": "mlp", "metrics": "none"}
        for sampling_, alike in (("balanced", True), ("shuffle", False)):
            data = {"name": "ring", "n": 80, "sampling": sampling_}
            batches = assembled(**vectors, data=data).batches
            found = [sorted(batches.batch(number).labels.tolist()) == list(range(8)) for number in range(5)]
            assert all(found) == alike

    def test_what_adapts_is_in_the_game_and_in_checkpoints(self):
        setup = assembled(loss="began", discriminator={"name": "autoencoder", "ndf": 2}, augment=["ada", "diffaugment"])
        assert setup.state.adaptive == {"loss": setup.game.loss, "augment": setup.game.augment}
        assert setup.game.augment is not None
        keys = setup.state.tensors()["adaptive"].keys()
        assert keys == {"loss/k", "augment/ada/p", "augment/ada/sum", "augment/ada/counts"}
        assert assembled().state.adaptive == {}
        assert assembled().game.augment is None

    def test_images_are_mirrored_where_that_is_asked_for(self):
        data = {"name": "synthetic", "n": 64, "image_size": 8}
        plain, mirrored = (assembled(data={**data, "hflip": flip}).batches.batch(0).data for flip in (False, True))
        alike = (plain == mirrored).flatten(1).all(1)
        assert 0 < alike.sum() < len(plain)
        assert torch.equal(mirrored[~alike], plain[~alike].flip(-1))

    def test_the_discriminator_ahead_is_judged_in_the_precision_of_penalties(self):
        train_ = {"unroll_steps": 1, "batch_size": 8}
        logits = []
        for precision in ("fp32", "bf16"):
            setup = assembled(train=train_, runtime={"penalty_precision": precision})
            network = setup.state.discriminator
            judge = setup.game.look_ahead.judge(network, dict(network.named_parameters()))
            logits.append(judge(setup.batches.batch(0).data, None).logits)
        assert logits[1].dtype == torch.float32
        assert not torch.equal(*logits)
        torch.testing.assert_close(*logits, rtol=0.1, atol=0.1)

    @pytest.mark.parametrize("objective", ["loss", "minimax"])
    def test_looking_ahead_is_with_the_discriminators_own_optimizer(self, objective):
        setup = assembled(train={"unroll_steps": 3, "unroll_objective": objective, "batch_size": 8})
        ahead = setup.game.look_ahead
        assert (ahead.steps, ahead.objective) == (3, objective)
        assert ahead.optimizer is setup.state.d_optimizer
        assert assembled().game.look_ahead is None


class TestPlanning:
    def test_the_saved_configuration_has_every_option_of_every_part(self):
        config = planned(augment={"ada": {"target": 0.5}}, regularizers={"r1": {"every": 16}}).config
        assert (config.augment["ada"]["target"], config.augment["ada"]["interval"]) == (0.5, 4)
        assert (config.regularizers["r1"]["every"], config.regularizers["r1"]["weight"]) == (16, 10)
        ring = make_plan(
            choose(Registry.load(plugins=False), [ConfigLayer("flag", {"data.name": "ring", "data.n": 100})])
        ).config
        assert ring.metrics["mode-coverage"]["samples"] == 2500

    def test_an_augmentation_of_images_is_refused_for_vectors(self):
        with pytest.raises(ConfigError, match="images are required by augmentation ada"):
            make_plan(
                choose(Registry.load(plugins=False), [ConfigLayer("file", {"data.name": "ring", "augment.ada": {}})])
            )

    def test_balanced_sampling_without_classes_is_refused_before_anything_is_built(self, tmp_path):
        for number in range(4):
            Image.new("L", (8, 8), 60 * number).save(tmp_path / f"{number}.png")
        data = {"name": "folder", "path": str(tmp_path), "image_size": 8, "sampling": "balanced"}
        with pytest.raises(ConfigError, match="balanced draws every class equally often, but data pictures has no"):
            planned(data=data)

    def test_unrolling_in_micro_batches_is_warned_of(self):
        whole, parts = (
            planned(train={"unroll_steps": 2, "accumulate": accumulate, "batch_size": 8}) for accumulate in (1, 2)
        )
        reasons = [
            "on that micro-batch alone" in " ".join(one.reason for one in plan.warnings) for plan in (whole, parts)
        ]
        assert reasons == [False, True]

    def test_one_class_cannot_be_balanced(self):
        names = dict.fromkeys(("loss", "discriminator", "generator", "data"), "x")
        known = Facts(names=names, tags={}, sampling="balanced", classes=1)
        assert balance_without_classes(known).status == "refused"

    def test_of_several_suggested_names_that_of_the_loss_wins(self):
        choice = choose(
            Registry.load(plugins=False), [ConfigLayer("flag", {"loss.name": "ebgan", "data.name": "ring"})]
        )
        assert choice.entries["discriminator"].name == "autoencoder"
        assert choice.entries["generator"].name == "mlp"

    def test_metrics_and_augmentations_suggest_as_others_do(self):
        suggests = {"train.n_critic": 7}
        component = Component(kind="metric", name="spy", target=f"{__name__}:Spy", summary="…", suggests=suggests)
        entry = Entry(component=component, distribution="acme", version="1", entry_point="main")
        registry = Registry([*Registry.load(plugins=False).entries(), entry])
        choice = choose(registry, [ConfigLayer("flag", {"metrics": True, "metrics.spy": {}})])
        assert choice.config.train.n_critic == 7
        assert choice.merged.origins["train.n_critic"] == "suggested by metric spy"

    @pytest.mark.parametrize("section", ["augment", "metrics", "regularizers"])
    def test_all_options_of_one_part_can_be_set_at_once(self, section):
        found = parse_assignments([f'{section}.my_part={{"some-key": 0.5}}'])
        assert found == {f"{section}.my-part": {}, f"{section}.my-part.some_key": 0.5}

    def test_energies_for_a_loss_of_energies_are_worth_no_word(self):
        names = dict.fromkeys(("loss", "discriminator", "generator", "data"), "x")
        tags = {name: frozenset() for name in names}
        tags |= {"loss": frozenset({"needs_energy"}), "discriminator": frozenset({"energy"})}
        assert judge(Facts(names=names, tags=tags)) == []

    @pytest.mark.parametrize("section", ["augment", "metrics", "regularizers"])
    def test_names_have_hyphens_and_keys_underscores_in_every_section_of_several(self, section):
        assert canonical_path(f"{section}.my_part.some-key") == f"{section}.my-part.some_key"


class TestBalancedLabels:
    def test_fakes_are_asked_for_as_often_as_balanced_classes_are_seen(self):
        layers = [
            ConfigLayer("file", {"data.name": "ring", "data.n": 100, "data.sampling": sampling})
            for sampling in ("shuffle", "balanced")
        ]
        as_it_is, balanced = (
            make_plan(choose(Registry.load(plugins=False), [layer])).spec.marginal for layer in layers
        )
        assert as_it_is == pytest.approx([0.13] * 4 + [0.12] * 4)
        assert balanced == pytest.approx([1 / 8] * 8)

    def test_a_class_that_does_not_occur_is_not_asked_for(self):
        from ganzoo.planning.plan import _marginal

        assert _marginal(replace(SPEC, marginal=(0.9, 0.0, 0.1)), "balanced") == (0.5, 0, 0.5)


class TestLookingAhead:
    """The verdict on real data, too, is that of the discriminator after its steps, and moves with the fakes."""

    @pytest.mark.parametrize("objective", ["loss", "minimax"])
    def test_the_gradient_of_a_loss_that_compares_with_real_data(self, objective):
        torch.manual_seed(0)
        critic, generator = ToyDiscriminator(spectral=False).double(), ToyGenerator(batch_norm=False).double()
        ahead = Unroll(
            steps=2,
            optimizer=torch.optim.SGD(critic.parameters(), lr=0.5),
            judge=functional,
            objective=objective,
        )
        game = make_game(
            critic, generator, loss=Relativistic(), generator_needs_real=True, look_ahead=ahead, passes="two"
        )
        inputs = make_inputs(dtype=torch.float64)
        weight = generator.body[0].weight
        (found,) = torch.autograd.grad(generator_terms(game, inputs).total(), weight)
        for row, column in ((0, 0), (20, 2), (63, 4)):
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    weight[row, column] += sign * 1e-5
                    # No graph is asked for here, but the steps of the discriminator need one.
                    with torch.enable_grad():
                        values.append(generator_terms(game, inputs).total().item())
                    weight[row, column] -= sign * 1e-5
            assert found[row, column].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-9)

    @staticmethod
    def gradient(critic, generator, optimizer, inputs, **changes):
        ahead = Unroll(steps=2, optimizer=optimizer, judge=functional)
        game = make_game(critic, generator, look_ahead=ahead, passes="two", **changes)
        return torch.autograd.grad(generator_terms(game, inputs).total(), generator.body[0].weight)[0]

    def test_the_steps_are_as_long_as_the_schedule_has_made_them(self):
        torch.manual_seed(0)
        critic, generator = ToyDiscriminator(spectral=False).double(), ToyGenerator().double()
        inputs = make_inputs(dtype=torch.float64)
        scheduled = torch.optim.Adam(critic.parameters(), lr=0.1)
        scheduled.param_groups[0]["lr"] = 0.02
        found, expected = (
            self.gradient(critic, generator, optimizer, inputs)
            for optimizer in (scheduled, torch.optim.Adam(critic.parameters(), lr=0.02))
        )
        assert torch.equal(found, expected)

    def test_the_steps_look_through_the_augmentation(self):
        class Triples(ToyDiscriminator):
            def forward(self, images, labels=None):
                return super().forward(3 * images, labels)

        gradients = []
        draws = torch.zeros(6, 1)
        inputs = replace(make_inputs(dtype=torch.float64), real_draws=draws, fake_draws=draws)
        for kind, augment in ((ToyDiscriminator, Tripled()), (Triples, None)):
            torch.manual_seed(0)
            critic, generator = kind(spectral=False).double(), ToyGenerator().double()
            optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
            gradients.append(self.gradient(critic, generator, optimizer, inputs, augment=augment))
        torch.testing.assert_close(*gradients)

    def test_labels_reach_the_discriminator_ahead(self):
        seen = []

        class Labelled(ToyDiscriminator):
            def forward(self, images, labels=None):
                seen.append(labels)
                return super().forward(images, labels)

        torch.manual_seed(0)
        critic, generator = Labelled(spectral=False).double(), ToyGenerator().double()
        inputs = make_inputs(dtype=torch.float64, labels=True)
        self.gradient(critic, generator, torch.optim.SGD(critic.parameters(), lr=0.1), inputs)
        assert len(seen) > 4
        assert all(labels is inputs.real_labels or labels is inputs.fake_labels for labels in seen)

    def test_real_data_is_shown_to_the_discriminator_that_has_moved(self):
        torch.manual_seed(0)
        critic, generator = ToyDiscriminator(spectral=False).double(), ToyGenerator().double()
        seen = Constant()
        ahead = Unroll(
            steps=1, optimizer=torch.optim.SGD(critic.parameters(), lr=0.5), judge=functional, objective="loss"
        )
        game = make_game(
            critic, generator, needs_real_output=True, look_ahead=ahead, passes="two", regularizers=weighted(seen)
        )
        inputs = make_inputs(dtype=torch.float64)
        generator_terms(game, inputs)
        shown = seen.views[0].real_output.logits
        assert not torch.allclose(shown, critic(inputs.real).logits)
        assert shown.requires_grad


class Items:
    """Items of a class each; reading an item gives its number."""

    groups = modes = None
    fingerprint = "items"

    def __init__(self, labels):
        self.labels = labels
        self.spec = replace(SPEC, shape=(1,))

    def __len__(self):
        return len(self.labels)

    def read(self, index):
        return index[:, None].float()


def test_balanced_orders_of_classes_go_on_differing_beyond_a_thousand_items():
    batches = Batches(Items(torch.arange(30) % 3), batch_size=1023, seed=0, sampling="balanced")
    one, two = batches.batch(0).labels, batches.batch(1).labels
    assert not torch.equal(one, two)
    assert torch.equal(batches.batch(1).labels, two)


@pytest.mark.parametrize("shrink", [1, 3, 5])
def test_textures_of_two_splits_share_no_pixel(shrink):
    """A mean over a block of pixels must not straddle the border of the splits."""
    pytest.importorskip("skimage")
    from ganzoo_datasets import textures

    size, borders = 20, {}
    for part in ("train", "test"):
        corners = textures._corners(5000, 0, part, size=size, shrink=shrink)
        first, last = int(corners[:, 1].min()), int(corners[:, 1].max()) + size
        borders[part] = (first * shrink, last * shrink)
    assert borders["train"][1] <= 320 <= borders["test"][0]
    assert borders["train"][0] == 0
    assert borders["test"][1] <= 512


@pytest.mark.parametrize("base", ["bce", "hinge", "lsgan"])
def test_relativistic_means_are_over_patches_too(base):
    loss = RelativisticAverage(base=base)
    real, fake = torch.randn(2, 4, 1, 3, 3, dtype=torch.float64)
    for objective in (loss.discriminator_loss, loss.generator_loss):
        torch.testing.assert_close(objective(real=real, fake=fake), objective(real=real.flatten(), fake=fake.flatten()))


def consistency_view(*, images, seed=0):
    """Real and fake are the same images; the critic's logit of an image is its sum weighted by place."""
    weight = torch.linspace(-1, 1, images[0].numel(), dtype=torch.float64)

    def judge(images, labels):
        shown.append(images)
        return DiscriminatorOutput(images.flatten(1) @ weight)

    class View:
        real = fake = images
        real_labels = fake_labels = None
        z = torch.zeros(len(images), 3)
        random = torch.Generator().manual_seed(seed)
        critic = plain_critic = staticmethod(judge)

    shown = []
    return View, shown


def test_real_and_fake_images_are_transformed_by_draws_of_their_own():
    view, shown = consistency_view(images=torch.rand(64, 1, 16, 16, dtype=torch.float64))
    Consistency(variant="bcr").discriminator_terms(view)
    moved = [images for images in shown if not torch.equal(images, view.real)]
    of_real, of_fake = moved
    alike = (of_real == of_fake).flatten(1).all(1).double().mean()
    assert alike < 0.2


def test_each_side_of_bcr_has_its_own_weight():
    values = {}
    for weights in ((1.0, 0.0), (0.0, 1.0), (2.0, 3.0)):
        view, _ = consistency_view(images=torch.rand(4, 1, 16, 16, dtype=torch.float64, generator=torch.Generator()))
        values[weights] = Consistency(real_weight=weights[0], fake_weight=weights[1]).discriminator_terms(view)
    assert values[1.0, 0.0]["consistency_fake"] == values[0.0, 1.0]["consistency_real"] == 0
    for name, alone, weight in (("consistency_real", (1.0, 0.0), 2), ("consistency_fake", (0.0, 1.0), 3)):
        torch.testing.assert_close(values[2.0, 3.0][name], weight * values[alone][name])


def test_noise_of_evaluation_comes_with_the_checkpoint_and_not_from_the_seed():
    spec = DataSpec(shape=(1, 8, 8))
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = Stylegan(ngf=2, latent=3).build(spec).eval()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith("strength"):
                    parameter.fill_(1.0)
        networks.append(network)
    one, other = networks
    z = torch.randn(2, 3)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(z), other(z))


IMAGES = DataSpec(shape=(3, 8, 8))


def test_the_step_of_p_counts_images_not_patches():
    augmentation = Ada(interval=1, speed=1.0).build(IMAGES)
    augmentation.after_update(real=torch.ones(5, 1, 7, 7))
    assert augmentation.observed()["augment/p"].item() == pytest.approx(5 / 1000)


def test_a_probability_fixed_at_zero_does_not_move_either():
    augmentation = Ada(fixed=0.0, interval=1).build(IMAGES)
    augmentation.after_update(real=torch.ones(64))
    assert augmentation.observed()["augment/p"].item() == 0
    assert augmentation.state_dict() == {}


def test_what_was_counted_before_a_checkpoint_counts_after_it():
    """The mean sign over four updates is ⅞, above 0.6; that of the last update alone ½, below."""
    signs = ([1.0] * 4, [1.0] * 4, [1.0] * 4, [-1.0, 1.0, 1.0, 1.0])
    whole, before, after = (Ada(interval=4, speed=0.1).build(IMAGES) for _ in range(3))
    for values in signs:
        whole.after_update(real=torch.tensor(values))
    for values in signs[:3]:
        before.after_update(real=torch.tensor(values))
    after.load_state_dict(before.state_dict())
    after.after_update(real=torch.tensor(signs[3]))
    assert whole.observed()["augment/p"].item() == pytest.approx(16 / 100)
    assert torch.equal(after.observed()["augment/p"], whole.observed()["augment/p"])


def test_a_scatter_plot_shows_all_its_points_made_by_the_average(monkeypatch, tmp_path):
    plan, state, *_ = measured()
    drawn = []

    def scatter(points, real):
        drawn.append((points, real))
        return Image.new("RGB", (4, 4))

    monkeypatch.setattr(pictures, "scatter", scatter)
    real = plan.dataset.read(torch.arange(5))
    run = SimpleNamespace(samples=tmp_path, thin_grids=lambda most: None)
    SampleGrids(run, state, plan.spec, every=1, seed=0, real=real).write(3)
    network = sampling.ready(state.ema, plan.spec, seed=0, batches=BATCHES_FOR_A_LOOK)
    expected = torch.cat([made for made, _ in sampling.chunks(network, plan.spec, POINTS, labels=None, seed=0)])
    ((points, shown),) = drawn
    assert torch.equal(points, expected)
    assert shown is real


def test_the_gif_is_in_the_order_of_the_steps(monkeypatch, tmp_path):
    steps = [7, 3, 12_345_678, 0, 500, 41, 2_000_000, 6]
    for step in steps:
        (tmp_path / "samples").mkdir(exist_ok=True)
        (tmp_path / "samples" / f"step-{step:07d}.png").touch()
    shown = []
    monkeypatch.setattr(pictures, "save_gif", lambda frames, path: shown.extend(frames))
    run = RunDirectory(tmp_path)
    SampleGrids(run, None, SPEC, every=1, seed=0).close()
    assert [int(frame.stem.removeprefix("step-")) for frame in shown] == sorted(steps)


class TestPictures:
    def test_generated_points_lie_over_real_ones(self):
        real = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]])
        middle = pictures.CANVAS // 2
        assert pictures.scatter(real[2:], real).getpixel((middle, middle)) == pytest.approx(pictures.FAKE_COLOR, abs=40)

    def test_the_frame_is_about_the_middle_of_the_real_points(self):
        real = torch.tensor([[9.0, 4.0], [11.0, 6.0]])
        picture = pictures.scatter(torch.tensor([[10.0, 5.0]]), real)
        middle = pictures.CANVAS // 2
        assert picture.getpixel((middle, middle)) == pytest.approx(pictures.FAKE_COLOR, abs=40)

    def test_a_contact_sheet_goes_from_the_first_frame_to_the_last(self, tmp_path):
        frames = []
        for number in range(24):
            frames.append(tmp_path / f"step-{number:07d}.png")
            Image.new("RGB", (8, 8), (10 * number,) * 3).save(frames[-1])
        pictures.contact_sheet(frames, tmp_path / "sheet.png")
        width, top = pictures.PANEL + pictures.GAP, pictures.CAPTION + pictures.PANEL // 2
        with Image.open(tmp_path / "sheet.png") as sheet:
            count = sheet.width // width
            shown = [sheet.getpixel((number * width + width // 2, top))[0] // 10 for number in range(count)]
        assert count == pictures.MOST_ON_SHEET
        assert (shown[0], shown[-1]) == (0, 23)
        gaps = {after - before for before, after in pairwise(shown)}
        assert gaps <= {3, 4}
