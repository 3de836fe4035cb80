"""What a user of ``ganzoo.Adversary`` hears of: in words, and in the first step, however late critics start."""

from __future__ import annotations

import pytest
import torch
from test_adversary import Critic, Decoder, data, made, sgd, trained
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import CheckpointError, ConfigError, GanzooError
from ganzoo.planning.preset_hints import of_preset
from ganzoo.training.python_hints import in_python

LATE = 20_000


class Returning(nn.Module):
    """What it returns may be no verdict, have no features, or no second derivative."""

    def __init__(self, form):
        super().__init__()
        self.layer, self.form = nn.Conv2d(3, 1, 3), form

    def forward(self, images):
        return self.form(self.layer(images))


class Wide(Critic):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.Conv2d(16, 1, 3)


def pushed(**given):
    def call(adversary):
        decoder = made(Decoder)
        fake = decoder(data(0))
        known = {"reference": fake.square().mean(), "last_layer": decoder.out.weight, **given}
        adversary.generator_loss(fake, **known)

    return call


def updated(**given):
    return lambda adversary: adversary.update(**{"fake": data(0), "real": data(1), **given})


FAULTS = {
    "no real data": ({"loss": "relativistic"}, pushed(), "real=None"),
    "no reference": ({"balance": "last-layer"}, pushed(reference=None), "reference=None"),
    "no last layer": ({"balance": "last-layer"}, pushed(last_layer=None), "last_layer=None"),
    "a layer": ({"balance": "last-layer"}, pushed(last_layer=nn.Conv2d(1, 1, 1)), "conv_out.weight"),
    "a number": ({"balance": "balancer"}, pushed(reference=0.5), "reference is not a scalar"),
    "a loss of each sample": ({"balance": "balancer"}, pushed(reference=torch.ones(4)), "shape (4,)"),
    "another graph": (
        {"balance": "balancer"},
        pushed(reference=torch.ones((), requires_grad=True)),
        "does not depend on fake",
    ),
    "no labels of one side": ({}, updated(fake_labels=torch.zeros(4, dtype=torch.int64)), "labels"),
    "unlike shapes": ({}, updated(fake=data(0)[..., :8]), "differ in shape"),
    "unequal pairs": ({"loss": "relativistic"}, updated(fake=data(0, 3)), "relativistic compares each"),
    "unequal pairs of features": ({"feature_matching": {}}, pushed(real=data(1, 3)), "in its place"),
    "no features": (
        {"discriminators": Returning(lambda logits: logits), "feature_matching": {}},
        pushed(real=data(1)),
        "features",
    ),
    "a condition of another size": ({}, updated(condition=data(2)[:, :1, :8]), "concatenated"),
    "no condition for mismatch": ({"mismatch": True}, updated(), "condition=None"),
    "no verdict": ({"discriminators": Returning(lambda logits: {"logits": logits})}, updated(), "dict"),
    "no second derivative": (
        {"discriminators": Returning(F.hardsigmoid), "regularizers": {"r1": {"every": 4}}},
        updated(),
        "no second derivative",
    ),
    "a condition of too many channels": ({}, updated(condition=data(2)), "does not take samples of this shape"),
    "channels that pac needs": ({"pac": 2}, pushed(), "does not take samples of this shape"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_refused_in_the_first_step_and_nothing_moves(fault):
    given, call, words = FAULTS[fault]
    adversary = ganzoo.Adversary(**{"discriminators": made(Critic), "start": LATE, **given})
    before = str(adversary.state_dict())
    with pytest.raises(GanzooError) as caught:
        call(adversary)
    assert words in str(caught.value)
    assert "--" not in (caught.value.hint or "")
    assert str(adversary.state_dict()) == before


def test_so_it_is_where_critics_learn_before_the_generator_hears_of_them():
    adversary = ganzoo.Adversary(made(Critic), balance="last-layer", generator_start=LATE)
    adversary.update(fake=data(0), real=data(1))
    with pytest.raises(ConfigError, match="reference=None"):
        pushed(reference=None)(adversary)


class Counting(Critic):
    """With everything that moves in a forward pass."""

    def __init__(self):
        super().__init__(norm=True, spectral=True)
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return super().forward(F.dropout(images, 0.2))


def test_what_is_tried_in_the_first_step_leaves_no_trace():
    """The steps after the start are those of an adversary that starts at once, number for number."""
    given = {
        "regularizers": {"lecam": {}, "r1": {"every": 2}, "spectral-regularization": {}},
        "augment": {"ada": {"interval": 1}},
        "balance": "gradient-normalization",
        "pool": 3,
        "shape": (3, 16, 16),
    }
    late, prompt = (ganzoo.Adversary(made(Counting), start=start, **given) for start in (2, 0))
    torch.manual_seed(0)
    drawn = torch.get_rng_state()
    trained(late, steps=range(2))
    assert torch.equal(torch.get_rng_state(), drawn)
    critic = late.discriminators["critic"]
    tried, critic.calls = critic.calls, 0
    assert 0 < tried < 8  # once for each player, with its penalty
    for adversary in (late, prompt):
        torch.manual_seed(0)
        trained(adversary, steps=range(2, 5))
    assert critic.calls == prompt.discriminators["critic"].calls
    mine, theirs = late.state_dict(), prompt.state_dict()
    for state in (mine, theirs):
        state["_extra_state"].pop("counts")
        state["_extra_state"].pop("timing")
    assert str(mine) == str(theirs)


def test_a_look_without_gradients_tries_nothing():
    """A validation before the first step may have less at hand."""
    adversary = ganzoo.Adversary(made(Critic), balance="last-layer", start=LATE)
    with torch.no_grad():
        assert adversary.generator_loss(data(0)).total == 0
    with pytest.raises(ConfigError, match="reference=None"):  # the first step is tried all the same
        adversary.generator_loss(made(Decoder)(data(0)))


def test_a_look_between_two_parts_is_none_of_them():
    adversary, expected = (ganzoo.Adversary(made(Critic), augment={"diffaugment": {}}) for _ in range(2))
    for each in (adversary, expected):
        each.generator_loss(data(0).requires_grad_(), part=(0, 2))
    with torch.no_grad():
        adversary.generator_loss(data(5))
    last = [each.generator_loss(data(1).requires_grad_(), part=(1, 2)).total for each in (adversary, expected)]
    assert last[0] == last[1]


def test_the_first_step_is_tried_in_the_precision_of_those_to_come():
    """A critic that writes into a tensor of its own: within autocast its layers would give another type."""

    class Writing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 4)

        def forward(self, x):
            out = torch.zeros(len(x), 4)
            out[torch.arange(len(x))] = self.layer(x)
            return out.mean(1)

    fake, real = torch.randn(2, 4, 6)
    for start in (0, 5):
        with torch.autocast("cpu", torch.bfloat16):
            ganzoo.Adversary(Writing(), start=start).update(fake=fake, real=real)


@pytest.mark.parametrize("start", [0, 5])
def test_critics_that_are_never_updated_are_told_of(start, caplog):
    adversary = ganzoo.Adversary(made(Critic), start=start)
    for _ in range(99):
        adversary.generator_loss(data(0).requires_grad_())
    assert "update in none" not in caplog.text
    for _ in range(9):
        adversary.generator_loss(data(0).requires_grad_())
    assert caplog.text.count("update in none") == 1


class TestMixUps:
    """What trains on without an error, and is told of where it can be seen."""

    def test_fakes_in_the_place_of_real_data(self, caplog):
        adversary, decoder = ganzoo.Adversary(made(Critic)), made(Decoder)
        for step in range(2):
            x = data(step)
            y = decoder(x)
            adversary.generator_loss(y, real=x)
            adversary.update(fake=y, real=x)
        assert caplog.text == ""
        adversary.update(fake=x, real=y.detach())
        assert "real is what generator_loss was given as fake" in caplog.text

    def test_fakes_that_are_gone_are_not_taken_for_what_lies_in_their_place(self, caplog):
        adversary = ganzoo.Adversary(made(Critic))
        for step in range(4):  # torch hands the same memory out again
            adversary.generator_loss(made(Decoder)(data(step)), real=data(9))
            adversary.update(fake=data(step), real=data(step + 1))
        assert caplog.text == ""

    @pytest.mark.parametrize("start", [0, 5])
    @pytest.mark.parametrize("side", ["real", "fake"])
    def test_bytes_beside_numbers_up_to_one_are_told_of_in_the_first_step(self, side, start, caplog):
        adversary = ganzoo.Adversary(made(Critic), start=start, skip_below=1e9)
        for step in range(3):
            given = {"real": data(step), "fake": data(step + 1)}
            adversary.update(**given | {side: 127.5 * (given[side] + 1)})
            assert caplog.text.count(f"{side} reaches from 0 to 25") == 1

    @pytest.mark.parametrize(
        "real",
        [data(1), 3 * data(1), 60 * data(1), -80 * data(1).abs(), data(1) + 1],
        ids=["in range", "wider", "a table", "decibels", "from zero"],
    )
    def test_a_generator_that_begins_with_small_numbers_is_right(self, real, caplog):
        ganzoo.Adversary(made(Critic)).update(fake=0.01 * data(0), real=real)
        assert caplog.text == ""

    def test_a_look_at_real_data_is_not_taken_for_a_mix_up(self, caplog):
        adversary, real = ganzoo.Adversary(made(Critic)), data(1)
        with torch.no_grad():
            adversary.generator_loss(real)
        adversary.update(fake=data(0), real=real)
        buffer = data(0)
        adversary.generator_loss(buffer.requires_grad_()).total.backward()
        adversary.update(fake=data(0), real=buffer.detach().copy_(real))  # others in the same place
        assert caplog.text == ""

    @pytest.mark.parametrize("last", [nn.Sigmoid, lambda: nn.Softmax(1)], ids=["sigmoid", "softmax"])
    def test_a_critic_that_ends_in_a_sigmoid(self, last, caplog):
        adversary = ganzoo.Adversary(nn.Sequential(nn.Conv2d(3, 2, 3), last()))
        for step in range(2):
            adversary.update(fake=data(step), real=data(step + 1))
        assert caplog.text.count("take logits of any sign") == 1

    def test_least_squares_may_have_a_sigmoid(self, caplog):
        ganzoo.Adversary(nn.Sequential(nn.Conv2d(3, 1, 3), nn.Sigmoid()), loss="lsgan").update(
            fake=data(0), real=data(1)
        )
        assert caplog.text == ""

    def test_a_layer_that_is_the_last_to_be_registered_need_not_be_the_last(self, caplog):
        class Attending(nn.Module):
            def __init__(self):
                super().__init__()
                self.last, self.softmax = nn.Conv2d(3, 1, 3), nn.Softmax(1)

            def forward(self, x):
                return self.last(self.softmax(x)).sigmoid() * 0.5  # numbers from 0 to 1 that are no layer's

        critic = Attending()
        ganzoo.Adversary(critic).update(fake=data(0), real=data(1))
        assert caplog.text == ""
        assert not critic.softmax._forward_hooks

    def test_a_sigmoid_within_a_critic_is_its_own(self, caplog):
        class Gated(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.gate = nn.Conv2d(3, 1, 3), nn.Sigmoid()

            def forward(self, x):
                return 4 * self.gate(self.layer(x)) - 2

        ganzoo.Adversary(Gated()).update(fake=data(0), real=data(1))
        assert caplog.text == ""


class TestArguments:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"start": 5, "generator_start": 3}, "have not learned"),
            ({"mismatch": True, "loss": "relativistic"}, "mismatch=True"),
            ({"balance": "none", "balance_options": {"epsilon": 1.0}}, "balance none does not take"),
            ({"shape": 32}, "shape=32"),
            ({"balance": "balancer", "balance_options": {"decay": 1.0}}, "decay"),
            ({"balance": "last-layer", "balance_options": {"epsilon": -1.0}}, "epsilon"),
            ({"balance": "last-layer", "balance_options": {"largest": float("nan")}}, "largest"),
            ({"balance": {"name": "balancer"}}, "balance is not known"),
            ({"balance": "last_layer"}, "did you mean 'last-layer'"),
            ({"optimizer": lambda parameters: None}, "optimizer gave"),
            ({"shape": (3, 0, 32)}, "not that of a sample"),
        ],
    )
    def test_what_does_not_go_together_is_refused_at_once(self, given, words):
        with pytest.raises(ConfigError, match=words):
            ganzoo.Adversary(made(Critic), **given)

    @pytest.mark.parametrize(
        ("critics", "words"),
        [
            (lambda: nn.ModuleList([made(Critic), made(Critic)]), "neither a module nor a mapping"),
            (lambda: {"train": made(Critic)}, "name of a critic"),
            (lambda: {"float": made(Critic)}, "name of a critic"),
            (lambda: {"a": made(Critic), "b": made(Critic).double()}, "one precision"),
        ],
        ids=["a list", "train", "float", "two precisions"],
    )
    def test_critics_that_cannot_be_held_together(self, critics, words):
        with pytest.raises(ConfigError, match=words) as caught:
            ganzoo.Adversary(critics())
        assert caught.value.hint is not None

    def test_a_critic_that_has_the_name_of_the_weight_of_all(self):
        with pytest.raises(ConfigError, match="a weight is negative"):
            ganzoo.Adversary({"weight": made(Critic)}, weight=-1.0, critic_weights={"weight": 1.0})

    def test_labels_are_not_taken_for_a_switch(self):
        class Switched(Critic):
            def forward(self, images, return_features=False):
                return super().forward(images)

        labels = torch.zeros(4, dtype=torch.int64)
        adversary = ganzoo.Adversary(made(Switched))
        with pytest.raises(ConfigError, match="takes no labels"):
            adversary.update(fake=data(0), real=data(1), real_labels=labels, fake_labels=labels)
        adversary.update(fake=data(0), real=data(1))

    def test_data_are_told_from_each_other_by_their_names(self):
        adversary = ganzoo.Adversary(made(Critic))
        with pytest.raises(ConfigError, match=r"adversary.update\(fake=y, real=x\)"):
            adversary.update(data(0), data(1))
        with pytest.raises(ConfigError, match=r"generator_loss\(fake, real=x\)"):
            adversary.generator_loss(data(0), data(1))

    @pytest.mark.parametrize(
        ("name", "shape", "given"),
        [
            ("stft", (1, 8192), (1, 300)),
            ("stft-complex", (1, 8192), (1, 300)),
            ("stft-bands", (1, 8192), (1, 100)),
            ("period", (1, 8192), (1, 3)),
            ("unet", (3, 32, 32), (3, 20, 20)),
            ("dcgan", (3, 32, 32), (3, 30, 30)),
            ("patchgan", (3, 32, 32), (3, 6, 6)),
            ("multiscale-patchgan", (3, 32, 32), (3, 10, 10)),
            ("resnet-sn", (3, 32, 32), (3, 3, 3)),
        ],
    )
    def test_samples_that_are_too_small_for_a_critic(self, name, shape, given):
        critic = ganzoo.build("discriminator", name, spec=ganzoo.protocols.DataSpec(shape=shape), ndf=4)
        small = torch.rand(2, *given)
        with pytest.raises(ConfigError, match="does not take samples of this shape") as caught:
            ganzoo.Adversary(critic).update(fake=small, real=small)
        assert "samples as large as" in caught.value.hint

    def test_a_fault_of_a_loss_is_not_blamed_on_the_critic(self):
        class Wrong:
            def discriminator_loss(self, *, real, fake):
                return (torch.ones(7) + torch.ones(3)).sum() * real.mean()

            def generator_loss(self, *, fake):
                return -fake.mean()

        with pytest.raises(RuntimeError, match="must match the size of tensor"):
            ganzoo.Adversary(made(Critic), loss=Wrong(), regularizers=()).update(fake=data(0), real=data(1))

    def test_hints_speak_of_the_argument_that_is_wrong(self):
        with pytest.raises(ConfigError) as caught:
            ganzoo.Adversary(made(Critic), generator_loss=3)
        assert caught.value.hint.startswith("generator_loss=")
        matching = ganzoo.Adversary(made(lambda: Returning(lambda logits: logits)), feature_matching={})
        with pytest.raises(ConfigError) as caught:
            matching.generator_loss(data(0).requires_grad_(), real=data(1))
        assert "return (logits, [features])" in caught.value.hint

    def test_a_critic_that_was_built_for_a_condition(self):
        critic = made(lambda: Critic(channels=4))
        with pytest.raises(ConfigError, match=r"Conv2d\(4, 8") as caught:
            ganzoo.Adversary(critic).update(fake=data(0), real=data(1))
        assert "condition=" in caught.value.hint


SMALL = {"discriminators": {"patch": {"name": "patchgan-sn", "ndf": 4}}}


class TestPresets:
    @pytest.mark.parametrize("shape", [32, (32, 32), (), (3, "a"), None], ids=str)
    def test_a_shape_that_is_not_that_of_a_sample(self, shape):
        with pytest.raises(ConfigError, match="shape"):
            ganzoo.adversary("vqgan", shape=shape)

    def test_a_signal_of_many_channels_is_one(self):
        modules = ganzoo.adversary("vqgan", shape=(32, 64), **SMALL).modules()
        assert next(module for module in modules if isinstance(module, nn.Conv1d)).in_channels == 32

    def test_hints_can_be_written_where_a_preset_is_made(self):
        with pytest.raises(ConfigError) as caught:
            ganzoo.adversary("vqgan", shape=(3, 8, 8))
        hint = caught.value.hint
        assert hint.startswith('discriminators={"patch": {"name": "patchgan", ')
        arguments = eval(f"dict({hint})")
        assert ganzoo.adversary("vqgan", shape=(3, 8, 8), **arguments).discriminators.keys() == {"patch"}

    def test_data_without_their_condition(self):
        adversary = ganzoo.adversary("pix2pix", shape=(3, 16, 16), condition_channels=1, **SMALL)
        for call in (lambda: adversary.generator_loss(data(0)), lambda: adversary.update(fake=data(0), real=data(1))):
            with pytest.raises(ConfigError, match="no condition") as caught:
                call()
            assert caught.value.hint == "condition= of shape (N, 1, …) in both calls"

    def test_data_of_another_rank(self):
        adversary = ganzoo.adversary("vqgan", shape=(3, 32), **SMALL)
        with pytest.raises(ConfigError, match="another shape") as caught:
            adversary.generator_loss(data(0))
        assert "shape=(3, 16, 16)" in caught.value.hint

    def test_signals_without_their_channel(self):
        adversary = ganzoo.adversary("vqgan", shape=(1, 32), **SMALL)
        wave = torch.zeros(2, 32)
        with pytest.raises(ConfigError, match="another shape") as caught:
            adversary.generator_loss(wave, real=wave)
        assert "fake.unsqueeze(1)" in caught.value.hint
        adversary.update(fake=wave.unsqueeze(1), real=wave.unsqueeze(1))

    def test_a_critic_in_the_place_of_a_name(self):
        with pytest.raises(ConfigError, match=r"ganzoo\.Adversary") as caught:
            ganzoo.adversary(made(Critic), shape=(3, 16, 16))
        assert "ganzoo.Adversary(critic" in caught.value.hint

    def test_what_belonged_to_a_part_goes_with_it(self):
        """Options of a balance, the generator's side of a loss, and no penalty where another loss suggests one."""
        adversary = ganzoo.adversary("vqgan", shape=(3, 16, 16), balance="none", loss="wgan-gp", **SMALL)
        adversary.update(fake=data(0), real=data(1))
        (step,) = adversary._steps.values()
        assert [part.name for part in step.objective.regularizers] == ["gradient-penalty"]
        (step,) = ganzoo.adversary("cyclegan", shape=(3, 16, 16), loss="hinge", **SMALL)._steps.values()
        assert type(step.objective.loss).__name__ == "Hinge"
        (step,) = ganzoo.adversary("cyclegan", shape=(3, 16, 16), **SMALL)._steps.values()
        assert step.objective.loss.generator.scale == 1.0


@pytest.mark.parametrize(
    ("hint", "python", "preset"),
    [
        (
            "--set discriminator.norm=none, or --image-size 32",
            'norm="none" in ganzoo.build("discriminator", …), or pictures of 32 px per side',
            'discriminators={"patch": {"name": "unet", "ndf": 8, "norm": "none"}}, or pictures of 32 px per side',
        ),
        (
            "--disc mlp, or a dataset of images from: ganzoo list datasets",
            'ganzoo.build("discriminator", "mlp", spec=spec)',
            'discriminators={"patch": {"name": "mlp"}}',
        ),
        (
            "--set regularizers.feature-matching.pair=batch",
            *['regularizers={"feature-matching": {"pair": "batch"}}'] * 2,
        ),
        (
            """--set 'augment.ada.groups=["blit","geometric"]'""",
            *['augment={"ada": {"groups": ["blit","geometric"]}}'] * 2,
        ),
    ],
)
def test_what_a_hint_says_to_the_command_line_it_says_to_a_loop(hint, python, preset):
    assert in_python(hint) == python
    assert of_preset(python, "patch", {"name": "unet", "ndf": 8}) == preset


class TestStatesOfOthers:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"loss": "bce"}, "loss was Hinge when it was saved, and is Bce now"),
            ({"loss": {"name": "hinge", "scale": 0.5}}, "scale=0.5"),
            ({"generator_loss": "bce"}, "generator's Bce"),
            ({"optimizer": sgd}, "optimizer was Adam"),
            ({"balance": "balancer"}, "balance was NoBalance"),
        ],
    )
    def test_they_are_refused_and_nothing_changes(self, given, words):
        source, target = ganzoo.Adversary(made(Critic)), ganzoo.Adversary(made(Critic, seed=1), **given)
        source.update(fake=data(0), real=data(1))
        before = str(target.state_dict())
        with pytest.raises(CheckpointError, match=words) as caught:
            target.load_state_dict(source.state_dict())
        assert "critics_only=True" in caught.value.hint
        assert str(target.state_dict()) == before
        target.load_state_dict(source.state_dict(), critics_only=True)

    @pytest.mark.parametrize("critics_only", [False, True])
    @pytest.mark.parametrize(
        ("made_of", "words", "hint"),
        [
            (lambda: ganzoo.Adversary(made(Wide)).state_dict(), "first.weight of shape (16, 3, 3, 3)", "options"),
            (lambda: ganzoo.Adversary({"a": made(Critic)}).state_dict(), "other critics, by their names", "{'a': …}"),
            (
                lambda: nn.ModuleDict({"adversary": ganzoo.Adversary(made(Critic))}).state_dict() | {3: 4},
                "not the state of an Adversary",
                "a module whose adversary is an Adversary",
            ),
            (
                lambda: {"step": 3, "adversary": ganzoo.Adversary(made(Critic)).state_dict()},
                "'step', 'adversary'",
                "load_state_dict(checkpoint['adversary'])",
            ),
            (lambda: made(Critic).state_dict(), "not the state of an Adversary", "discriminators['critic']"),
            (dict, "nothing", "adversary.state_dict()"),
        ],
        ids=["wider", "other names", "held", "a checkpoint", "a critic's", "empty"],
    )
    def test_what_is_none_of_these_critics(self, made_of, words, hint, critics_only):
        target = ganzoo.Adversary(made(Critic))
        before = str(target.state_dict())
        with pytest.raises(CheckpointError) as caught:
            target.load_state_dict(made_of(), critics_only=critics_only)
        assert words in str(caught.value)
        assert hint in caught.value.hint
        assert str(target.state_dict()) == before

    @pytest.mark.parametrize(("there", "here"), [("ab", "a"), ("a", "ab")])
    def test_some_critics_of_several_can_be_taken(self, there, here):
        source = ganzoo.Adversary({name: made(Critic) for name in there})
        target = ganzoo.Adversary({name: made(Critic, seed=1) for name in here})
        with pytest.raises(CheckpointError, match="other critics, by their names") as caught:
            target.load_state_dict(source.state_dict())
        assert "strict=False, critics_only=True" in caught.value.hint
        target.load_state_dict(source.state_dict(), strict=False, critics_only=True)
        assert torch.equal(target.discriminators["a"].last.bias, source.discriminators["a"].last.bias)

    def test_a_critic_that_resizes_what_it_loads_is_its_own_judge(self):
        class Resizing(Critic):
            def __init__(self, size=3):
                super().__init__()
                self.register_buffer("seen", torch.zeros(size))

            def _load_from_state_dict(self, state, prefix, *others):
                self.seen = state[f"{prefix}seen"].clone()
                super()._load_from_state_dict(state, prefix, *others)

        target = ganzoo.Adversary(made(Resizing))
        target.load_state_dict(ganzoo.Adversary(made(lambda: Resizing(5))).state_dict())
        assert target.discriminators["critic"].seen.shape == (5,)

    def test_a_module_that_holds_it_and_does_not_mind_is_told_that_nothing_was_taken(self, caplog):
        source = nn.ModuleDict({"adversary": ganzoo.Adversary({"a": made(Critic), "b": made(Critic)})}).state_dict()
        source.pop("adversary._extra_state")
        target = nn.ModuleDict({"adversary": ganzoo.Adversary({"a": made(Critic, seed=1)})})
        before = str(target.state_dict())
        target.load_state_dict(source, strict=False)
        assert str(target.state_dict()) == before
        assert "nothing of it was taken" in caplog.text

    def test_another_start_is_told(self, caplog):
        source, target = (ganzoo.Adversary(made(Critic), start=start) for start in (0, 9))
        source.update(fake=data(0), real=data(1))
        target.load_state_dict(source.state_dict())
        assert "saved with start 0" in caplog.text
        assert target.get_extra_state()["counts"]["step"] == 1
        caplog.clear()
        ganzoo.Adversary(made(Critic)).load_state_dict(source.state_dict())
        assert caplog.text == ""

    def test_a_learning_rate_that_gives_way_to_the_saved_one_is_told(self, caplog):
        def with_rate(lr):
            return ganzoo.Adversary(made(Critic), optimizer=lambda parameters: torch.optim.Adam(parameters, lr=lr))

        source, target = with_rate(2e-4), with_rate(1e-4)
        source.update(fake=data(0), real=data(1))
        target.load_state_dict(source.state_dict(), critics_only=True)
        assert caplog.text == ""
        target.load_state_dict(source.state_dict())
        assert target.optimizer.param_groups[0]["lr"] == 2e-4
        assert "saved with lr 0.0002, and going on with it in place of lr 0.0001" in caplog.text
        assert 'for group in adversary.optimizer.param_groups: group["lr"] = 0.0001' in caplog.text

    def test_a_schedule_that_went_on_is_not_another_learning_rate(self, caplog):
        source, target = (ganzoo.Adversary(made(Critic)) for _ in range(2))
        schedule = torch.optim.lr_scheduler.ExponentialLR(source.optimizer, gamma=0.5)
        source.update(fake=data(0), real=data(1))
        schedule.step()
        target.load_state_dict(source.state_dict())
        assert target.optimizer.param_groups[0]["lr"] == 1e-4
        assert caplog.text == ""


def reference_that_was_propagated():
    decoder = made(Decoder)
    fake = decoder(data(0))
    reference = fake.square().mean()
    reference.backward()
    adversary = ganzoo.Adversary(made(Critic), balance="last-layer")
    adversary.generator_loss(fake, reference=reference, last_layer=decoder.out.weight)


def vqgan(shape=(3, 32, 32), **changes):
    return lambda: ganzoo.adversary("vqgan", shape=shape, **changes)


class Failing(torch.autograd.Function):
    """The identity, whose backward pass fails as it may in torch."""

    @staticmethod
    def forward(context, x, error):
        context.error = error
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        raise context.error


@pytest.mark.parametrize("side", ["reference", "fake"])
@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError, "out of memory"),
        (RuntimeError("compiled with non-empty donated buffers"), ConfigError, "donated_buffer = False"),
    ],
    ids=["no memory", "compiled"],
)
def test_what_fails_while_a_balance_is_measured_is_called_what_it_is(side, error, expected, words):
    weight = torch.ones((), requires_grad=True)
    fake = weight * data(0)
    if side == "fake":
        fake = Failing.apply(fake, error)
    reference = fake.mean()
    if side == "reference":
        reference = Failing.apply(reference, error)
    adversary = ganzoo.Adversary(made(Critic), balance="last-layer")
    with pytest.raises(expected, match=words):
        adversary.generator_loss(fake, reference=reference, last_layer=weight)


def test_an_optimizer_for_lazy_penalties_is_told_as_an_adversary_takes_it(caplog):
    adversary = ganzoo.Adversary(made(Critic), regularizers={"r1": {"every": 4, "lazy_adam": True}})
    adversary.update(fake=data(0), real=data(1))
    (told,) = caplog.messages
    assert "lr·c and β^c with c = 0.8: optimizer=lambda" in told
    assert "adam_options" not in told


HINTS = {
    "pairs": ({"feature_matching": {}}, pushed(real=data(1, 3)), 'feature_matching={"pair": "batch"}'),
    "pairs of regularizers": (
        {"regularizers": {"feature-matching": {"pair": "sample"}}},
        pushed(real=data(1, 3)),
        'regularizers={"feature-matching": {"pair": "batch"}}',
    ),
    "labels": ({}, updated(fake_labels=torch.zeros(4)), "pass real_labels= and fake_labels= to update"),
    "labels of the generator": (
        {},
        pushed(real=data(1), real_labels=torch.zeros(4)),
        "pass real_labels= and fake_labels= to generator_loss",
    ),
    "vectors": (
        {"discriminators": nn.Linear(4, 1), "regularizers": {"consistency": {}}},
        updated(fake=torch.ones(2, 4), real=torch.ones(2, 4)),
        "leave consistency out",
    ),
}


@pytest.mark.parametrize("fault", HINTS)
@pytest.mark.parametrize("start", [0, LATE])
def test_a_hint_says_what_an_adversary_takes(fault, start):
    given, call, hint = HINTS[fault]
    with pytest.raises(ConfigError) as caught:
        call(ganzoo.Adversary(**{"discriminators": made(Critic), "start": start, **given}))
    assert caught.value.hint == hint


SLIPS = {
    "options without a name": (
        vqgan(discriminators={"patch": {"ndf": 8}}),
        "without the name of a discriminator",
        'discriminators={"patch": {"name": "patchgan", "ndf": 8}}',
    ),
    "channels last": (vqgan((32, 32, 3)), "its channels last", "shape=(3, 32, 32)"),
    "a gray picture with its channel last": (vqgan((64, 32, 1)), "its channels last", "shape=(1, 64, 32)"),
    "the shape of a batch": (vqgan(torch.Size((4, 3, 32, 32))), "the batch in front", "shape=(3, 32, 32)"),
    "a preset": (
        lambda: ganzoo.Adversary("vqgan"),
        "neither a module",
        'ganzoo.adversary("vqgan", shape=(3, 256, 256))',
    ),
    "a misspelt optimizer": (vqgan(optimizer={"name": "adma"}), "adma", 'optimizer={"name": "adam", "lr": 2e-4}'),
    "a negative weight": (vqgan(weight=-1), "a weight is negative", "1 in its place"),
    "a negative weight of a critic": (
        vqgan(critic_weights={"patch": -0.5}),
        "a weight is negative",
        "0.5 in its place",
    ),
    "backward before generator_loss": (
        reference_that_was_propagated,
        "backward was called already",
        "adv = adversary.generator_loss(fake, reference=rec, …), then (rec + adv.total).backward()",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_a_newcomer_gets_a_hint_that_works(slip):
    call, words, hint = SLIPS[slip]
    with pytest.raises(ConfigError, match=words) as caught:
        call()
    assert caught.value.hint == hint


def test_volumes_of_three_sections_are_not_taken_for_a_batch():
    adversary = vqgan((4, 3, 32, 32), discriminators={"patch": nn.Conv3d(4, 1, 3)})()
    adversary.update(fake=torch.rand(2, 4, 3, 32, 32), real=torch.rand(2, 4, 3, 32, 32))


class TestInferenceMode:
    """A validation in it, such as Lightning's, is told of the mode that works."""

    @pytest.mark.parametrize("start", [0, LATE])
    @pytest.mark.parametrize("call", [pushed(), updated()], ids=["generator_loss", "update"])
    def test_it_is_refused_in_words(self, call, start):
        adversary = ganzoo.Adversary(made(Critic), start=start)
        with torch.inference_mode(), pytest.raises(ConfigError, match=r"(?s)inference_mode.*torch\.no_grad\(\)"):
            call(adversary)

    def test_a_fake_that_was_made_in_it(self):
        adversary = ganzoo.Adversary(made(Critic))
        with torch.inference_mode():
            fake = made(Decoder)(data(0))
        with pytest.raises(ConfigError, match="fake made in"):
            adversary.update(fake=fake, real=data(1))
