"""``ganzoo.SliceCritic`` and ``ganzoo.CropCritic``: the same as a loop by hand, and the same parts within an update."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput
from ganzoo.seeds import generator_for

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


class Map(nn.Module):
    """Logits and two groups of features, of data of one rank; a linear critic for rank 0."""

    def __init__(self, rank: int, channels: int = 2) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layer = CONVOLUTIONS[rank](channels, 3, 3) if rank else nn.Linear(channels, 3)
            last = CONVOLUTIONS[rank](3, 1, 1) if rank else nn.Linear(3, 1)
        self.layer, self.last = layer.double(), last.double()

    def forward(self, x):
        hidden = torch.tanh(self.layer(x))
        logits = self.last(hidden)
        return DiscriminatorOutput(
            logits if hidden.ndim > 2 else logits[:, 0],
            features=(hidden, 2 * hidden, hidden.mean(tuple(range(1, hidden.ndim)))[:, None]),
            extra_logits=(3 * logits,),
            feature_counts=(2, 1),
        )


class PerSample(nn.Module):
    """One logit a sample, from sin, so that its slope differs from place to place."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))

    def forward(self, x):
        return torch.sin(self.scale * x).flatten(1).sum(1)


class Seen(nn.Module):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.bias, self.shown = nn.Parameter(torch.zeros(())), []

    def forward(self, x):
        self.shown.append(x.detach().clone())
        return x.flatten(1).mean(1) + self.bias


def data(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def places(*shape):
    """Data in which every number along an axis tells where it stood: float32, the same in all samples."""
    return (
        torch.arange(torch.Size(shape[1:]).numel(), dtype=torch.float32)
        .reshape(1, *shape[1:])
        .repeat(shape[0], 1, 1, 1)
    )


class TestSlices:
    @pytest.mark.parametrize(
        ("shape", "axis"),
        [((2, 7), 2), ((2, 6, 7), 2), ((2, 6, 7), 3), ((2, 5, 6, 7), 2), ((2, 5, 6, 7), 3), ((2, 5, 6, 7), -1)],
        ids=["signal", "rows", "columns", "sections", "along height", "along width"],
    )
    def test_all_slices_are_a_loop_by_hand(self, shape, axis):
        critic, x = Map(len(shape) - 2), data(3, *shape)
        found = ganzoo.SliceCritic(critic, axis=axis)(x)
        one_by_one = [critic(x.select(axis, place)) for place in range(x.shape[axis])]
        vector = len(shape) == 2
        logits = [out.logits[:, None] if vector else out.logits for out in one_by_one]
        torch.testing.assert_close(found.logits, torch.stack(logits, axis))
        torch.testing.assert_close(
            found.extra_logits[0], torch.stack([out.extra_logits[0] for out in one_by_one], axis)
        )
        for number in range(2):
            expected = torch.stack([out.features[number] for out in one_by_one], axis)
            torch.testing.assert_close(found.features[number], expected)
        pooled = torch.stack([out.features[2] for out in one_by_one], 2)
        torch.testing.assert_close(found.features[2], pooled)  # as many axes as it has
        assert found.logits.ndim == x.ndim
        assert [len(group) for group in found.feature_groups()] == [2, 1]

    def test_k_of_them_are_the_ones_that_the_seed_and_the_count_say(self):
        critic, x = Map(2), data(2, 2, 9, 6, 5)
        slices = ganzoo.SliceCritic(critic, axis=2, k=4, seed=3)
        seen = []
        for update in range(3):
            chosen = sorted(torch.randperm(9, generator=generator_for(3, "slices", update))[:4].tolist())
            expected = torch.stack([critic(x[:, :, place]).logits for place in chosen], 2)
            torch.testing.assert_close(slices(x).logits, expected)
            seen.append(chosen)
            slices.after_update()
        assert len({tuple(each) for each in seen}) == 3

    def test_each_slice_is_drawn_equally_often(self):
        seen, updates = Seen(), 300
        slices = ganzoo.SliceCritic(seen, axis=-1, k=2)
        for _ in range(updates):
            slices(torch.arange(6.0)[None, None])
            slices.after_update()
        counts = torch.stack(seen.shown).long().flatten().bincount(minlength=6)
        assert counts.sum() == 2 * updates
        assert (counts - updates / 3).abs().max() < 4 * (updates * 2 / 9) ** 0.5  # four standard deviations

    def test_just_as_many_slices_as_there_are_draw_nothing(self, monkeypatch):
        slices, x = ganzoo.SliceCritic(Map(1), axis=2, k=6), data(2, 2, 6, 5)
        monkeypatch.setattr(slices, "_random", None)
        torch.testing.assert_close(slices(x).logits, ganzoo.SliceCritic(Map(1), axis=2)(x).logits)

    def test_labels_go_with_each_slice_and_class_logits_are_averaged(self):
        class Labeled(nn.Module):
            def forward(self, x, labels):
                logits = x.mean((1, 2)) + 100 * labels
                return DiscriminatorOutput(logits, class_logits=torch.stack([logits, -logits], 1))

        x, labels = data(3, 2, 4, 5), torch.tensor([0, 1, 2])
        out = ganzoo.SliceCritic(Labeled(), axis=2)(x, labels)
        expected = x.mean((1, 3)) + 100 * labels[:, None]
        torch.testing.assert_close(out.logits, expected[:, None])
        torch.testing.assert_close(out.class_logits, torch.stack([expected.mean(1), -expected.mean(1)], 1))

    def test_r1_is_a_kth_of_that_of_the_slices_one_by_one_and_teaches(self):
        """In closed form: the gradient of mean_k Σ sin(wx) is w cos(wx) / k at what is seen, and 0 elsewhere."""
        x = data(2, 1, 5, 3, 4)
        slices = ganzoo.SliceCritic(PerSample(), axis=2, k=3)
        chosen = sorted(torch.randperm(5, generator=generator_for(0, "slices", 0))[:3].tolist())
        w = slices.critic.scale
        image = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(slices(image).logits.mean((1, 2)).sum(), image, create_graph=True)
        expected = torch.zeros_like(x)
        expected[:, :, chosen] = (w * torch.cos(w * x) / 3)[:, :, chosen].detach()
        torch.testing.assert_close(gradient.detach(), expected)
        (slope,) = torch.autograd.grad(gradient.square().sum(), w)
        by_hand = (w * torch.cos(w * x[:, :, chosen]) / 3).square().sum()
        torch.testing.assert_close(slope, torch.autograd.grad(by_hand, w)[0])
        assert torch.autograd.gradgradcheck(lambda y: slices(y).logits, image)


class TestCrops:
    @pytest.mark.parametrize(
        ("shape", "size"),
        [((2, 11), 5), ((2, 9, 8), (4, 5)), ((2, 7, 6, 8), (3, 6, 4))],
        ids=["signal", "picture", "volume"],
    )
    def test_crops_are_a_loop_by_hand(self, shape, size):
        critic, x = Map(len(shape) - 1), data(3, *shape)
        crops = ganzoo.CropCritic(critic, size=size, crops=3, seed=1)
        crops.after_update()
        random = generator_for(1, "crops", 1)
        sizes = (size,) if isinstance(size, int) else size
        starts = [
            torch.randint(side - part + 1, (3,), generator=random).tolist()
            for side, part in zip(shape[1:], sizes, strict=True)
        ]
        windows = [
            (slice(None), slice(None), *(slice(s, s + part) for s, part in zip(each, sizes, strict=True)))
            for each in zip(*starts, strict=True)
        ]
        one_by_one = [critic(x[window]) for window in windows]
        found = crops(x)
        torch.testing.assert_close(found.logits, torch.cat([out.logits for out in one_by_one], 2))
        torch.testing.assert_close(found.features[1], torch.cat([out.features[1] for out in one_by_one], 2))
        torch.testing.assert_close(found.features[2], torch.stack([out.features[2] for out in one_by_one], 2))
        assert found.logits.ndim == x.ndim
        assert found.feature_counts == (2, 1)

    def test_a_crop_of_everything_is_the_critic_itself(self):
        critic, x = Map(2), data(2, 2, 6, 5)
        found, expected = ganzoo.CropCritic(critic, size=(6, 5))(x), critic(x)
        torch.testing.assert_close(found.logits, expected.logits)
        torch.testing.assert_close(found.features[0], expected.features[0])

    def test_one_logit_a_crop(self):
        assert ganzoo.CropCritic(PerSample(), size=2, crops=4)(data(3, 1, 6, 5)).logits.shape == (3, 1, 4)


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


def kept(adversary):
    file = io.BytesIO()
    torch.save(adversary.state_dict(), file)
    return file.getvalue()


BOTH = pytest.mark.parametrize(
    "wrapped",
    [lambda critic: ganzoo.SliceCritic(critic, axis=2, k=2), lambda critic: ganzoo.CropCritic(critic, size=3, crops=2)],
    ids=["slices", "crops"],
)


class TestWithinAnUpdate:
    @BOTH
    def test_real_and_fake_both_players_penalties_and_parts_see_the_same_places(self, wrapped):
        seen = Seen()
        adversary = ganzoo.Adversary(wrapped(seen), regularizers={"r1": {"weight": 1.0}}, passes="two")
        x, first, later = places(4, 1, 8, 8), [], []
        for found in (first, later):
            adversary.generator_loss(x.clone().requires_grad_(), real=x)
            for index in range(2):
                rows = slice(2 * index, 2 * index + 2)
                adversary.update(fake=x[rows], real=x[rows], part=(index, 2))
            found += seen.shown
            seen.shown = []
        assert len(first) == 1 + 2 * 3  # the generator's, then real, fake and R1's of each part
        kinds = [{str(sample.tolist()) for batch in found for sample in batch} for found in (first, later)]
        assert [len(kind) for kind in kinds] == [2, 2]  # two slices or crops each
        assert kinds[0] != kinds[1]

    @BOTH
    def test_the_count_moves_behind_updates_alone_and_is_in_the_state(self, wrapped):
        def build():
            return ganzoo.Adversary(wrapped(Seen()), start=1, optimizer=sgd)

        def count(adversary):
            return int(adversary.state_dict()["discriminators.critic._extra_state"])

        adversary, x = build(), places(2, 1, 6, 6)
        counts = []
        for _ in range(3):
            adversary.generator_loss(x, real=x)
            adversary.update(fake=x, real=x)
            counts.append(count(adversary))
        assert counts == [0, 1, 2]
        with pytest.raises(ConfigError, match=r"fewer than|one side for each axis|larger"):
            adversary.update(fake=x[:, :, :1, 0], real=x[:, :, :1, 0])
        assert count(adversary) == 2
        resumed = build()
        resumed.load_state_dict(torch.load(io.BytesIO(kept(adversary)), weights_only=True))
        for each in (adversary, resumed):
            each.discriminators["critic"].critic.shown = []
            each.update(fake=x + 0.5, real=x)
        assert kept(resumed) == kept(adversary)
        shown = [each.discriminators["critic"].critic.shown for each in (adversary, resumed)]
        assert all(torch.equal(one, other) for one, other in zip(*shown, strict=True))

    @pytest.mark.parametrize("fault", ["shape", "count"])
    def test_a_state_that_does_not_fit_leaves_the_count_as_it_was(self, fault):
        adversary = ganzoo.Adversary(ganzoo.SliceCritic(Map(1), axis=2, k=2))
        before = kept(adversary)
        state = copy.deepcopy(adversary.state_dict())
        state["discriminators.critic._extra_state"] = torch.tensor(7) if fault == "shape" else "seven"
        state["discriminators.critic.critic.last.bias"] = torch.ones(2 if fault == "shape" else 1, dtype=torch.float64)
        with pytest.raises(CheckpointError):
            adversary.load_state_dict(state)
        assert kept(adversary) == before

    def test_labels_that_the_critic_within_does_not_take_are_told_of(self):
        adversary, x, labels = ganzoo.Adversary(ganzoo.SliceCritic(Map(1), axis=2)), data(2, 2, 4, 5), torch.arange(2)
        with pytest.raises(ConfigError, match="Map takes no labels"):
            adversary.update(fake=x, real=x, real_labels=labels, fake_labels=labels)

    @BOTH
    def test_no_number_is_read_from_the_device(self, wrapped):
        """Data without numbers, on which reading one raises, as it would stall a GPU."""
        critic = wrapped(Seen()).to("meta")
        assert critic(torch.empty(3, 1, 6, 5, device="meta")).logits.shape == (3, 1, 2)
        with pytest.raises(RuntimeError):
            torch.empty(1, device="meta").item()

    def test_global_random_numbers_are_left_alone(self):
        slices, x = ganzoo.SliceCritic(Map(2), axis=2, k=2), data(1, 2, 5, 4, 4)
        before = torch.get_rng_state()
        slices(x)
        assert torch.equal(torch.get_rng_state(), before)

    def test_a_volume_is_judged_by_slices_crops_and_as_a_whole_with_r1(self):
        """Also against the gradient of a loop by hand, for the slices."""

        def patchgan(*shape):
            torch.manual_seed(0)
            return ganzoo.build("discriminator", "patchgan", spec=DataSpec(shape=shape), ndf=2, n_layers=1, norm="none")

        with torch.random.fork_rng():
            critics = {
                "slices": ganzoo.SliceCritic(patchgan(1, 8, 8), axis=2, k=3),
                "crops": ganzoo.CropCritic(patchgan(1, 6, 6, 6), size=6),
                "whole": patchgan(1, 8, 8, 8),
            }
        alone = copy.deepcopy(critics["slices"].critic)
        adversary = ganzoo.Adversary(
            critics, regularizers={"r1": {"weight": 2.0}}, feature_matching={}, optimizer=sgd, loss="hinge"
        )
        real, fake = (data(2, 1, 8, 8, 8, seed=seed).float() for seed in range(2))
        logs = adversary.update(fake=fake, real=real)
        chosen = sorted(torch.randperm(8, generator=generator_for(0, "slices", 0))[:3].tolist())
        x = real[:, :, chosen].requires_grad_()

        def logits(volume):
            return torch.stack([alone(volume[:, :, place]).logits for place in range(3)], 2)

        (slope,) = torch.autograd.grad(logits(x).flatten(1).mean(1).sum(), x, create_graph=True)
        penalty = slope.square().flatten(1).sum(1).mean()
        torch.testing.assert_close(logs["slices/r1"], penalty.detach())  # 2 · ½
        hinge = (1 - logits(x)).relu().mean() + (1 + logits(fake[:, :, chosen])).relu().mean()
        (hinge + penalty).backward()
        with torch.no_grad():
            for parameter in alone.parameters():
                parameter -= 0.1 * parameter.grad
        for mine, theirs in zip(
            adversary.discriminators["slices"].critic.parameters(), alone.parameters(), strict=True
        ):
            torch.testing.assert_close(mine, theirs)
        pushed = fake.clone().requires_grad_()
        adversary.generator_loss(pushed, real=real).total.backward()
        assert pushed.grad.abs().sum() > 0


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"axis": 0}, "samples"),
            ({"axis": 1}, "channels"),
            ({"axis": 1.5}, "axis is not"),
            ({"axis": 2, "k": 0}, "k is not"),
            ({"axis": 2, "k": True}, "k is not"),
            ({"axis": 2, "seed": "a"}, "seed is not"),
        ],
    )
    def test_slices(self, given, said):
        with pytest.raises(ConfigError, match=said):
            ganzoo.SliceCritic(Map(2), **given)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"size": 0}, "size"),
            ({"size": ()}, "size"),
            ({"size": (4, 0.5)}, "size"),
            ({"size": 4, "crops": 0}, "crops"),
        ],
    )
    def test_crops(self, given, said):
        with pytest.raises(ConfigError, match=said):
            ganzoo.CropCritic(Map(2), **given)

    @pytest.mark.parametrize(
        ("critic", "said"),
        [
            (lambda: ganzoo.SliceCritic(Map(1), axis=4), r"axis=4.*\(2, 2, 5, 6\).*2 to 3"),
            (lambda: ganzoo.SliceCritic(Map(1), axis=-3), "2 to 3"),
            (lambda: ganzoo.SliceCritic(Map(1), axis=2, k=6), "k up to 5"),
            (lambda: ganzoo.CropCritic(Map(2), size=6), r"size up to \(5, 6\)"),
            (lambda: ganzoo.CropCritic(Map(2), size=(3, 3, 3)), "one number, or 2 of them"),
        ],
    )
    def test_data_that_do_not_fit(self, critic, said):
        with pytest.raises(ConfigError, match=f"(?s){said}"):
            critic()(data(2, 2, 5, 6))

    def test_a_critic_that_answers_for_the_batch_as_a_whole(self):
        class Whole(nn.Module):
            def forward(self, x):
                return x.mean()

        with pytest.raises(ConfigError, match="each of the 5 parts"):
            ganzoo.SliceCritic(Whole(), axis=2)(data(2, 2, 5, 6))

    def test_what_is_no_critic(self):
        with pytest.raises(ConfigError, match=r"torch\.nn\.Module"):
            ganzoo.CropCritic("patchgan", size=3)
