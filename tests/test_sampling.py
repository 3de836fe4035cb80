"""Images from a generator, without touching it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toys import SPEC, ToyGenerator

from ganzoo.evaluation import sampling
from ganzoo.protocols import Generator


def trained():
    torch.manual_seed(0)
    generator = ToyGenerator()
    torch.nn.init.normal_(generator.body[0].weight, std=3.0)
    return generator


def images(network, n, seed=0, labels=None, spec=SPEC):
    return torch.cat([part for part, _ in sampling.chunks(network, spec, n, labels=labels, seed=seed)])


def test_the_generator_itself_is_left_alone():
    generator = trained().train()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    images(sampling.ready(generator, SPEC), 5)
    assert generator.training
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert torch.equal(torch.rand(2), expected)


def test_batch_norm_is_estimated_anew_as_the_mean_over_all_batches():
    generator = trained()
    ready = sampling.ready(generator, SPEC, seed=4, batches=3)
    inputs = [
        generator.latent(sampling.CHUNK, generator=sampling.generator_for(4, f"batch_norm/{n}", "z")) for n in range(3)
    ]
    hidden = [z @ generator.body[0].weight.T for z in inputs]
    norm = ready.body[1]
    torch.testing.assert_close(norm.running_mean, torch.stack([h.mean(0) for h in hidden]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([h.var(0) for h in hidden]).mean(0))
    assert not ready.training
    assert norm.momentum == generator.body[1].momentum


def test_statistics_of_training_do_not_count():
    """A count of batches that went on would give the old values a share in the mean."""
    fresh, moved = trained(), trained().train()
    for _ in range(20):
        moved(torch.randn(32, 5) * 4 + 3)
    assert moved.body[1].num_batches_tracked == 20
    assert not torch.allclose(moved.body[1].running_mean, fresh.body[1].running_mean, atol=1)
    expected, found = (sampling.ready(network, SPEC, batches=3).state_dict() for network in (fresh, moved))
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


class Shares(Generator):
    """Which class it was asked for, one-hot, before BatchNorm: the running mean is the share of each class."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)

    def latent(self, n, *, generator):
        return torch.randn(n, 2, generator=generator)

    def forward(self, z, labels=None):
        return self.norm(torch.nn.functional.one_hot(labels, 3).float())


@pytest.mark.parametrize("marginal", [(0.5, 0.3, 0.2), (0.1, 0.0, 0.9)])
def test_classes_are_asked_for_as_often_as_they_occur(marginal):
    """Where BatchNorm is estimated and where samples are drawn; a class that does not occur, never."""
    spec = replace(SPEC, conditional=True, marginal=marginal)
    ready = sampling.ready(Shares(), spec, batches=100)
    drawn = torch.cat([labels for _, labels in sampling.chunks(ready, spec, 6400, labels=None, seed=0)])
    for share in (ready.norm.running_mean, torch.bincount(drawn, minlength=3) / len(drawn)):
        torch.testing.assert_close(share, torch.tensor(marginal), atol=0.03, rtol=0)
        assert (share == 0).tolist() == [wanted == 0 for wanted in marginal]


def test_batch_norm_is_estimated_under_the_classes_of_training_and_samples_follow_the_data():
    spec = replace(SPEC, conditional=True, marginal=(0.9, 0.09, 0.01))
    ready = sampling.ready(Shares(), spec, uniform=True, batches=100)
    drawn = torch.cat([labels for _, labels in sampling.chunks(ready, spec, 6400, labels=None, seed=0)])
    torch.testing.assert_close(ready.norm.running_mean, torch.full((3,), 1 / 3), atol=0.03, rtol=0)
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    torch.testing.assert_close(shares, torch.tensor(spec.marginal), atol=0.03, rtol=0)


def test_only_batch_norm_is_estimated_and_dropout_stays_off():
    torch.manual_seed(0)
    generator = ToyGenerator()
    generator.body.insert(1, torch.nn.Dropout(0.5))
    first, second = (sampling.ready(generator, SPEC).state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_first_images_are_those_of_any_larger_number():
    ready = sampling.ready(trained(), SPEC)
    assert torch.equal(images(ready, 10), images(ready, 150)[:10])
    assert images(ready, 150).shape == (150, *SPEC.shape)
    assert not torch.equal(images(ready, 10), images(ready, 10, seed=1))


class Asked(Generator):
    """What it was asked for, as a vector: latent and class. Latents take as many random bits each as labels do."""

    def __init__(self):
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1))

    def latent(self, n, *, generator):
        return torch.rand(n, 1, generator=generator, dtype=torch.float64)

    def forward(self, z, labels=None):
        return torch.stack([z[:, 0], labels.double()], dim=1)


@pytest.mark.parametrize("labels", [None, [number % 3 for number in range(150)]])
def test_each_sample_comes_with_the_label_that_it_was_made_of(labels):
    spec = replace(SPEC, conditional=True)
    parts = list(sampling.chunks(Asked(), spec, 150, labels=labels, seed=0))
    made, told = (torch.cat(side) for side in zip(*parts, strict=True))
    assert torch.equal(made[:, 1].long(), told)
    assert labels is None or told.tolist() == labels
    assert len(made[:, 0].unique()) == 150


def test_latents_do_not_say_which_class_is_asked_for():
    spec = replace(SPEC, conditional=True, marginal=(0.5, 0.0, 0.5))
    made = torch.cat([part for part, _ in sampling.chunks(Asked(), spec, 6400, labels=None, seed=0)])
    assert torch.corrcoef(made.T)[0, 1].abs() < 0.05


def test_each_image_is_judged_by_itself():
    """In eval mode a sample does not depend on its neighbours."""
    ready = sampling.ready(trained(), SPEC)
    whole = ready(torch.eye(5))
    for row in range(5):
        torch.testing.assert_close(ready(torch.eye(5)[row : row + 1])[0], whole[row])


def test_pixels():
    data = torch.tensor([-1.0, 0.0, 1.0, 2.0, -3.0, -0.999])
    assert sampling.to_uint8(data).tolist() == [0, 128, 255, 255, 0, 0]
