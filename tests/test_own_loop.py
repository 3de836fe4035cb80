"""What a loop of one's own may ask of the step: parts of a batch, its state, Adam's correction, and plain mistakes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from test_adversarial_step import IMAGES, Critic, batch
from torch import nn
from toys import SPEC, Hinge, ToyGenerator

import ganzoo
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.planning.chosen import EXAMPLES
from ganzoo.protocols import DataSpec


@pytest.fixture
def critic():
    torch.manual_seed(0)
    return Critic(classes=3)


class PerSample(nn.Module):
    """A critic without anything that couples samples, in double precision."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 1)).double()

    def forward(self, images):
        return self.layers(images)


def sides(n=6):
    return batch(n, dtype=torch.float64), batch(n, seed=1, dtype=torch.float64)


class TestMicroBatches:
    def step(self, **changes):
        chosen = {"regularizers": {"gradient-penalty": {}, "consistency": {}}, "augment": "diffaugment", **changes}
        return ganzoo.adversarial_step("hinge", PerSample(), spec=IMAGES, **chosen)

    @pytest.mark.parametrize("player", ["discriminator", "generator"])
    @pytest.mark.parametrize("sizes", [(3, 3), (4, 2), (1, 2, 3)])
    def test_parts_draw_what_the_whole_batch_draws(self, player, sizes):
        real, fake = sides()

        def terms(step, rows, **part):
            terms_of = step.discriminator_terms if player == "discriminator" else step.generator_terms
            return terms_of(real=real[rows], fake=fake[rows], update=3, **part).scalars

        whole = terms(self.step(), slice(None))
        step, begin, total = self.step(), 0, dict.fromkeys(whole, 0.0)
        for number, size in enumerate(sizes):
            found = terms(step, slice(begin, begin + size), part=(number, len(sizes)))
            total = {name: total[name] + found[name].item() * size / 6 for name in total}
            begin += size
        assert total == pytest.approx({name: value.item() for name, value in whole.items()}, rel=1e-12)

    def test_the_first_part_begins_anew_so_a_step_can_be_done_again(self):
        real, fake = sides()
        step = self.step()
        totals = [
            step.discriminator_terms(real=real, fake=fake, update=0, part=(number, 2)).total().item()
            for number in (0, 1, 0, 1)
        ]
        assert totals[0] == totals[2] != totals[1] == totals[3]

    def test_the_players_do_not_disturb_each_other(self):
        real, fake = sides()
        step = self.step()

        def total(player, number):
            terms_of = step.discriminator_terms if player == "d" else step.generator_terms
            return terms_of(real=real, fake=fake, update=0, part=(number, 2)).total().item()

        in_turn = [total(*one) for one in (("d", 0), ("g", 0), ("d", 1), ("g", 1))]
        one_by_one = [total(*one) for one in (("d", 0), ("d", 1), ("g", 0), ("g", 1))]
        assert sorted(in_turn) == sorted(one_by_one)

    @pytest.mark.parametrize(
        ("before", "now", "update"),
        [
            ([], (1, 2), 0),
            ([(0, 3)], (2, 3), 0),
            ([(0, 3)], (1, 2), 0),
            ([(0, 2)], (1, 2), 1),
            ([(0, 2), (1, 2)], (1, 2), 0),
        ],
    )
    def test_a_part_that_does_not_follow_the_one_before_is_refused(self, before, now, update):
        real, fake = sides()
        step = self.step()
        for part in before:
            step.discriminator_terms(real=real, fake=fake, update=0, part=part)
        with pytest.raises(ConfigError, match="does not follow") as caught:
            step.discriminator_terms(real=real, fake=fake, update=update, part=now)
        assert f"{now[0]}, {now[1]}" in str(caught.value)

    @pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0), 1, (0, 1, 2), ("a", 2)])
    def test_what_is_no_part_is_refused(self, part):
        real, fake = sides()
        with pytest.raises(ConfigError, match="part is not"):
            self.step().discriminator_terms(real=real, fake=fake, update=0, part=part)

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
    def test_a_copy_goes_on_between_two_parts(self, copied):
        real, fake = sides()
        step = self.step()
        step.discriminator_terms(real=real, fake=fake, update=0, part=(0, 2))
        other = copied(step)
        mine, its = (
            one.discriminator_terms(real=real, fake=fake, update=0, part=(1, 2)).total().item() for one in (step, other)
        )
        assert mine == its


class TestLazyAdam:
    LAZY = MappingProxyType({"r1": {"every": 16, "lazy_adam": True}})

    def test_adams_options_are_those_of_ganzoos_own_loop(self, critic):
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=self.LAZY)
        c = 16 / 17
        assert step.adam_options("discriminator", lr=2e-3, betas=(0.5, 0.99)) == {
            "lr": 2e-3 * c,
            "betas": (0.5**c, 0.99**c),
        }
        assert step.adam_options("generator", lr=2e-3, betas=(0.5, 0.99)) == {"lr": 2e-3, "betas": (0.5, 0.99)}
        assert step.corrections == {"discriminator": c, "generator": 1.0}
        with pytest.raises(ConfigError, match="there is no player 'critic'"):
            step.adam_options("critic", lr=2e-3, betas=(0.5, 0.99))

    def test_of_several_the_smallest_counts(self, critic):
        several = {**self.LAZY, "r2": {"every": 4, "lazy_adam": True}}
        assert ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=several).corrections == {
            "discriminator": 0.8,
            "generator": 1.0,
        }

    def test_who_does_not_ask_is_warned_once(self, critic, caplog):
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=self.LAZY)
        for update in range(2):
            step.discriminator_terms(real=batch(), fake=batch(seed=1), update=update)
            step.generator_terms(real=batch(), fake=batch(seed=1), update=update)
        [record] = caplog.records
        assert "Adam of the discriminator" in record.getMessage()
        assert "adam_options" in record.getMessage()

    def test_who_asks_is_not_warned(self, critic, caplog):
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=self.LAZY)
        step.adam_options("discriminator", lr=2e-3, betas=(0.5, 0.99))
        step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
        assert not caplog.records


class TestLatents:
    def test_orthogonal_needs_the_generator_alone(self, critic):
        generator = ToyGenerator(batch_norm=False)
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers="orthogonal", generator=generator)
        z = generator.latent(6, generator=torch.Generator().manual_seed(0))
        assert set(step.discriminator_terms(real=batch(), fake=generator(z), update=0).scalars) == {"adversarial"}
        step.generator_terms(real=batch(), fake=generator(z), update=0).scalars["orthogonal"].backward()
        assert generator.body[0].weight.grad.abs().sum() > 0

    def test_latents_are_asked_for_where_they_are_used(self, critic):
        generator = ganzoo.build("generator", "stylegan", spec=DataSpec(shape=(1, 8, 8)), ngf=4, latent=4)
        parts = {"path-length": {"every": 2, "lazy_adam": False}}
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=parts, generator=generator)
        z = generator.latent(6, generator=torch.Generator().manual_seed(0))
        fake = generator(z)
        for update in (0, 1):
            step.discriminator_terms(real=batch(), fake=fake, update=update)
        step.generator_terms(real=batch(), fake=fake, update=0)
        with pytest.raises(ConfigError, match="regularizer path-length needs the generator and the latents") as caught:
            step.generator_terms(real=batch(), fake=fake, update=1)
        assert "z=" in caught.value.hint
        assert "path_length" in step.generator_terms(real=batch(), fake=fake, z=z, update=1).scalars


class TestGeneratorWithoutObjective:
    def test_is_refused_as_by_a_run(self, critic):
        with pytest.raises(ConfigError, match="feature-matching replaces the generator's loss but does not") as caught:
            ganzoo.adversarial_step(
                "hinge", critic, spec=IMAGES, regularizers={"feature-matching": {"only": True, "every": 2}}
            )
        assert caught.value.hint == 'regularizers={"feature-matching": {"every": 1}}, with its other options'

    def test_at_every_update_it_may_replace(self, critic):
        parts = {"feature-matching": {"only": True}}
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=parts)
        assert set(step.generator_terms(real=batch(), fake=batch(seed=1), update=0).scalars) == {"feature_matching"}


class TestCompiled:
    """What torch.compile makes with AOT autograd cannot be differentiated twice; a penalty must go around it."""

    @staticmethod
    def nested(critic):
        return nn.Sequential(torch.compile(critic, backend="aot_eager"), nn.Identity())

    @staticmethod
    def in_place(critic):
        critic.compile(backend="aot_eager")
        return critic

    @staticmethod
    def in_place_within(critic):
        critic.compile(backend="aot_eager")
        return nn.Sequential(critic, nn.Identity())

    @staticmethod
    def wrapped(critic):
        return torch.compile(critic, backend="aot_eager")

    @pytest.mark.parametrize("how", ["nested", "in_place", "in_place_within", "wrapped"])
    def test_a_penalty_goes_through_the_uncompiled_critic(self, how):
        real, fake = sides()

        def gradients(make):
            network = PerSample()
            step = ganzoo.adversarial_step("hinge", make(network), spec=IMAGES, regularizers="r1")
            terms = step.discriminator_terms(real=real, fake=fake, update=0)
            terms.total().backward()
            return [terms.scalars["r1"].detach(), *(parameter.grad for parameter in network.parameters())]

        try:
            for found, expected in zip(gradients(getattr(self, how)), gradients(lambda one: one), strict=True):
                assert torch.allclose(found, expected, rtol=1e-10)
        finally:
            torch.compiler.reset()

    @pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # torch.compile's own
    def test_path_lengths_go_through_the_uncompiled_generator(self, critic):
        class Styled(nn.Module):
            def __init__(self):
                super().__init__()
                torch.manual_seed(0)
                self.style, self.body = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 64), nn.Tanh())

            def mapping(self, z, labels=None):
                return self.style(z)

            def synthesis(self, w):
                return self.body(w).view(-1, 1, 8, 8)

            def forward(self, z):
                return self.synthesis(self.mapping(z))

        z = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))

        def term(generator):
            parts = {"path-length": {"every": 1}}
            step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=parts, generator=generator)
            found = step.generator_terms(real=batch(4), fake=generator(z), z=z, update=0).scalars["path_length"]
            found.backward()
            return found.item()

        compiled = Styled()
        compiled.body = torch.compile(compiled.body, backend="aot_eager")
        try:
            assert term(compiled) == pytest.approx(term(Styled()), rel=1e-5)
        finally:
            torch.compiler.reset()

    def test_the_judging_passes_stay_compiled(self):
        seen = []

        class Watched(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(64))

            def forward(self, images):
                seen.append(torch.compiler.is_compiling())
                return images.flatten(1) @ self.weight

        network = Watched()
        network.compile(backend="eager")
        step = ganzoo.adversarial_step("hinge", network, spec=IMAGES, regularizers="r1")
        step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0)
        assert seen[0], "the judging passes"
        assert not seen[-1], "the penalty's pass"


class TestLabels:
    LABELS = torch.arange(6) % 3

    def given(self, *, labels):
        of_both = {"real_labels": self.LABELS, "fake_labels": self.LABELS} if labels else {}
        return {"real": batch(), "fake": batch(seed=1), "update": 0, **of_both}

    @pytest.mark.parametrize("compiled", [False, True])
    def test_a_critic_that_takes_none_but_gets_some(self, compiled):
        images_only = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        seen = torch.compile(images_only, backend="eager") if compiled else images_only
        step = ganzoo.adversarial_step("hinge", seen, spec=IMAGES)
        with pytest.raises(ConfigError, match="the discriminator Sequential takes no labels, but was given some") as e:
            step.discriminator_terms(**self.given(labels=True))
        assert "real_labels" in e.value.hint

    def test_a_critic_that_needs_some_but_gets_none(self):
        class Conditional(nn.Module):
            def forward(self, images, labels):
                return images.flatten(1).mean(1) * labels

        step = ganzoo.adversarial_step("hinge", Conditional(), spec=IMAGES)
        with pytest.raises(ConfigError, match="the discriminator Conditional needs labels, but was given none") as e:
            step.generator_terms(**self.given(labels=False))
        assert "real_labels" in e.value.hint

    def test_a_generator_that_takes_none_but_gets_some(self, critic):
        generator = nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
        parts = {"consistency": {"variant": "zcr"}}
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES, regularizers=parts, generator=generator)
        with pytest.raises(ConfigError, match="the generator Sequential takes no labels"):
            step.generator_terms(**self.given(labels=True), z=torch.zeros(6, 4))

    def test_a_type_error_of_the_critic_itself_stays_what_it_is(self):
        class Faulty(nn.Module):
            def forward(self, images, labels=None):
                return len(3)

        with pytest.raises(TypeError, match="has no len"):
            ganzoo.adversarial_step("hinge", Faulty(), spec=IMAGES).discriminator_terms(**self.given(labels=False))


class TestState:
    PARTS = MappingProxyType(
        {"regularizers": {"lecam": {}, "r1": {}}, "augment": {"ada": {"interval": 1}, "diffaugment": {}}}
    )

    def step(self, loss="began"):
        torch.manual_seed(0)
        return ganzoo.adversarial_step(loss, Critic(), spec=IMAGES, **self.PARTS)

    def train(self, step, updates):
        found = []
        for update in updates:
            terms = step.discriminator_terms(real=batch(seed=update), fake=batch(seed=50 + update), update=update)
            step.after_update("discriminator", terms)
            found.append(terms.total().item())
        return found

    def test_a_loop_that_goes_on_is_one_that_was_not_interrupted(self):
        step = self.step()
        self.train(step, range(3))
        saved = pickle.loads(pickle.dumps(step.state_dict()))
        assert {"loss/k", "augment/ada/p", "regularizers/lecam/averages"} <= saved.keys()
        assert all(isinstance(value, torch.Tensor) for value in saved.values())
        other = self.step()
        other.load_state_dict(saved)
        assert other.state_dict().keys() == saved.keys()
        assert self.train(other, range(3, 6)) == self.train(step, range(3, 6))

    def test_the_state_is_a_copy(self):
        step = self.step()
        self.train(step, range(1))
        saved = step.state_dict()
        before = {name: value.clone() for name, value in saved.items()}
        self.train(step, range(1, 3))
        assert all(torch.equal(saved[name], value) for name, value in before.items())

    def test_it_can_be_saved_as_checkpoints_are(self, tmp_path):
        safetensors = pytest.importorskip("safetensors.torch")
        step = self.step()
        self.train(step, range(1))
        safetensors.save_file(step.state_dict(), tmp_path / "step.safetensors")
        self.step().load_state_dict(safetensors.load_file(tmp_path / "step.safetensors"))

    def test_that_of_other_parts_is_refused(self):
        saved = self.step().state_dict()
        with pytest.raises(CheckpointError, match="does not match the parts of this step") as caught:
            self.step("hinge").load_state_dict(saved)
        assert "loss/k" in str(caught.value)
        missing = {name: value for name, value in saved.items() if not name.startswith("loss/")}
        with pytest.raises(CheckpointError, match="does not match the parts of this step"):
            self.step().load_state_dict(missing)


class TestPlainMistakes:
    def made(self, critic, loss="hinge", **changes):
        return ganzoo.adversarial_step(loss, critic, **{"spec": IMAGES, **changes})

    @pytest.mark.parametrize(
        ("regularizers", "names"),
        [
            ([{"name": "r1", "weight": 2.0}, "r2"], ["r1", "r2"]),
            ({"name": "r1", "weight": 2.0}, ["r1"]),
            ({"r1": None}, ["r1"]),
            ((), []),
            ({}, []),
            (iter(["r1"]), ["r1"]),
        ],
    )
    def test_what_is_plain_enough_works(self, critic, regularizers, names):
        step = self.made(critic, regularizers=regularizers)
        assert [part.name for part in step.objective.regularizers] == names

    def test_none_is_no_augmentation(self, critic):
        assert self.made(critic, augment=None).objective.augment is None

    @pytest.mark.parametrize(
        ("section", "given"),
        [
            ("regularizers", {"r1": 10}),
            ("regularizers", {1: {}}),
            ("regularizers", 10),
            ("regularizers", [{"weight": 10}]),
            ("regularizers", [10]),
            ("regularizers", [ganzoo.build("regularizer", "r1")]),
            ("regularizers", ["r1", {"name": "r1", "weight": 2}]),
            ("regularizers", ["gradient-penalty", "gradient_penalty"]),
            ("augment", {"ada": 0.6}),
            ("augment", True),
            ("augment", [None]),
        ],
    )
    def test_what_is_not_is_refused_with_an_example(self, critic, section, given):
        with pytest.raises(ConfigError) as caught:
            self.made(critic, **{section: given})
        assert caught.value.hint.startswith(f"{section}=")
        assert caught.value.allowed

    @pytest.mark.parametrize("loss", [{"margin_real": 0.5}, {"name": 3}, None, 3, Hinge, nn.BCEWithLogitsLoss()])
    def test_what_is_no_loss_is_refused_with_an_example(self, critic, loss):
        with pytest.raises(ConfigError, match="loss") as caught:
            self.made(critic, loss=loss)
        assert caught.value.hint.startswith("loss=")

    def test_the_examples_work(self, critic):
        for kind, (argument, example) in {kind: example.split("=", 1) for kind, example in EXAMPLES.items()}.items():
            step = self.made(critic, **{argument: eval(example)})
            assert step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0).total().isfinite(), kind

    @pytest.mark.parametrize("loss", [Hinge(), ganzoo.build("loss", "hinge")])
    def test_a_loss_that_keeps_the_contract_works_as_it_is(self, critic, loss):
        found, expected = (
            self.made(critic, loss=one, regularizers=()).generator_terms(real=batch(), fake=batch(seed=1), update=0)
            for one in (loss, "hinge")
        )
        assert found.total().item() == expected.total().item()

    def test_a_relativistic_loss_gets_real_logits(self, critic):
        found, expected = (
            self.made(critic, loss=one, regularizers=()).generator_terms(real=batch(), fake=batch(seed=1), update=0)
            for one in (ganzoo.build("loss", "relativistic"), "relativistic")
        )
        assert found.total().item() == expected.total().item()

    def test_a_loss_object_says_nothing_of_the_regularizers_that_it_needs(self, critic):
        """``wgan-gp`` without its penalty would train wrongly without a word."""
        with pytest.raises(ConfigError, match="suggests no regularizers") as caught:
            self.made(critic, loss=ganzoo.build("loss", "wgan-gp"))
        assert caught.value.hint.startswith("regularizers=()")

    @pytest.mark.parametrize("update", [3, torch.tensor(3), np.int64(3)])
    def test_an_update_is_any_whole_number(self, critic, update):
        step = self.made(critic, loss="wgan-gp")
        found, expected = (
            step.discriminator_terms(real=batch(), fake=batch(seed=1), update=one).total().item() for one in (update, 3)
        )
        assert found == expected

    @pytest.mark.parametrize("update", [-1, 1.0, "3", None, torch.tensor(1.5), torch.tensor([1, 2])])
    def test_and_nothing_else(self, critic, update):
        with pytest.raises(ConfigError, match="update is not a number of updates"):
            self.made(critic).discriminator_terms(real=batch(), fake=batch(seed=1), update=update)

    @pytest.mark.parametrize("seed", [1.5, "a", None])
    def test_a_seed_is_a_whole_number(self, critic, seed):
        with pytest.raises(ConfigError, match="seed is not"):
            self.made(critic, seed=seed)

    @pytest.mark.parametrize("spec", [{}, {"spec": (1, 8, 8)}, {"spec": None}])
    def test_without_a_spec(self, critic, spec):
        with pytest.raises(ConfigError, match="spec") as caught:
            ganzoo.adversarial_step("hinge", critic, **spec)
        assert caught.value.hint == "spec=ganzoo.protocols.DataSpec(shape=(3, 64, 64))"

    @pytest.mark.parametrize("discriminator", ["patchgan-sn", lambda images: images, None, nn.Linear])
    def test_a_discriminator_that_is_no_module(self, discriminator):
        with pytest.raises(ConfigError, match=r"discriminator is not a torch\.nn\.Module") as caught:
            ganzoo.adversarial_step("hinge", discriminator, spec=IMAGES)
        assert "ganzoo.build" in caught.value.hint

    def test_a_generator_that_is_no_module(self, critic):
        with pytest.raises(ConfigError, match=r"generator is not a torch\.nn\.Module"):
            self.made(critic, generator="dcgan")


class TestSizes:
    @pytest.mark.parametrize("player", ["discriminator", "generator"])
    @pytest.mark.parametrize(
        ("real", "fake"),
        [
            ((6, 1, 8, 8), (6, 1, 8, 4)),
            ((6, 1, 8, 8), (6, 3, 8, 8)),
            ((6, 1, 8, 8), (6, 64)),
            ((6, 1, 8, 8), (6, 1, 8)),
            ((6, 3, 8, 8), (6, 3, 8, 8)),
            ((6, 8, 8), (6, 8, 8)),
        ],
    )
    def test_samples_of_unlike_shapes_are_refused(self, player, real, fake):
        pooling = nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(1))
        step = ganzoo.adversarial_step("hinge", pooling, spec=IMAGES)
        terms_of = step.discriminator_terms if player == "discriminator" else step.generator_terms
        with pytest.raises(ConfigError, match="shape") as caught:
            terms_of(real=torch.zeros(real), fake=torch.zeros(fake), update=0)
        assert str(real) in str(caught.value)

    def test_images_may_be_of_another_size_than_the_spec(self, critic):
        """A critic that takes any size may be trained on crops."""
        step = ganzoo.adversarial_step("hinge", critic, spec=replace(SPEC, shape=(1, 16, 16)))
        assert step.discriminator_terms(real=batch(), fake=batch(seed=1), update=0).total().isfinite()

    def test_vectors_may_not(self):
        linear = nn.LazyLinear(1)
        step = ganzoo.adversarial_step("hinge", linear, spec=DataSpec(shape=(3,)))
        with pytest.raises(ConfigError, match="shape"):
            step.discriminator_terms(real=torch.zeros(4, 2), fake=torch.zeros(4, 2), update=0)

    @pytest.mark.parametrize("real", [torch.zeros(6, 1, 8, 8, dtype=torch.uint8), np.zeros((6, 1, 8, 8))])
    def test_what_is_no_tensor_of_floating_point_numbers_is_refused(self, critic, real):
        step = ganzoo.adversarial_step("hinge", critic, spec=IMAGES)
        with pytest.raises(ConfigError, match="floating"):
            step.discriminator_terms(real=real, fake=batch(seed=1), update=0)
