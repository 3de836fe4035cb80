"""Several augmentations as one, and what adapts to the logits of a run."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from toys import Hinge, make_setup

from ganzoo.protocols import Augmentation, Regularizer
from ganzoo.training.augmenting import Chain
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train


class Affine(Augmentation):
    """Adds and multiplies by numbers of each image; counts the logits it was shown."""

    def __init__(self, *, multiply):
        self.multiply = multiply
        self.positive = torch.zeros(())

    def draw(self, n, *, random):
        return torch.rand(n, 2 if self.multiply else 1, generator=random)

    def __call__(self, images, draws):
        shape = (-1, 1, 1, 1)
        return images * draws[:, 1].view(shape) if self.multiply else images + draws[:, 0].view(shape)

    def after_update(self, *, real):
        self.positive = self.positive + (real > 0).float().mean()

    def observed(self):
        return {f"augment/{'m' if self.multiply else 'a'}": self.positive}

    def state_dict(self):
        return {"positive": self.positive}

    def load_state_dict(self, state):
        self.positive = state["positive"]


class Adaptive(Hinge):
    """A loss with state: the sum of all logits it was shown."""

    def __init__(self):
        self.seen = torch.zeros(())
        self.batches = []

    def after_update(self, *, real, fake):
        self.batches.append((len(real), len(fake), real.requires_grad))
        self.seen = self.seen + real.mean() - fake.mean()

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def chain():
    return Chain({"add": Affine(multiply=False), "multiply": Affine(multiply=True)})


def test_parts_act_in_order_each_with_its_own_numbers():
    both = chain()
    draws = both.draw(4, random=torch.Generator().manual_seed(0))
    images = torch.ones(4, 1, 2, 2)
    expected = (1 + draws[:, 0]) * draws[:, 2]
    assert draws.shape == (4, 3)
    torch.testing.assert_close(both(images, draws)[:, 0, 0, 0], expected)


def test_state_is_kept_by_name():
    one, other = chain(), chain()
    one.after_update(real=torch.tensor([1.0, -1.0]))
    assert {name: value.item() for name, value in one.state_dict().items()} == {
        "add/positive": 0.5,
        "multiply/positive": 0.5,
    }
    other.load_state_dict(one.state_dict())
    assert other.observed() == one.observed() == {"augment/a": 0.5, "augment/m": 0.5}


class Strict(Affine):
    """Refuses state that it has not written."""

    def load_state_dict(self, state):
        assert state.keys() == {"positive"}
        super().load_state_dict(state)


def test_parts_whose_names_begin_alike_get_their_own_state_alone():
    parts = {"add": Strict(multiply=False), "add-more": Strict(multiply=True)}
    Chain(parts).load_state_dict({"add/positive": torch.tensor(0.25), "add-more/positive": torch.tensor(0.75)})
    assert [part.positive.item() for part in parts.values()] == [0.25, 0.75]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_what_adapts_is_shown_the_whole_batch_once_an_update(accumulate):
    loss = Adaptive()
    list(train(make_setup(loss=loss, augment=chain(), steps=2, accumulate=accumulate, n_critic=2)))
    assert loss.batches == [(6, 6, False)] * 4


def test_micro_batches_see_the_augmentation_of_the_whole_batch():
    whole, parts = (
        make_setup(augment=chain(), steps=3, accumulate=accumulate, dtype=torch.float64, g_batch_norm=False)
        for accumulate in (1, 3)
    )
    for one, other in zip(train(whole), train(parts), strict=True):
        for name, value in one.scalars.items():
            torch.testing.assert_close(value, other.scalars[name], rtol=1e-6, atol=1e-9)


class Augmented(Regularizer):
    """Shows the critic augmented images, several times in an update."""

    def __init__(self, times):
        self.times = times

    def discriminator_terms(self, view):
        seen = [view.critic(view.real, view.real_labels).logits.square().mean() for _ in range(self.times)]
        return {f"seen/{self.times}/{number}": value for number, value in enumerate(seen)}


@pytest.mark.parametrize("accumulate", [2, 3])
def test_penalties_that_augment_see_the_draws_of_the_whole_batch_each_their_own(accumulate):
    parts = tuple(
        WeightedRegularizer(name=f"seen {times}", regularizer=Augmented(times), weight=1.0) for times in (1, 2)
    )
    whole, split = (
        make_setup(
            augment=chain(),
            regularizers=parts,
            steps=2,
            accumulate=count,
            dtype=torch.float64,
            g_batch_norm=False,
        )
        for count in (1, accumulate)
    )
    for one, other in zip(train(whole), train(split), strict=True):
        for name, value in one.scalars.items():
            torch.testing.assert_close(value, other.scalars[name], rtol=1e-6, atol=1e-9)


class Watched(Affine):
    """Keeps the numbers drawn and the numbers used."""

    def __init__(self):
        super().__init__(multiply=False)
        self.drawn, self.used = [], []

    def draw(self, n, *, random):
        self.drawn.append(super().draw(n, random=random))
        return self.drawn[-1]

    def __call__(self, images, draws):
        self.used.append(draws)
        return super().__call__(images, draws)


@pytest.mark.parametrize("parts", [1, 3])
def test_real_and_fake_images_are_augmented_by_the_numbers_drawn_for_them(parts):
    """Real and fake by turns in D's step; in G's step fakes alone, although numbers are drawn for both."""
    augment = Watched()
    list(train(make_setup(augment=augment, steps=1, accumulate=parts)))
    real, fake, _, fake_of_generator = augment.drawn
    of_discriminator, of_generator = augment.used[: 2 * parts], augment.used[2 * parts :]
    assert torch.equal(torch.cat(of_discriminator[::2]), real)
    assert torch.equal(torch.cat(of_discriminator[1::2]), fake)
    assert torch.equal(torch.cat(of_generator), fake_of_generator)


def test_a_run_that_adapts_comes_back_bit_by_bit():
    def setup():
        return make_setup(loss=Adaptive(), augment=chain(), steps=4)

    straight, stopped, resumed = setup(), setup(), setup()
    rows = [report.scalars for report in train(straight)]
    for report in train(stopped):
        if report.step == 2:
            break
    files = {name: load(save(part)) for name, part in stopped.state.tensors().items()}
    assert set(files["adaptive"]) == {"loss/seen", "augment/add/positive", "augment/multiply/positive"}
    resumed.state.restore(files, stopped.state.numbers())
    for expected, report in zip(rows[2:], train(resumed), strict=True):
        assert expected.keys() == report.scalars.keys() >= {"augment/a", "augment/m"}
        assert all(torch.equal(expected[name], report.scalars[name]) for name in expected)
    before, after = straight.state.tensors(), resumed.state.tensors()
    assert all(torch.equal(value, after[name][key]) for name, part in before.items() for key, value in part.items())


class Normal(Affine):
    """Normal numbers, and more than one: what torch draws of them depends on how many are asked for at once."""

    def draw(self, n, *, random):
        return torch.cat([torch.rand(n, 1, generator=random), torch.randn(n, 3, generator=random)], dim=1)

    def __call__(self, images, draws):
        return images * draws[:, 1].view(-1, 1, 1, 1)


@pytest.mark.parametrize("sizes", [(3, 3), (1, 5), (17, 3)])
def test_drawing_for_parts_of_a_batch_is_drawing_for_the_batch(sizes):
    both = Chain({"add": Affine(multiply=False), "normal": Normal(multiply=True)})
    whole = both.draw(sum(sizes), random=torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(0)
    assert torch.equal(whole, torch.cat([both.draw(size, random=random) for size in sizes]))
