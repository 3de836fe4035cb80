"""``ganzoo.Adversary``: its promises, each by the mistake that breaks it."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput


def update_in_halves(adversary, *, fake, real):
    half = len(fake) // 2
    for index, rows in enumerate((slice(half), slice(half, None))):
        adversary.update(fake=fake[rows], real=real[rows], part=(index, 2))


class Critic(nn.Module):
    """Two convolutions with features; BatchNorm and spectral norm if asked for."""

    def __init__(self, *, norm: bool = False, spectral: bool = False, channels: int = 3) -> None:
        super().__init__()
        first = nn.Conv2d(channels, 8, 3, stride=2, padding=1)
        self.first = nn.utils.parametrizations.spectral_norm(first) if spectral else first
        self.norm = nn.BatchNorm2d(8) if norm else nn.Identity()
        self.last = nn.Conv2d(8, 1, 3)

    def forward(self, images):
        features = F.leaky_relu(self.norm(self.first(images)), 0.2)
        return DiscriminatorOutput(self.last(features), features=(features,))


class Decoder(nn.Module):
    """A generator of somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.out = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x):
        return torch.tanh(self.out(F.relu(self.body(x))))


def made(factory, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return factory()


def data(step, n=4, seed=0):
    random = torch.Generator().manual_seed(1000 * seed + step)
    return torch.rand(n, 3, 16, 16, generator=random) * 2 - 1


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


def gradients(module):
    return {name: None if p.grad is None else p.grad.clone() for name, p in module.named_parameters()}


def everything(adversary):
    """The whole state as bytes, to compare exactly."""
    file = io.BytesIO()
    torch.save(adversary.state_dict(), file)
    return file.getvalue()


class TestNoGradientLeaks:
    def test_an_update_leaves_none_on_the_generator(self):
        decoder, adversary = made(Decoder), ganzoo.Adversary(made(Critic), regularizers={"r1": {}})
        fake = decoder(data(0))
        adversary.update(fake=fake, real=data(1))
        assert all(gradient is None for gradient in gradients(decoder).values())
        fake.mean().backward()  # its graph is still there
        assert all(gradient is not None for gradient in gradients(decoder).values())

    def test_the_generators_loss_leaves_none_on_critics_and_moves_nothing_in_them(self):
        critic = made(lambda: Critic(norm=True, spectral=True))
        critic.last.bias.requires_grad_(False)
        adversary = ganzoo.Adversary(critic, feature_matching={}, regularizers={}, passes="two")
        before = copy.deepcopy(critic.state_dict())
        flags = [parameter.requires_grad for parameter in critic.parameters()]
        fake = made(Decoder)(data(0))
        terms = adversary.generator_loss(fake, real=data(1))
        terms.total.backward()
        assert all(gradient is None for gradient in gradients(critic).values())
        assert [parameter.requires_grad for parameter in critic.parameters()] == flags
        assert all(torch.equal(before[name], value) for name, value in critic.state_dict().items())
        assert critic.training

    @pytest.mark.parametrize("start", [0, 9])
    def test_nor_where_a_critic_puts_another_tensor_in_the_place_of_a_buffer(self, start):
        """``self.mean = 0.9 * self.mean + …`` does, and the tensor that was there before stays as it is."""

        class Averaging(Critic):
            def __init__(self):
                super().__init__()
                self.register_buffer("mean", torch.zeros(()))

            def forward(self, images):
                out = super().forward(images)
                self.mean = 0.9 * self.mean + out.logits.mean()
                return out

        adversary = ganzoo.Adversary(made(Averaging), start=start)
        mean = adversary.discriminators["critic"].mean
        adversary.generator_loss(data(0).requires_grad_())
        if start:
            adversary.update(fake=data(0), real=data(1))
        assert adversary.discriminators["critic"].mean is mean
        assert mean == 0

    def test_a_loop_of_both_has_the_gradients_of_each_alone(self):
        """The mistake of a well-known example: the critic's loss on fakes that are not detached."""
        x = data(0)
        critic, decoder = made(Critic), made(Decoder)
        adversary = ganzoo.Adversary(copy.deepcopy(critic), loss="hinge", optimizer=sgd)
        fake = decoder(x)
        adversary.update(fake=fake, real=x)
        expected = copy.deepcopy(critic)
        out = [expected(part).logits for part in (x, fake.detach())]
        (F.relu(1 - out[0]).mean() + F.relu(1 + out[1]).mean()).backward()
        with torch.no_grad():
            for parameter in expected.parameters():
                parameter -= 0.1 * parameter.grad
        for mine, theirs in zip(adversary.discriminators["critic"].parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs)
        adversary.generator_loss(fake, real=x).total.backward()
        mine = gradients(decoder)
        decoder.zero_grad()
        (-expected(decoder(x)).logits.mean()).backward()
        for name, gradient in gradients(decoder).items():
            torch.testing.assert_close(mine[name], gradient)

    def test_gradients_through_features_reach_the_fakes(self):
        critic = made(Critic)
        adversary = ganzoo.Adversary(critic, regularizers={}, feature_matching={"weight": 3.0})
        fake, real = data(0).requires_grad_(), data(1)
        terms = adversary.generator_loss(fake, real=real)
        terms.total.backward()
        expected = data(0).requires_grad_()
        out = critic(expected)
        distance = (critic(real).features[0].detach() - out.features[0]).abs().mean()
        (-out.logits.mean() + 3 * distance).backward()
        torch.testing.assert_close(fake.grad, expected.grad)

    def test_it_works_where_gradients_are_off(self):
        adversary = ganzoo.Adversary(made(Critic))
        with torch.no_grad():
            total = adversary.generator_loss(data(0)).total
            adversary.update(fake=data(0), real=data(1))
        assert total.item() == pytest.approx(-made(Critic)(data(0)).logits.mean().item(), rel=1e-5)


def trained(adversary, *, steps, first="generator", decoder=None):
    """A few steps of an ordinary loop; the totals seen on the way."""
    decoder = decoder or made(Decoder)
    optimizer = torch.optim.SGD(decoder.parameters(), lr=0.05)
    totals = []
    for step in steps:
        x = data(step)
        fake = decoder(x)
        if first == "critic":
            adversary.update(fake=fake, real=x)
        adversarial = adversary.generator_loss(fake, real=x)
        optimizer.zero_grad()
        ((fake - x).abs().mean() + adversarial.total).backward()
        optimizer.step()
        if first == "generator":
            adversary.update(fake=fake, real=x)
        totals.append(float(adversarial.total.detach()))
    return totals


class TestParts:
    @pytest.mark.parametrize("loss", ["hinge", "bce", "relativistic"])
    def test_parts_of_a_batch_add_up_to_the_whole(self, loss):
        whole, parts = (
            ganzoo.Adversary(made(Critic), loss=loss, optimizer=sgd, regularizers={"r1": {"weight": 0.5}}).double()
            for _ in range(2)
        )
        real, fake = data(0, 8).double(), data(1, 8).double()
        whole.update(fake=fake, real=real)
        for index in range(2):
            rows = slice(4 * index, 4 * index + 4)
            parts.update(fake=fake[rows], real=real[rows], part=(index, 2))
        for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
        total = whole.generator_loss(fake, real=real).total
        halves = [
            parts.generator_loss(fake[rows], real=real[rows], part=(index, 2)).total
            for index, rows in enumerate((slice(0, 4), slice(4, 8)))
        ]
        torch.testing.assert_close(total, sum(halves) / 2, rtol=1e-10, atol=1e-12)
        assert whole.get_extra_state()["counts"] == parts.get_extra_state()["counts"]

    def test_spectral_norm_moves_once_for_all_parts(self):
        whole, parts = (ganzoo.Adversary(made(lambda: Critic(spectral=True)), optimizer=sgd).double() for _ in range(2))
        for step in range(3):
            real, fake = data(2 * step, 8).double(), data(2 * step + 1, 8).double()
            whole.update(fake=fake, real=real)
            update_in_halves(parts, fake=fake, real=real)
        for (name, one), other in zip(whole.state_dict().items(), parts.state_dict().values(), strict=True):
            if isinstance(one, torch.Tensor):
                torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12, msg=name)

    def test_parts_are_exchanged_with_a_full_pool_as_the_whole(self):
        whole, parts = (ganzoo.Adversary(made(Critic), optimizer=sgd, pool=5).double() for _ in range(2))
        for step in range(3):
            real, fake = data(2 * step, 8).double(), data(2 * step + 1, 8).double()
            whole.update(fake=fake, real=real)
            update_in_halves(parts, fake=fake, real=real)
        torch.testing.assert_close(list(whole.parameters()), list(parts.parameters()), rtol=1e-10, atol=1e-12)
        pools = [adversary.get_extra_state()["pool"] for adversary in (whole, parts)]
        torch.testing.assert_close(*pools, rtol=0, atol=0)

    def test_an_update_that_begins_in_the_middle_is_refused_in_words(self):
        adversary = ganzoo.Adversary(made(lambda: Critic(spectral=True)))
        with pytest.raises(ConfigError, match="part"):
            adversary.update(fake=data(0), real=data(1), part=(1, 2))

    @pytest.mark.parametrize(
        "given", [{"loss": "top-k"}, {"loss": "began"}, {"augment": {"ada": {"interval": 2}}}], ids=str
    )
    def test_parts_may_be_of_samples_of_unlike_sizes(self, given):
        adversary = ganzoo.Adversary(made(Critic), **given)
        for index, side in enumerate((8, 12)):
            fake, real = (data(step)[..., :side, :side] for step in (2 * index, 2 * index + 1))
            logs = adversary.update(fake=fake, real=real, part=(index, 2))
        assert adversary.get_extra_state()["counts"]["update"] == 1
        assert logs.standings()["critic"] != "NaN"
        kept = adversary.get_extra_state()["parts"]["critic"]
        if "augment" in given:
            assert kept["augment/ada/counts"][2] == 8  # samples, and not places of their maps

    @pytest.mark.parametrize("passes", ["one", "two"])
    def test_what_torch_had_before_moves_once_for_all_parts_too(self, passes):
        """``torch.nn.utils.spectral_norm``, which many critics of others have."""

        def critic():
            return nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))

        whole, parts = (ganzoo.Adversary(made(critic).double(), optimizer=sgd, passes=passes) for _ in range(2))
        for step in range(2):
            real, fake = data(2 * step, 8).double(), data(2 * step + 1, 8).double()
            whole.update(fake=fake, real=real)
            update_in_halves(parts, fake=fake, real=real)
        for one, other in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
            if isinstance(one, torch.Tensor):
                torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)

    def test_an_update_that_never_comes_to_its_last_part_is_warned_of(self, caplog):
        adversary = ganzoo.Adversary(made(lambda: Critic(norm=True)))
        adversary.update(fake=data(0), real=data(1), part=(0, 2))
        assert caplog.text == ""
        adversary.update(fake=data(2), real=data(3), part=(0, 2))
        assert "dropped before its last one" in caplog.text
        assert adversary.discriminators["critic"].norm.num_batches_tracked == 2  # of the second alone, in two passes

    @pytest.mark.parametrize("order", ["g0 u0 g1 u1", "u0 u1 g0 g1", "u0 g0 u1 g1"])
    def test_the_generator_hears_one_critic_in_all_parts_or_is_warned(self, order, caplog):
        adversary, heard = ganzoo.Adversary(made(Critic), optimizer=sgd), []
        for side, index in order.split():
            part = {"real": data(1), "part": (int(index), 2)}
            if side == "u":
                adversary.update(fake=data(0), **part)
            else:
                heard.append(float(adversary.generator_loss(data(0).requires_grad_(), **part).total.detach()))
        assert (heard[0] != heard[1]) == ("within an update" in caplog.text) == (order == "u0 g0 u1 g1")

    def test_parts_of_unlike_size_are_warned_of(self, caplog):
        adversary = ganzoo.Adversary(made(Critic), optimizer=sgd)
        adversary.update(fake=data(0, 3), real=data(1, 3), part=(0, 2))
        adversary.update(fake=data(0, 1), real=data(1, 1), part=(1, 2))
        assert "parts of 3 and 1 samples" in caplog.text


class TestStart:
    def test_nothing_moves_before_it(self):
        adversary = ganzoo.Adversary(
            made(lambda: Critic(norm=True)),
            regularizers={"lecam": {}},
            augment={"ada": {}},
            start=3,
            pool=5,
            balance="gradient-normalization",
            shape=(3, 16, 16),
        )
        before = adversary.state_dict()
        kept = copy.deepcopy(before)
        totals = trained(adversary, steps=range(3))
        after = adversary.state_dict()
        assert totals == [0.0] * 3
        counts = after["_extra_state"].pop("counts")
        kept["_extra_state"].pop("counts")
        assert str(after) == str(kept)
        assert counts == {"step": 3, "update": 0, "generator_step": 3, "generator_update": 0}

    def test_the_zero_back_propagates(self):
        decoder, adversary = made(Decoder), ganzoo.Adversary(made(Critic), start=1)
        adversary.generator_loss(decoder(data(0))).total.backward()
        assert all(not gradient.any() for gradient in gradients(decoder).values())

    def test_adams_first_real_step_is_the_learning_rate(self):
        """Adam that was stepped on zeros for 1,000 steps would move 15 times as far."""
        adversary = ganzoo.Adversary(
            made(Critic),
            start=1000,
            optimizer=lambda parameters: torch.optim.Adam(parameters, lr=1e-3, betas=(0.5, 0.999), eps=0),
        )
        for _ in range(1000):
            adversary.update(fake=data(0), real=data(1))
        before = nn.utils.parameters_to_vector(adversary.parameters()).detach().clone()
        adversary.update(fake=data(0), real=data(1))
        moved = (nn.utils.parameters_to_vector(adversary.parameters()) - before).abs()
        assert moved.max().item() == pytest.approx(1e-3, rel=1e-3)

    def test_two_starts_and_a_ramp(self):
        adversary = ganzoo.Adversary(made(Critic), start=1, generator_start=3, ramp=2, weight=0.5)
        critic = adversary.discriminators["critic"]
        shares = []
        for step in range(6):
            alone = -critic(data(step)).logits.mean().item()
            shares.append(adversary.generator_loss(data(step)).total.item() / alone)
            adversary.update(fake=data(step), real=data(step + 50))
        assert shares == pytest.approx([0, 0, 0, 0.25, 0.5, 0.5], rel=1e-4)
        assert adversary.get_extra_state()["counts"]["update"] == 5

    @pytest.mark.parametrize(("pushes", "updates"), [(2, 1), (1, 2)])
    def test_several_calls_in_a_step_are_one_step(self, pushes, updates):
        """Whoever calls more often, critics have learned before they are heard."""
        adversary = ganzoo.Adversary(made(Critic), start=2, generator_start=4, ramp=2)
        factors = []
        for step in range(6):
            terms = [adversary.generator_loss(data(step)) for _ in range(pushes)]
            factors.append([float(each.factor) for each in terms])
            for _ in range(updates):
                adversary.update(fake=data(step), real=data(step + 50))
        assert factors == [[share] * pushes for share in (0.0, 0.0, 0.0, 0.0, 0.5, 1.0)]

    def test_a_critic_that_learns_in_every_second_step(self):
        adversary = ganzoo.Adversary(made(Critic), start=1, every=2)
        acted = [bool(adversary.update(fake=data(0), real=data(1))) for _ in range(6)]
        assert acted == [False, True, False, True, False, True]


WITH_STATE = {
    "regularizers": {"lecam": {"weight": 0.1}, "r1": {"weight": 0.1, "every": 2}},
    "augment": {"ada": {"interval": 1}},
    "balance": "balancer",
    "pool": 3,
    "start": 1,
    "clip_grad_norm": 1.0,
    "shape": (3, 16, 16),
}


SPOILT = {
    "other shape": lambda state: state.update({"discriminators.critic.last.weight": torch.zeros(1, 8, 5, 5)}),
    "missing weight": lambda state: state.pop("discriminators.critic.last.bias"),
    "unknown weight": lambda state: state.update({"discriminators.critic.other.weight": torch.zeros(1)}),
    "weights alone": lambda state: state.pop("_extra_state"),
    "none": lambda state: state.update(_extra_state=None),
    "no counts": lambda state: state["_extra_state"].pop("counts"),
    "few counts": lambda state: state["_extra_state"].update(counts={"step": 1}),
    "pool": lambda state: state["_extra_state"].update(pool={"0": torch.zeros(1), "2": torch.zeros(1)}),
    "balance": lambda state: state["_extra_state"].update(balance={}),
    "augmentation": lambda state: state["_extra_state"]["parts"]["critic"].pop("augment/ada/p"),
    "optimizer": lambda state: state["_extra_state"]["optimizer"]["param_groups"].clear(),
}
"""What may be wrong with a state."""


@pytest.fixture(scope="module")
def two_trained():
    """Of other weights, averages, pools and counts."""
    given = WITH_STATE | {"regularizers": {"lecam": {}}, "start": 0}
    both = [ganzoo.Adversary(made(lambda: Critic(norm=True), seed=seed), **given) for seed in range(2)]
    for number, adversary in enumerate(both):
        for step in range(number + 1):
            adversary.update(fake=data(step + 9 * number), real=data(step + 5))
    return both


class TestState:
    @pytest.mark.parametrize("first", ["critic", "generator"])
    def test_stopped_anywhere_it_goes_on_bit_for_bit(self, first, monkeypatch):
        def adversary():
            return ganzoo.Adversary(made(lambda: Critic(norm=True, spectral=True)), **{**WITH_STATE, "balance": "none"})

        whole, decoder = adversary(), made(Decoder)
        expected = trained(whole, steps=range(6), first=first, decoder=decoder)
        half, other = adversary(), made(Decoder)
        seen = trained(half, steps=range(3), first=first, decoder=other)
        file = io.BytesIO()
        torch.save(half.state_dict(), file)
        file.seek(0)
        resumed = adversary()
        resumed.load_state_dict(torch.load(file, weights_only=True))
        seen += trained(resumed, steps=range(3, 6), first=first, decoder=other)
        assert seen == expected
        for mine, theirs in zip(resumed.state_dict().items(), whole.state_dict().items(), strict=True):
            assert str(mine) == str(theirs)

    def test_a_state_can_be_loaded_twice(self):
        """As after a loss that is not finite: the optimizer must not write into what is kept to go back to."""
        adversary, seen = ganzoo.Adversary(made(Critic)), []
        adversary.update(fake=data(0), real=data(1))
        state = copy.deepcopy(adversary.state_dict())
        for _ in range(2):
            adversary.load_state_dict(state)
            adversary.update(fake=data(2), real=data(3))
            seen.append(everything(adversary))
        assert seen[0] == seen[1]

    def test_critics_alone(self):
        source = ganzoo.Adversary(made(Critic), pool=2)
        trained(source, steps=range(2))
        target = ganzoo.Adversary(made(Critic, seed=1))
        target.load_state_dict(source.state_dict(), critics_only=True)
        for mine, theirs in zip(target.parameters(), source.parameters(), strict=True):
            assert torch.equal(mine, theirs)
        assert target.get_extra_state()["counts"]["update"] == 0

    def test_a_frozen_backbone_is_not_in_it(self):
        class OnFeatures(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False).eval()
                self.head = nn.Conv2d(4, 1, 3)

            def forward(self, images):
                return self.head(self.backbone(images))

        adversary = ganzoo.Adversary(made(OnFeatures))
        trained(adversary, steps=range(2))
        state = adversary.state_dict()
        assert [name for name in state if "backbone" in name] == []
        again = ganzoo.Adversary(made(OnFeatures))
        again.load_state_dict(state)
        assert torch.equal(again.discriminators["critic"].head.weight, adversary.discriminators["critic"].head.weight)

    def test_the_state_of_others_is_refused(self):
        state = ganzoo.Adversary({"a": made(Critic)}).state_dict()
        with pytest.raises(CheckpointError, match="other critics, by their names"):
            ganzoo.Adversary({"b": made(Critic)}).load_state_dict(state)

    @pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
    def test_what_does_not_fit_changes_nothing(self, spoil, two_trained):
        """Half of another state would train on: weights of one training with Adam's averages of another."""
        source, target = copy.deepcopy(two_trained)
        before, state = str(target.state_dict()), copy.deepcopy(source.state_dict())
        spoil(state)
        with pytest.raises(CheckpointError):
            target.load_state_dict(state)
        assert str(target.state_dict()) == before
        # A module that holds it loads it by other ways, which torch has for its own.
        held = nn.ModuleDict({"adversary": target})
        with pytest.raises((CheckpointError, RuntimeError)):
            held.load_state_dict({f"adversary.{name}": value for name, value in state.items()})
        assert str(target.state_dict()) == before
        target.load_state_dict(source.state_dict())
        assert str(target.state_dict()) == str(source.state_dict())

    def test_weights_that_the_optimizer_does_not_know_are_refused(self):
        adversary = ganzoo.Adversary(made(Critic))
        with pytest.raises(ConfigError, match="unknown to the optimizer"):
            adversary.load_state_dict(adversary.state_dict(), assign=True)

    def test_a_copy_loads_for_itself(self):
        adversary = ganzoo.Adversary(made(Critic))
        other = copy.deepcopy(adversary)
        state = ganzoo.Adversary(made(Critic, seed=1)).state_dict()
        state.pop("discriminators.critic.last.bias")
        for one in (adversary, other):
            with pytest.raises(CheckpointError):
                one.load_state_dict(state)
        assert str(other.state_dict()) == str(ganzoo.Adversary(made(Critic)).state_dict())

    def test_it_is_part_of_a_module_that_holds_it(self):
        whole = nn.ModuleDict({"model": made(Decoder), "adversary": ganzoo.Adversary(made(Critic), pool=2)})
        trained(whole["adversary"], steps=range(2))
        again = nn.ModuleDict({"model": made(Decoder), "adversary": ganzoo.Adversary(made(Critic, seed=1), pool=2)})
        again.load_state_dict(whole.state_dict())
        assert str(again.state_dict()) == str(whole.state_dict())


class TestTerms:
    def test_they_add_up(self):
        adversary = ganzoo.Adversary(
            {"one": made(Critic), "two": made(Critic, seed=1)},
            regularizers={},
            feature_matching={"weight": 2.0},
            critic_weights={"two": 0.1},
            weight=0.3,
        )
        terms = adversary.generator_loss(data(0), real=data(1))
        torch.testing.assert_close(sum(terms.weighted.values()), terms.total)
        assert set(terms.weighted) == {
            f"{critic}/{term}" for critic in ("one", "two") for term in ("adversarial", "feature_matching")
        }
        one, two = made(Critic), made(Critic, seed=1)
        torch.testing.assert_close(terms.raw()["one/adversarial"], -one(data(0)).logits.mean())
        torch.testing.assert_close(terms.raw()["two/adversarial"], -two(data(0)).logits.mean())
        assert float(terms.weights["two/feature_matching"]) == pytest.approx(0.3 * 0.1 * 2.0)
        assert not terms.weighted["one/adversarial"].requires_grad

    def test_the_norm_of_the_gradient_is_that_at_the_fakes(self):
        adversary = ganzoo.Adversary(made(Critic), weight=3.0)
        fake = data(0).requires_grad_()
        terms = adversary.generator_loss(fake)
        terms.total.backward()
        torch.testing.assert_close(terms.gradient_norm, fake.grad.norm())

    def test_the_norm_of_the_gradient_of_each_term(self):
        def adversary():
            critics = {"one": made(Critic), "two": made(Critic, seed=1)}
            return ganzoo.Adversary(
                critics, regularizers={}, feature_matching={"weight": 2.0}, critic_weights={"two": 0.1}, weight=0.3
            )

        terms = adversary().generator_loss(data(0), real=data(1), observe=True)
        fake, real, expected = data(0).requires_grad_(), data(1), {}
        for name, seed, weight in (("one", 0, 0.3), ("two", 1, 0.03)):
            critic = made(Critic, seed=seed)
            out, aim = critic(fake), critic(real).features[0].detach()
            matching = 2 * (out.features[0] - aim).abs().mean()
            for term, value in (("adversarial", -out.logits.mean()), ("feature_matching", matching)):
                gradient = torch.autograd.grad(weight * value, fake, retain_graph=True)[0]
                expected[f"{name}/{term}"] = gradient.norm()
        assert terms.gradient_norms.keys() == expected.keys() == terms.weighted.keys()
        for name, norm in expected.items():
            torch.testing.assert_close(terms.gradient_norms[name], norm)
        unobserved = adversary().generator_loss(data(0), real=data(1))
        assert unobserved.gradient_norms == {}  # each takes a backward pass
        assert torch.equal(unobserved.total, terms.total)
        assert torch.equal(unobserved.gradient_norm, terms.gradient_norm)

    def test_the_norm_of_a_single_term_costs_nothing(self):
        terms = ganzoo.Adversary(made(Critic), weight=0.5).generator_loss(data(0))
        torch.testing.assert_close(terms.gradient_norms, {"critic/adversarial": terms.gradient_norm})

    def test_several_maps_are_added_or_averaged(self):
        class Two(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = made(Critic)

            def forward(self, images):
                logits = self.inner(images).logits
                return DiscriminatorOutput(logits, extra_logits=(3 * logits,))

        total, mean = (ganzoo.Adversary(Two(), maps=maps).generator_loss(data(0)).total for maps in ("sum", "mean"))
        torch.testing.assert_close(total, 2 * mean)

    def test_the_sides_of_two_losses(self):
        """VQGAN with vanilla: a logistic loss for D, −E D for G."""
        adversary = ganzoo.Adversary(made(Critic), loss="bce", generator_loss="hinge")
        torch.testing.assert_close(
            adversary.generator_loss(data(0)).total.detach(), -made(Critic)(data(0)).logits.mean().detach()
        )
        logs = adversary.update(fake=data(0), real=data(1))
        real, fake = (made(Critic)(data(step)).logits for step in (1, 0))
        torch.testing.assert_close(
            logs["critic/adversarial"], (F.softplus(-real).mean() + F.softplus(fake).mean()).detach()
        )


def test_what_critics_share_is_clipped_once():
    def critics():
        trunk = made(lambda: nn.Conv2d(3, 4, 3))
        return {name: nn.Sequential(trunk, made(lambda: nn.Conv2d(4, 1, 3), seed)) for seed, name in enumerate("ab")}

    adversary = ganzoo.Adversary(critics(), optimizer=sgd, clip_grad_norm=1e-3)
    free = ganzoo.Adversary(critics(), optimizer=sgd, clip_grad_norm=1e9)
    before = [parameter.detach().clone() for parameter in adversary.parameters()]
    logs = adversary.update(fake=data(0), real=data(1))
    seen = free.update(fake=data(0), real=data(1))
    for name in ("a/grad_norm", "b/grad_norm"):
        torch.testing.assert_close(logs[name], seen[name])
    factor = 1e-3 / torch.stack([seen["a/grad_norm"], seen["b/grad_norm"]])
    for was, is_, unclipped, share in zip(
        before,
        adversary.parameters(),
        free.parameters(),
        (factor.min(),) * 2 + (factor[0],) * 2 + (factor[1],) * 2,
        strict=True,
    ):
        torch.testing.assert_close(is_ - was, share * (unclipped - was), rtol=1e-3, atol=1e-8)


class Shifted(nn.Module):
    """Logits that are a multiple of the sample's mean: data at ±1 are told apart as far as it is steep."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, images):
        return self.slope * images.flatten(1).mean(1)


def test_printed_it_says_when_it_acts_and_how_far_it_is():
    """A start that lies beyond the training is seen there."""
    adversary = ganzoo.Adversary(made(Critic), loss="bce", weight=0.5, start=2)
    adversary.update(fake=data(0), real=data(1))
    assert "start: 2, ramp: 0, every: 1, steps made: 1" in str(adversary)
    assert "loss: Bce" in str(adversary)


@pytest.mark.parametrize("side", ["both", "the generator's alone"])
def test_what_a_loss_could_learn_gets_no_gradient_from_the_generators_side(side):
    class Learned(nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = nn.Parameter(torch.ones(()))

        def discriminator_loss(self, *, real, fake):
            return (fake - real).mean()

        def generator_loss(self, *, fake):
            return -(self.slope * fake).mean()

    loss, fake = Learned(), data(0).requires_grad_()
    given = {"loss": loss} if side == "both" else {"loss": "hinge", "generator_loss": loss}
    ganzoo.Adversary(made(Critic), regularizers=(), **given).generator_loss(fake).total.backward()
    assert loss.slope.grad is None
    assert loss.slope.requires_grad
    assert fake.grad.abs().sum() > 0


def test_labels_from_an_encoder_leave_it_no_gradient():
    class Labelled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3 * 16 * 16, 4)

        def forward(self, images, labels):
            return (self.layer(images.flatten(1)) * labels).sum(1)

    encoder = nn.Linear(2, 4)
    labels = encoder(torch.ones(4, 2))
    adversary = ganzoo.Adversary(Labelled())
    adversary.generator_loss(data(0).requires_grad_(), real_labels=labels, fake_labels=labels).total.backward()
    adversary.update(fake=data(0), real=data(1), real_labels=labels, fake_labels=labels)
    assert encoder.weight.grad is None
    labels.sum().backward()  # the user's own pass finds its graph


@pytest.mark.parametrize(
    "compiler", [torch.jit.script, lambda critic: torch.jit.trace(critic, data(0))], ids=["script", "trace"]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_critic_of_torchscript(compiler):
    def step(critic):
        fake = data(0).requires_grad_()
        adversary = ganzoo.Adversary(critic, optimizer=sgd)
        adversary.generator_loss(fake).total.backward()
        adversary.update(fake=fake, real=data(1))
        return [fake.grad, *critic.parameters()]

    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 4, 2), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4))
    for found, expected in zip(step(compiler(copy.deepcopy(plain))), step(plain), strict=True):
        torch.testing.assert_close(found, expected)


def test_what_is_logged_already_is_read_without_the_rest():
    class Talkative(nn.Module):
        def discriminator_loss(self, *, real, fake):
            return (fake - real).mean()

        def generator_loss(self, *, fake):
            return -fake.mean()

        def diagnostics(self, *, real, fake):
            raise ArithmeticError("asked")

    logs = ganzoo.Adversary(made(Critic), loss=Talkative(), regularizers=()).update(fake=data(0), real=data(1))
    assert logs["critic/adversarial"].isfinite()
    assert logs
    with pytest.raises(ArithmeticError, match="asked"):
        logs["critic/accuracy/real"]


class TestStanding:
    @pytest.mark.parametrize(
        ("loss", "words", "real", "fake"),
        [
            *((loss, "D won", 50.0, -50.0) for loss in ("hinge", "bce", "relativistic")),
            *((loss, "D blind", 0.3, 0.3) for loss in ("hinge", "bce", "relativistic", "lsgan", "wgan")),
            *((loss, "normal", 0.4, -0.4) for loss in ("hinge", "bce", "relativistic")),
            ("lsgan", "D won", 1.0, 0.0),
            ("lsgan", "normal", 0.8, 0.2),
            ("wgan", "normal", 50.0, -50.0),
        ],
    )
    def test_it_is_that_of_the_loss(self, loss, words, real, fake):
        """No threshold on logits is right for all: LSGAN's best are 1 and 0, and WGAN's have no end."""
        ones = torch.ones(2, 3, 4, 4)
        logs = ganzoo.Adversary(Shifted(1.0), loss=loss).update(fake=fake * ones, real=real * ones)
        assert logs.standings() == {"critic": words}

    def test_it_is_that_of_all_parts_and_of_each_critic(self):
        adversary = ganzoo.Adversary({"seeing": Shifted(1.0), "blind": Shifted(0.0)})
        ones = torch.ones(2, 3, 4, 4)
        adversary.update(fake=ones, real=ones, part=(0, 2))
        logs = adversary.update(fake=-ones, real=ones, part=(1, 2))
        # Of the last part alone the first critic would have won.
        assert logs.standings() == {"seeing": "normal", "blind": "D blind"}

    def test_without_an_update_there_is_none(self):
        logs = ganzoo.Adversary(made(Critic), start=1).update(fake=data(0), real=data(1))
        assert logs == {}
        assert logs.standings() == {}

    def test_a_loss_that_adapts_is_asked_before_it_does(self):
        """Logs are read when the update is over, and BEGAN's balance has moved by then."""
        adversary = ganzoo.Adversary(
            Shifted(-1.0), loss={"name": "began", "gamma": 0.5, "lambda_k": 0.1}, optimizer=sgd
        )
        ones = torch.ones(2, 3, 4, 4)  # real −1, fake −0.25: k grows by λ (γ · 1 − 0.25)
        first, second = (adversary.update(fake=0.25 * ones, real=ones) for _ in range(2))
        assert (first["critic/began/k"].item(), second["critic/began/k"].item()) == (0, pytest.approx(0.025))

    def test_what_is_kept_of_it_is_plain_numbers(self):
        logs = ganzoo.Adversary(made(Critic)).update(fake=data(0), real=data(1))
        file = io.BytesIO()
        torch.save(logs, file)
        file.seek(0)
        assert torch.load(file, weights_only=True) == dict(logs)


class TestTwoLosses:
    """``generator_loss=`` takes nothing away of what either loss does besides."""

    def test_the_logs_are_those_of_the_discriminators_loss(self):
        def logs(**given):
            found = ganzoo.Adversary(Shifted(1.0), optimizer=sgd, **given).update(fake=0.4 * ones, real=0.6 * ones)
            return {name: float(value) for name, value in found.items()}

        ones = torch.ones(2, 3, 4, 4)
        for loss in ("lsgan", "relativistic", "wgan", "hinge"):
            assert logs(loss=loss, generator_loss="bce", regularizers={}) == logs(loss=loss, regularizers={})

    @pytest.mark.parametrize("given", [{"loss": "began"}, {"loss": "hinge"}], ids=["began", "hinge"])
    def test_both_adapt_and_are_saved(self, given):
        annealed = {"name": "top-k", "decay": 0.5, "every": 1}
        one, two = (ganzoo.Adversary(made(Critic), **given, generator_loss=annealed, regularizers={}) for _ in range(2))
        trained(one, steps=range(2))
        assert one._steps["critic"].objective.loss.generator.updates == 2
        if given["loss"] == "began":
            assert one._steps["critic"].objective.loss.discriminator.k > 0
        two.load_state_dict(copy.deepcopy(one.state_dict()))
        for adversary in (one, two):
            trained(adversary, steps=range(2, 4))
        assert str(one.state_dict()) == str(two.state_dict())
        with pytest.raises(CheckpointError):
            ganzoo.Adversary(made(Critic), **given, generator_loss="hinge", regularizers={}).load_state_dict(
                one.state_dict()
            )

    def test_a_loss_for_both_adapts_once(self):
        loss = ganzoo.build("loss", "top-k", spec=DataSpec(shape=(3, 16, 16)))
        ganzoo.Adversary(made(Critic), loss, generator_loss=loss, regularizers={}).update(fake=data(0), real=data(1))
        assert loss.updates == 1

    @pytest.mark.parametrize("real", [50.0, 0.4])
    def test_how_the_game_stands_is_said_by_the_discriminators(self, real):
        ones = torch.ones(2, 3, 4, 4)
        adversary = ganzoo.Adversary(Shifted(1.0), "hinge", generator_loss="top-k")
        standing = adversary.update(fake=-real * ones, real=real * ones).standings()
        assert standing == {"critic": "D won" if real > 1 else "normal"}


class TestPairs:
    """Features of each fake and of the real sample in its place differ by the data alone."""

    @pytest.mark.parametrize("drop", [0.0, 0.5])
    @pytest.mark.parametrize("augment", [None, {"diffaugment": {}}])
    def test_features_of_equal_data_are_equal(self, augment, drop):
        class Dropping(Critic):
            def forward(self, images):
                out = super().forward(F.dropout(images, drop))
                return DiscriminatorOutput(out.logits, features=out.features)

        adversary = ganzoo.Adversary(made(Dropping), feature_matching={}, augment=augment)
        fake = data(0).requires_grad_()
        terms = adversary.generator_loss(fake, real=data(0))
        assert float(terms.values["critic/feature_matching"]) == 0
        other = adversary.generator_loss(fake, real=data(1))
        assert float(other.values["critic/feature_matching"]) > 0
        unequal = ganzoo.Adversary(made(Dropping), regularizers={"feature-matching": {}}, augment=augment)
        unequal.generator_loss(fake, real=data(1, 3))  # means over batches need no pairs

    def test_without_pairs_both_sides_draw_as_they_did(self):
        """A loss compares pairs of verdicts, not of pictures."""
        draws = []

        class Noting(Critic):
            def forward(self, images):
                draws.append(images)
                return super().forward(images)

        adversary = ganzoo.Adversary(made(Noting), "relativistic", augment={"diffaugment": {}})
        adversary.generator_loss(data(0), real=data(0))
        assert not torch.equal(*draws)


class TestBalance:
    def test_last_layer_is_the_ratio_of_gradients_at_the_weight(self):
        decoder, x = made(Decoder), data(0)
        adversary = ganzoo.Adversary(made(Critic), weight=0.8, balance="last-layer")
        fake = decoder(x)
        reference = (fake - x).abs().mean()
        terms = adversary.generator_loss(fake, reference=reference, last_layer=decoder.out.weight)
        own = torch.autograd.grad((decoder(x) - x).abs().mean(), decoder.out.weight)[0].norm()
        adversarial = torch.autograd.grad(-made(Critic)(decoder(x)).logits.mean(), decoder.out.weight)[0].norm()
        torch.testing.assert_close(terms.balance, own / (adversarial + 1e-4))
        alone = -made(Critic)(fake).logits.mean().detach()
        torch.testing.assert_close(terms.total.detach(), alone * terms.balance * 0.8)
        (reference + terms.total).backward()  # the graph is still whole

    def test_the_clamp_of_last_layer(self):
        decoder, x = made(Decoder), data(0)
        adversary = ganzoo.Adversary(
            made(Critic), balance="last-layer", balance_options={"largest": 0.5, "epsilon": 1e-6}
        )
        fake = decoder(x)
        terms = adversary.generator_loss(fake, reference=1e6 * (fake - x).abs().sum(), last_layer=decoder.out.weight)
        assert float(terms.balance) == 0.5

    def test_gradient_normalization_makes_the_gradient_that_of_a_mean(self):
        adversary = ganzoo.Adversary(made(Critic), balance="gradient-normalization")
        fake = data(0).requires_grad_()
        adversary.generator_loss(fake).total.backward()
        assert float(fake.grad.square().sum() * fake.numel()) == pytest.approx(1.0, rel=1e-4)
        factors = [float(adversary.generator_loss(data(step)).balance) for step in range(1, 4)]
        squares = [
            float(torch.autograd.grad(-made(Critic)(x).logits.mean(), x)[0].square().sum() * x.numel())
            for x in (data(step).requires_grad_() for step in range(4))
        ]
        running = 0.0
        for number, square in enumerate(squares):
            running = 0.9 * running + 0.1 * square
            if number:
                assert factors[number - 1] == pytest.approx((running / (1 - 0.9 ** (number + 1))) ** -0.5, rel=1e-4)

    @pytest.mark.parametrize("balance", ["gradient-normalization", "balancer"])
    @pytest.mark.parametrize("spoilt", [0, 1, 2])
    def test_a_batch_that_is_not_finite_leaves_the_mean_as_it_was(self, balance, spoilt):
        def factors(without):
            adversary = ganzoo.Adversary(made(Critic), "bce", balance=balance)
            found = []
            for step in range(5):
                x = data(step) if step != spoilt else data(step) * torch.nan
                if step != spoilt or not without:
                    fake = x.requires_grad_()
                    found.append(float(adversary.generator_loss(fake, reference=fake.square().mean()).balance))
            return found

        tolerance = 0.4 if spoilt == 0 else 0.2  # a first batch has nothing before it, and later ones weigh alike
        assert factors(without=False)[spoilt + 1 :] == pytest.approx(factors(without=True)[spoilt:], rel=tolerance)

    def test_the_balancer_gives_the_adversarial_gradient_its_share_of_the_norm(self):
        adversary = ganzoo.Adversary(made(Critic), weight=0.25, balance="balancer")
        fake = data(0).requires_grad_()
        reference = (fake - data(1)).square().mean()
        terms = adversary.generator_loss(fake, reference=reference)
        own = torch.autograd.grad(reference, fake, retain_graph=True)[0].norm()
        torch.testing.assert_close(terms.gradient_norm, 0.25 * own)

    @pytest.mark.parametrize(
        ("balance", "given", "words"),
        [
            ("last-layer", {}, "reference=None"),
            ("balancer", {}, "reference=None"),
            (
                "last-layer",
                {"reference": torch.ones((), requires_grad=True), "last_layer": torch.ones(1)},
                "does not",
            ),
        ],
    )
    def test_what_is_missing_is_named(self, balance, given, words):
        adversary = ganzoo.Adversary(made(Critic), balance=balance)
        with pytest.raises(ConfigError, match=words):
            adversary.generator_loss(made(Decoder)(data(0)), **given)


class TestShapes:
    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (nn.Conv1d(2, 1, 3), (2, 40)),
            (nn.Conv3d(1, 1, 3), (1, 6, 7, 8)),
            (nn.Linear(5, 1), (5,)),
            (nn.Conv2d(3, 1, 3), (3, 9, 14)),
        ],
        ids=["audio", "volume", "vectors", "pictures"],
    )
    def test_any_rank_and_any_length(self, layer, shape):
        adversary = ganzoo.Adversary(copy.deepcopy(layer), regularizers={"r1": {"weight": 1.0}})
        for longer in (0, 3) if len(shape) > 1 else (0,):
            size = (*shape[:-1], shape[-1] + longer)
            random = torch.Generator().manual_seed(longer)
            real, fake = (torch.randn(4, *size, generator=random) for _ in range(2))
            fake.requires_grad_()
            adversary.generator_loss(fake, real=real).total.backward()
            assert fake.grad.abs().sum() > 0
            adversary.update(fake=fake, real=real)

    def test_a_condition_goes_with_both_sides(self):
        critic = made(lambda: Critic(channels=4))
        adversary = ganzoo.Adversary(copy.deepcopy(critic), loss="lsgan", optimizer=sgd)
        condition = data(5)[:, :1]
        fake = data(0).requires_grad_()
        total = adversary.generator_loss(fake, condition=condition).total
        expected = ganzoo.build("loss", "lsgan").generator_loss(fake=critic(torch.cat([fake, condition], 1)).logits)
        torch.testing.assert_close(total, expected)
        with pytest.raises(ConfigError, match="concatenated to the channels"):
            adversary.update(fake=fake, real=data(1), condition=condition[:, :, :4])

    def test_ganzoos_own_critics(self):
        critic = ganzoo.build("discriminator", "patchgan-sn", spec=DataSpec(shape=(3, 16, 16)), ndf=4)
        adversary = ganzoo.Adversary(critic)
        trained(adversary, steps=range(2))

    def test_under_autocast_critics_are_computed_in_full(self):
        adversary = ganzoo.Adversary(made(Critic), weight=2.0)
        fake = data(0)
        with torch.autocast("cpu", torch.bfloat16):
            total = adversary.generator_loss(fake.bfloat16()).total
        expected = -2 * made(Critic)(fake.bfloat16().float()).logits.mean()
        torch.testing.assert_close(total.detach(), expected.detach())


def test_a_look_without_gradients_needs_none_of_the_loss_that_a_balance_compares_with():
    adversary = ganzoo.Adversary(made(Critic), balance="last-layer", weight=0.5)
    decoder = made(Decoder)
    with torch.no_grad():
        y = decoder(data(0))
        terms = adversary.generator_loss(y, real=data(1), reference=y.abs().mean(), last_layer=decoder.out.weight)
    assert terms.balance == 1
    assert terms.total.isfinite()


def test_fakes_without_a_graph_are_warned_of_once(caplog):
    adversary = ganzoo.Adversary(made(Critic))
    for _ in range(2):
        adversary.generator_loss(made(Decoder)(data(0)).detach())
    assert caplog.text.count("fake has no graph") == 1
    assert "do not detach it" in caplog.text


def test_real_and_fake_that_are_swapped_are_warned_of_once(caplog):
    adversary = ganzoo.Adversary(made(Critic))
    y = made(Decoder)(data(0))
    for _ in range(2):
        adversary.update(fake=data(1), real=y)
    assert caplog.text.count("they seem to be swapped: update(fake=y, real=x)") == 1
    adversary.generator_loss(data(1), real=y)
    assert "they seem to be swapped: generator_loss(y, real=x)" in caplog.text
    caplog.clear()
    other = ganzoo.Adversary(made(Critic))
    for fake, real in ((y, data(1)), (y.detach(), data(1)), (y, y)):
        other.update(fake=fake, real=real)
    assert caplog.text == ""


def test_a_critic_that_is_not_finite_is_not_called_normal():
    adversary = ganzoo.Adversary(made(Critic))
    logs = adversary.update(fake=torch.full((4, 3, 16, 16), float("nan")), real=data(0))
    assert logs.standings() == {"critic": "NaN"}


def test_the_protocols_are_there_without_an_import_of_their_own():
    assert ganzoo.protocols.DataSpec is DataSpec
