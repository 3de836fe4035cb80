"""Regularizers that compare what the discriminator says: hand computation, plain loops, and the known mistakes."""

from __future__ import annotations

import math

import pytest
import torch
from ganzoo_regularizers.centering import Centering
from ganzoo_regularizers.consistency import Consistency
from ganzoo_regularizers.feature_matching import FeatureMatching
from ganzoo_regularizers.flip_and_shift import DRAWS, flipped_and_shifted
from ganzoo_regularizers.lecam import Lecam
from ganzoo_regularizers.pull_away import PullAway
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput, StepView

IMAGES = DataSpec(shape=(1, 8, 8))
VECTORS = DataSpec(shape=(2,))


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def no_critic(images, labels):
    raise AssertionError("the critic was asked")


def view_of(player="discriminator", *, real=None, fake=None, outputs=(None, None), critic=no_critic, **changes):
    real = draw(4, 1, 8, 8) if real is None else real
    fake = draw(len(real), 1, 8, 8, seed=1) if fake is None else fake
    parts = {
        "player": player,
        "network": nn.Identity(),
        "real": real,
        "fake": fake,
        "real_labels": None,
        "fake_labels": None,
        "z": draw(len(fake), 3, seed=2),
        "real_output": outputs[0],
        "fake_output": outputs[1] or DiscriminatorOutput(logits=torch.zeros(len(fake))),
        "critic": critic,
        "plain_critic": critic,
        "generate": lambda z, labels: z,
        "augment": lambda images: images,
        "random": torch.Generator().manual_seed(0),
    }
    return StepView(**parts | changes)


def logits_view(real, fake, *, further=((), ()), player="discriminator"):
    outputs = tuple(
        DiscriminatorOutput(
            logits=torch.as_tensor(side, dtype=torch.float64),
            extra_logits=tuple(torch.as_tensor(one, dtype=torch.float64) for one in more),
        )
        for side, more in zip((real, fake), further, strict=True)
    )
    return view_of(player, real=torch.zeros(len(real), 1, 8, 8), outputs=outputs)


class TestLecam:
    def lecam(self, **options):
        return Lecam(**options).build(IMAGES)

    def step(self, part, *batches, player="discriminator"):
        values = []
        for real, fake in batches:
            terms = part.discriminator_terms(logits_view(real, fake))
            values.append(terms["lecam"].item() if terms else None)
        part.after_step(player, nn.Identity())
        return values

    def test_a_sequence_by_hand(self):
        part = self.lecam(decay=0.5)
        # Averages begin at the first means, (2, -1): relu(r + 1)² and relu(2 - f)², (4 + 16)/2 + (16 + 4)/2.
        assert self.step(part, ([1.0, 3.0], [-2.0, 0.0])) == pytest.approx([20])
        # (1, -0.5): relu(r + ½)² is 2.25 and 0, relu(1 - f)² is 0 and 4.
        assert self.step(part, ([1.0, -1.0], [1.0, -1.0])) == pytest.approx([(2.25 + 0) / 2 + (0 + 4) / 2])
        # (2.5, 0.75): 3.25² twice, 0.5² twice.
        assert self.step(part, ([4.0, 4.0], [2.0, 2.0])) == pytest.approx([3.25**2 + 0.5**2])
        assert part.state_dict()["averages"].flatten().tolist() == pytest.approx([2.5, 0.75])

    def test_before_start_the_averages_follow_and_the_term_is_off(self):
        part = self.lecam(decay=0.5, start=2)
        assert self.step(part, ([1.0], [-1.0])) == [None]
        assert self.step(part, ([5.0], [3.0])) == [None]
        assert part.state_dict()["averages"].flatten().tolist() == [5, 3]
        # (4, 2): relu(3 - 2)² and relu(4 - 1)².
        assert self.step(part, ([3.0], [1.0])) == pytest.approx([1 + 9])

    def test_the_averages_are_the_other_sides_and_carry_no_gradient(self):
        real, fake = (torch.tensor(side, dtype=torch.float64, requires_grad=True) for side in ([2.0, 0.5], [0.0, -1.0]))
        part = self.lecam(decay=0.9)
        self.step(part, ([1.0], [-1.0]))
        view = view_of(outputs=(DiscriminatorOutput(real), DiscriminatorOutput(fake)), real=torch.zeros(2, 1, 8, 8))
        part.discriminator_terms(view)["lecam"].backward()
        average_r, average_f = 0.9 * 1 + 0.1 * 1.25, -0.9 - 0.1 * 0.5
        assert real.grad.tolist() == pytest.approx([2.0 - average_f, 0.5 - average_f])
        assert fake.grad.tolist() == pytest.approx([-average_r, -(average_r + 1)])

    def test_patches_are_meant_and_each_map_has_averages_of_its_own(self):
        part = self.lecam(decay=0.5)
        maps = torch.tensor([[1.0, 3.0], [2.0, 2.0]]).view(2, 1, 1, 2)
        view = logits_view(maps, -maps, further=([[10.0, 12.0]], [[-4.0, -4.0]]))
        # First map: averages (2, -2): E(r + 2)² = 16.5, twice. Second: (11, -4): E(r + 4)² = 226, E(11 + 4)² = 225.
        assert part.discriminator_terms(view)["lecam"].item() == pytest.approx(2 * 16.5 + 226 + 225)
        part.after_step("discriminator", nn.Identity())
        assert part.state_dict()["averages"].tolist() == [[2, 11], [-2, -4]]

    @given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
    def test_micro_batches_move_the_averages_as_one_batch_does(self, sizes, seed):
        whole, parts = self.lecam(), self.lecam()
        for update in range(3):
            real, fake = draw(sum(sizes), seed=seed + update), draw(sum(sizes), seed=seed + update + 7)
            self.step(whole, (real, fake))
            self.step(parts, *zip(real.split(sizes), fake.split(sizes), strict=True))
        assert torch.allclose(whole.state_dict()["averages"], parts.state_dict()["averages"], rtol=1e-12)
        assert torch.equal(whole.state_dict()["updates"], torch.tensor(3))
        assert torch.equal(parts.state_dict()["updates"], torch.tensor(3))

    def test_what_was_only_looked_at_moves_nothing(self):
        part = self.lecam()
        self.step(part, ([1.0], [-1.0]))
        before = part.state_dict()
        self.step(part, ([9.0], [9.0]), player="generator")
        part.after_step("discriminator", nn.Identity())
        assert all(torch.equal(part.state_dict()[name], value) for name, value in before.items())

    def test_the_state_goes_on_where_it_was(self):
        batches = [([1.0, 2.0], [0.0, -1.0]), ([0.5, 0.0], [-1.0, 2.0]), ([3.0, 1.0], [1.0, 1.0])]
        whole, first, second = (self.lecam(start=1) for _ in range(3))
        values = [self.step(whole, batch) for batch in batches]
        assert self.step(first, batches[0]) == values[0]
        second.load_state_dict(first.state_dict())
        assert [self.step(second, batch) for batch in batches[1:]] == values[1:]

    def test_the_state_of_a_beginning_can_be_saved(self):
        part = self.lecam()
        part.load_state_dict(self.lecam().state_dict())
        assert self.step(part, ([1.0], [-1.0])) == pytest.approx([8])

    def test_it_says_what_it_is(self):
        assert Lecam().tags() == {"batch_nonlinear"}
        assert Lecam().weight == 0.3
        assert self.lecam().generator_terms(logits_view([1.0], [1.0], player="generator")) == {}
        with pytest.raises(ConfigError, match="none on real data"):
            self.lecam().discriminator_terms(view_of())


def features_view(real, fake, player="generator", counts=()):
    """Real and fake features: one tensor, or a tuple of layers, each; of as many critics as there are counts."""
    outputs = tuple(
        DiscriminatorOutput(
            logits=torch.zeros(2, dtype=torch.float64),
            features=side if isinstance(side, tuple) else (side,),
            feature_counts=counts,
        )
        for side in (real, fake)
    )
    return view_of(player, outputs=outputs)


def matched(real, fake, counts=(), **options):
    terms = FeatureMatching(**options).generator_terms(features_view(real, fake, counts=counts))
    assert list(terms) == ["feature_matching"]
    return terms["feature_matching"]


class TestFeatureMatching:
    @pytest.mark.parametrize("norm", ["l2", "sum", "l1"])
    def test_against_a_loop(self, norm):
        real, fake = draw(5, 2, 3, 3), draw(7, 2, 3, 3, seed=1)
        differences = []
        for channel in range(2):
            for y in range(3):
                for x in range(3):
                    expected = sum(real[i, channel, y, x].item() for i in range(5)) / 5
                    got = sum(fake[i, channel, y, x].item() for i in range(7)) / 7
                    differences.append(expected - got)
        squares = [difference**2 for difference in differences]
        by_hand = {"l2": sum(squares) / 18, "sum": sum(squares), "l1": sum(map(abs, differences)) / 18}
        assert matched(real, fake, norm=norm).item() == pytest.approx(by_hand[norm], rel=1e-12)

    def test_expectations_and_not_pairs(self):
        real = draw(6, 4)
        assert matched(real, real[torch.randperm(6)]).item() == pytest.approx(0, abs=1e-30)
        spread = torch.cat([real + 5, real - 5])
        assert matched(real, spread).item() == pytest.approx(0, abs=1e-28)
        assert (real - real.roll(1, 0)).square().mean() > 0.1

    def test_pairs_where_each_fake_has_its_target(self):
        """A reconstruction that comes back in another order is as good as any to expectations, and wrong to pairs."""
        real = draw(6, 4)
        turned = real.roll(1, 0)
        assert matched(real, turned).item() == pytest.approx(0, abs=1e-30)
        by_hand = sum(abs(real[n, j] - turned[n, j]).item() for n in range(6) for j in range(4)) / 24
        assert matched(real, turned, pair="sample", norm="l1").item() == pytest.approx(by_hand, rel=1e-12)
        assert matched(real, real, pair="sample").item() == 0
        with pytest.raises(ConfigError, match="in its place"):
            matched(real, draw(5, 4), pair="sample")

    def test_all_layers_are_added_or_averaged_and_each_may_be_relative(self):
        real, fake = (draw(3, 2), draw(3, 5)), (draw(3, 2, seed=1), draw(3, 5, seed=1))
        pairs = {"pair": "sample", "norm": "l1"}
        each = [matched(real, fake, layer=layer, **pairs).item() for layer in (0, 1)]
        assert matched(real, fake, layer="all", **pairs).item() == pytest.approx(sum(each), rel=1e-12)
        averaged = matched(real, fake, layer="all", average="layers", **pairs).item()
        assert averaged == pytest.approx(sum(each) / 2, rel=1e-12)
        relative = matched(real, fake, layer="all", relative=True, **pairs).item()
        by_hand = sum(distance / side.abs().mean().item() for distance, side in zip(each, real, strict=True))
        assert relative == pytest.approx(by_hand, rel=1e-12)
        silent = torch.zeros(3, 2, dtype=torch.float64)  # a layer that is dead on real and on fake data
        assert matched((silent,), (silent,), layer="all", relative=True, **pairs).item() == 0

    @pytest.mark.parametrize(
        ("average", "by_hand"),
        [
            ("none", lambda a, b, c: a + b + c),
            ("layers", lambda a, b, c: (a + b) / 2 + c),
            ("critics", lambda a, b, c: (a + b + c) / 2),
            ("both", lambda a, b, c: ((a + b) / 2 + c) / 2),
        ],
    )
    def test_layers_and_critics_are_averaged_apart(self, average, by_hand):
        """Two layers of one critic and one of another; a critic without features does not count."""
        real, fake = (tuple(draw(3, width, seed=seed + width) for width in (2, 5, 4)) for seed in (0, 50))
        pairs = {"pair": "sample", "norm": "l1"}
        each = [matched(real, fake, layer=layer, **pairs).item() for layer in (0, 1, 2)]
        found = matched(real, fake, counts=(2, 0, 1), layer="all", average=average, **pairs)
        assert found.item() == pytest.approx(by_hand(*each), rel=1e-12)

    def test_only_the_fake_side_learns(self):
        real, fake = draw(3, 4).requires_grad_(True), draw(3, 4, seed=1).requires_grad_(True)
        matched(real, fake).backward()
        assert real.grad is None
        expected = -2 * (real.mean(0) - fake.mean(0)).detach() / 4 / 3
        assert torch.allclose(fake.grad, expected.expand(3, 4))

    def test_the_layer_is_chosen(self):
        real, fake = (draw(3, 2), draw(3, 5)), (draw(3, 2), draw(3, 5, seed=1))
        assert matched(real, fake, layer=0).item() == 0
        assert matched(real, fake).item() == matched(real, fake, layer=1).item() > 0
        with pytest.raises(ConfigError, match="layer 2"):
            matched(real, fake, layer=2)

    def test_features_in_half_precision_are_compared_in_full(self):
        real, fake = draw(64, 3).bfloat16(), draw(64, 3, seed=1).bfloat16()
        assert matched(real, fake).item() == pytest.approx(matched(real.double(), fake.double()).item(), rel=1e-12)

    def test_what_is_missing_is_named(self):
        with pytest.raises(ConfigError, match="returns none"):
            matched((), ())
        with pytest.raises(ConfigError, match="were not computed"):
            FeatureMatching().generator_terms(view_of("generator"))
        assert FeatureMatching().discriminator_terms(features_view(draw(2, 2), draw(2, 2))) == {}

    def test_only_it_says_so(self):
        tags = FeatureMatching().tags()
        assert tags == {"needs_real_output", "needs_features", "batch_nonlinear"}
        assert FeatureMatching(only=True).tags() == tags | {"replaces_generator_loss"}


def pulled(encodings, **options):
    terms = PullAway(**options).generator_terms(features_view(draw(2, 2), encodings))
    assert list(terms) == ["pull_away"]
    return terms["pull_away"].item()


class TestPullAway:
    @pytest.mark.parametrize("shape", [(2, 3), (5, 4), (4, 2, 3, 3)])
    def test_against_a_loop(self, shape):
        encodings = draw(*shape)
        rows = encodings.flatten(1).tolist()
        total = 0.0
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                if i != j:
                    lengths = math.hypot(*one) * math.hypot(*other)
                    total += (sum(a * b for a, b in zip(one, other, strict=True)) / lengths) ** 2
        assert pulled(encodings) == pytest.approx(total / len(rows) / (len(rows) - 1), rel=1e-12)

    def test_opposite_encodings_are_as_bad_as_equal_ones(self):
        encoding = draw(1, 5)
        assert pulled(torch.cat([encoding, 3 * encoding])) == pytest.approx(1)
        # Without the square this is -1, and G is rewarded for it.
        assert pulled(torch.cat([encoding, -encoding])) == pytest.approx(1)
        assert pulled(torch.eye(4).double()) == 0

    def test_an_encoding_of_zero_is_finite(self):
        encodings = torch.cat([torch.zeros(1, 3), torch.ones(1, 3)]).double().requires_grad_(True)
        term = PullAway().generator_terms(features_view(draw(2, 2), encodings))["pull_away"]
        term.backward()
        assert term == 0
        assert encodings.grad.isfinite().all()

    def test_it_pulls_apart(self):
        encodings = torch.tensor([[1.0, 0.5], [1.0, -0.5]], dtype=torch.float64, requires_grad=True)
        PullAway().generator_terms(features_view(draw(2, 2), encodings))["pull_away"].backward()
        better = encodings.detach() - 0.1 * encodings.grad
        assert pulled(better) < pulled(encodings.detach())

    def test_what_it_cannot_compute_it_says(self):
        with pytest.raises(ConfigError, match="no pair"):
            pulled(draw(1, 4))
        with pytest.raises(ConfigError, match="returns none"):
            pulled(())
        assert PullAway().discriminator_terms(features_view(draw(2, 2), draw(2, 2))) == {}
        assert PullAway().tags() == {"needs_features", "batch_nonlinear", "needs_two_samples"}
        assert PullAway().weight == 0.1


def moved_by_loop(image, flip, down, across):
    _, height, width = image.shape
    most_y, most_x = height // 8, width // 8
    down, across = math.floor(down * (2 * most_y + 1)) - most_y, math.floor(across * (2 * most_x + 1)) - most_x
    result = torch.empty_like(image)
    for y in range(height):
        for x in range(width):
            from_y, from_x = abs(y - down), abs(x - across)
            from_y = 2 * (height - 1) - from_y if from_y >= height else from_y
            from_x = 2 * (width - 1) - from_x if from_x >= width else from_x
            result[:, y, x] = image[:, from_y, width - 1 - from_x if flip < 0.5 else from_x]
    return result


class TestFlipAndShift:
    @given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 999))
    def test_against_a_loop(self, height, width, seed):
        images = draw(3, 2, height, width, seed=seed)
        draws = torch.rand(3, DRAWS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        expected = [moved_by_loop(image, *row) for image, row in zip(images, draws.tolist(), strict=True)]
        assert torch.equal(flipped_and_shifted(images, draws), torch.stack(expected))

    def test_half_are_flipped_and_all_shifts_are_alike(self):
        n, side = 4000, 16
        images = torch.zeros(n, 1, side, side)
        images[:, 0, 8, 7] = 1
        draws = torch.rand(n, DRAWS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        place = flipped_and_shifted(images, draws).flatten(1).argmax(1)
        rows, columns = (place // side).bincount(minlength=side), (place % side).bincount(minlength=side)
        assert rows.nonzero().flatten().tolist() == [6, 7, 8, 9, 10]
        assert columns.nonzero().flatten().tolist() == [5, 6, 7, 8, 9, 10]
        assert (rows[6:11] - n / 5).abs().max() < 6 * math.sqrt(n / 5)
        assert (columns[[5, 10]] - n / 10).abs().max() < 6 * math.sqrt(n / 10)

    def test_gradients_flow(self):
        images = draw(2, 1, 3, 9).requires_grad_(True)
        draws = torch.tensor([[0.2, 0.9, 0.9], [0.7, 0.1, 0.1]], dtype=torch.float64)
        assert torch.autograd.gradcheck(lambda x: flipped_and_shifted(x, draws), images)


class Judge:
    """A critic that sees places, and keeps what it was shown."""

    def __init__(self, side=8, patches=False):
        self.weight = torch.linspace(-1, 2, side * side, dtype=torch.float64).view(1, side, side).requires_grad_(True)
        self.patches = patches
        self.shown = []

    def __call__(self, images, labels):
        self.shown.append((images, labels))
        products = self.weight * images
        if self.patches:
            return DiscriminatorOutput(logits=products, extra_logits=(products.mean((2, 3), keepdim=True),))
        return DiscriminatorOutput(logits=products.flatten(1).sum(1))


class Maker:
    """G(z) with a parameter, on images or on vectors."""

    def __init__(self, *shape):
        self.shape = shape
        self.weight = draw(3, math.prod(shape), seed=5).requires_grad_(True)
        self.latents = []

    def __call__(self, z, labels):
        self.latents.append(z)
        return (z @ self.weight).view(-1, *self.shape)


def game_view(player, *, n=4, shape=(1, 8, 8), patches=False, seed=0, rows=slice(None), random=None):
    critic, generate, z = Judge(patches=patches), Maker(*shape), draw(n, 3, seed=2)[rows]
    fake = generate(z, None)
    return view_of(
        player,
        real=draw(n, *shape)[rows],
        fake=fake.detach() if player == "discriminator" else fake,
        critic=critic,
        z=z,
        generate=generate,
        real_labels=torch.arange(n)[rows],
        fake_labels=torch.arange(n)[rows] + 10,
        random=random or torch.Generator().manual_seed(seed),
    )


D_TERMS = {
    "cr": {"consistency_real"},
    "bcr": {"consistency_real", "consistency_fake"},
    "zcr": {"consistency_latent"},
    "icr": {"consistency_real", "consistency_fake", "consistency_latent"},
}


class TestConsistency:
    @pytest.mark.parametrize("variant", D_TERMS)
    def test_who_pays_what(self, variant):
        part = Consistency(variant=variant).build(IMAGES)
        assert part.discriminator_terms(game_view("discriminator")).keys() == D_TERMS[variant]
        of_generator = part.generator_terms(game_view("generator"))
        assert list(of_generator) == (["consistency_latent"] if variant in ("zcr", "icr") else [])

    @pytest.mark.parametrize("patches", [False, True])
    def test_the_terms_are_mean_squares_of_what_the_critic_was_shown(self, patches):
        part, view = Consistency(variant="icr", noise=0.3), game_view("discriminator", patches=patches)
        terms = part.discriminator_terms(view)

        def distance(a, b):
            products = [(view.critic.weight * (x - y)).detach() for x, y in zip(a, b, strict=True)]
            if patches:
                per_place = sum(p.square().sum().item() for p in products) / (64 * len(products))
                return per_place + sum(p.mean().item() ** 2 for p in products) / len(products)
            return sum(p.sum().item() ** 2 for p in products) / len(products)

        shown = [images for images, _ in view.critic.shown]
        fake, real, real_moved, fake_moved, near = shown
        assert torch.equal(fake, view.fake)
        assert torch.equal(real, view.real)
        assert terms["consistency_real"].item() == pytest.approx(10 * distance(real, real_moved), rel=1e-9)
        assert terms["consistency_fake"].item() == pytest.approx(10 * distance(fake, fake_moved), rel=1e-9)
        assert terms["consistency_latent"].item() == pytest.approx(20 * distance(fake, near), rel=1e-9)
        for one, moved in zip([*real, *fake], [*real_moved, *fake_moved], strict=True):
            assert set(moved.flatten().tolist()) <= set(one.flatten().tolist())

    def test_labels_go_with_their_images(self):
        view = game_view("discriminator")
        Consistency(variant="icr").discriminator_terms(view)
        assert [labels[0].item() for _, labels in view.critic.shown] == [10, 0, 0, 10, 10]

    def test_a_constant_critic_pays_nothing(self):
        view = game_view("discriminator")
        view.critic.weight = torch.zeros(1, 8, 8, dtype=torch.float64)
        assert all(term == 0 for term in Consistency(variant="icr").discriminator_terms(view).values())

    def test_both_views_carry_gradient_and_no_image_does(self):
        view = game_view("discriminator")
        terms = Consistency(variant="icr").discriminator_terms(view)
        assert not any(images.requires_grad for images, _ in view.critic.shown)
        _, real, moved, *_ = [images for images, _ in view.critic.shown]
        (gradient,) = torch.autograd.grad(terms["consistency_real"], view.critic.weight, retain_graph=True)
        difference = real - moved
        judged = (view.critic.weight.detach() * difference).flatten(1).sum(1)
        assert torch.allclose(gradient, 10 * 2 * (judged.view(-1, 1, 1, 1) * difference).mean(0))
        sum(terms.values()).backward()
        assert view.generate.weight.grad is None

    def test_the_generators_term_is_subtracted_and_rewards_diversity(self):
        part, view = Consistency(variant="zcr", noise=0.2), game_view("generator")
        term = part.generator_terms(view)["consistency_latent"]
        z, near = view.generate.latents
        moved = (near - z) @ view.generate.weight
        assert term.item() == pytest.approx(-0.5 * moved.square().mean().item(), rel=1e-12)
        assert term < 0
        (gradient,) = torch.autograd.grad(term, view.generate.weight)
        longer = view.generate.weight - 0.1 * gradient
        assert ((near - z) @ longer).square().mean() > moved.square().mean()
        expected = -0.5 * 2 * (near - z).T @ moved.detach() / moved.numel()
        assert torch.allclose(gradient, expected)

    def test_close_latents_are_normal_with_the_given_deviation(self):
        view = game_view("generator", n=4000)
        Consistency(variant="zcr", noise=0.05).generator_terms(view)
        delta = (view.generate.latents[1] - view.generate.latents[0]).flatten() / 0.05
        assert delta.mean().item() == pytest.approx(0, abs=5 / math.sqrt(12000))
        assert delta.square().mean().item() == pytest.approx(1, abs=5 * math.sqrt(2 / 12000))
        assert delta.pow(4).mean().item() == pytest.approx(3, abs=5 * math.sqrt(96 / 12000))
        assert (delta.abs() < 1).double().mean().item() == pytest.approx(0.6827, abs=5 * math.sqrt(0.22 / 12000))

    @pytest.mark.parametrize("variant", D_TERMS)
    def test_micro_batches_are_the_batch(self, variant):
        part = Consistency(variant=variant)
        for player in ("discriminator", "generator"):
            whole, random = game_view(player, n=6), torch.Generator().manual_seed(0)
            parts = [game_view(player, n=6, rows=rows, random=random) for rows in (slice(0, 2), slice(2, 6))]

            def terms(view, player=player):
                return part.discriminator_terms(view) if player == "discriminator" else part.generator_terms(view)

            expected, got = terms(whole), [terms(view) for view in parts]
            for name, value in expected.items():
                assert (got[0][name] / 3 + got[1][name] * 2 / 3).item() == pytest.approx(value.item(), rel=1e-9)

    def test_draws_come_from_the_view_alone(self):
        before = torch.get_rng_state()
        part = Consistency(variant="icr")
        one, two, other = (part.discriminator_terms(game_view("discriminator", seed=seed)) for seed in (0, 0, 1))
        assert all(torch.equal(one[name], two[name]) and not torch.equal(one[name], other[name]) for name in one)
        assert torch.equal(torch.get_rng_state(), before)

    def test_vectors_have_close_latents_only(self):
        for variant in ("cr", "bcr", "icr"):
            of_latents = {"needs_generator"} if variant == "icr" else set()
            assert Consistency(variant=variant).tags() == {"needs_images"} | of_latents
            with pytest.raises(ConfigError, match=r"variant=zcr"):
                Consistency(variant=variant).build(VECTORS)
        part = Consistency(variant="zcr").build(VECTORS)
        assert part.tags() == {"needs_generator"}
        view = game_view("generator", shape=(2,))
        assert part.generator_terms(view)["consistency_latent"] < 0

        def critic(vectors, labels):
            return DiscriminatorOutput(logits=vectors.sum(1))

        view = view_of(real=draw(4, 2), fake=draw(4, 2), critic=critic, z=draw(4, 3), generate=Maker(2))
        assert part.discriminator_terms(view).keys() == {"consistency_latent"}

    def test_batches_of_different_size_are_refused(self):
        with pytest.raises(ConfigError, match="4 real, 3 fake"):
            Consistency().discriminator_terms(view_of(fake=draw(3, 1, 8, 8)))


class TestLecamVariants:
    def values(self, **options):
        """The terms of three updates with a logit map of two samples a side, and the averages after each."""
        part = Lecam(decay=0.75, **options).build(VECTORS)
        batches = [([1.0, -2.0], [0.5, 1.5]), ([2.0, 4.0], [-1.0, 3.0]), ([-3.0, 1.0], [2.0, 0.0])]
        seen = []
        for real, fake in batches:
            terms = part.discriminator_terms(logits_view(real, fake))
            part.after_step("discriminator", nn.Identity())
            seen.append((terms["lecam"].item() if terms else None, part.state_dict()["averages"].flatten().tolist()))
        return batches, seen

    @pytest.mark.parametrize("of", ["logit", "mean"])
    @pytest.mark.parametrize("moves", ["before", "after"])
    @pytest.mark.parametrize("begin", ["batch", "zero"])
    def test_each_by_hand(self, of, moves, begin):
        def squared(x):
            return max(x, 0.0) ** 2

        batches, seen = self.values(of=of, moves=moves, begin=begin)
        averages = [0.0, 0.0] if begin == "zero" else None
        for (real, fake), (term, kept) in zip(batches, seen, strict=True):
            means = [sum(side) / 2 for side in (real, fake)]
            moved = means if averages is None else [0.75 * a + 0.25 * m for a, m in zip(averages, means, strict=True)]
            used = moved if moves == "before" else averages
            r, f = ([means[0]], [means[1]]) if of == "mean" else (real, fake)
            expected = used and (
                sum(squared(x - used[1]) for x in r) / len(r) + sum(squared(used[0] - x) for x in f) / len(f)
            )
            assert term == (expected and pytest.approx(expected, rel=1e-12, abs=1e-12))
            averages = moved
            assert kept == pytest.approx(averages, rel=1e-12)


class TestCentering:
    """Against sums written out, with the weight: 0.01 as in AFM."""

    def value(self, options, *args, **given):
        terms = options.build(VECTORS).discriminator_terms(logits_view(*args, **given))
        return options.weight * terms["centering"].item()

    def test_pairs_are_pulled_to_be_opposite(self):
        by_hand = 0.01 * ((2.0 + -1.0) ** 2 + (-3.0 + 0.5) ** 2) / 2
        assert self.value(Centering(), [2.0, -3.0], [-1.0, 0.5]) == pytest.approx(by_hand, rel=1e-12)
        assert self.value(Centering(), [2.0, -3.0], [-2.0, 3.0]) == 0
        assert self.value(Centering(), [2.0, -3.0], [3.0, -2.0]) != 0  # the means would be opposite too

    def test_the_drift_penalty_sees_real_samples_alone(self):
        options = Centering(of="real", weight=0.001)
        assert self.value(options, [2.0, -3.0], [1.0]) == pytest.approx(0.001 * (4 + 9) / 2, rel=1e-12)

    def test_maps_are_summed(self):
        further = (([[[[1.0, 3.0]]]],), ([[[[1.0, -1.0]]]],))
        by_hand = 0.01 * ((2.0 + 1.0) ** 2 + (2.0**2 + 2.0**2) / 2)
        assert self.value(Centering(), [2.0], [1.0], further=further) == pytest.approx(by_hand, rel=1e-12)

    def test_pairs_of_unequal_batches_are_refused(self):
        with pytest.raises(ConfigError, match="numbers differ"):
            self.value(Centering(), [2.0, -3.0], [1.0])
