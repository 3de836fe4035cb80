"""Images from a generator, without touching it."""

from __future__ import annotations

import torch
from toys import SPEC, ToyGenerator

from ganzoo.evaluation import sampling


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


def test_each_image_is_judged_by_itself():
    """In eval mode a sample does not depend on its neighbours."""
    ready = sampling.ready(trained(), SPEC)
    whole = ready(torch.eye(5))
    for row in range(5):
        torch.testing.assert_close(ready(torch.eye(5)[row : row + 1])[0], whole[row])


def test_pixels():
    data = torch.tensor([-1.0, 0.0, 1.0, 2.0, -3.0, -0.999])
    assert sampling.to_uint8(data).tolist() == [0, 128, 255, 255, 0, 0]
