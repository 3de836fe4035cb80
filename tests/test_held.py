"""The generator's gradient through a discriminator that runs parts of itself again within backward."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from toys import SIZE, ToyGenerator, make_game, make_inputs, make_setup

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training import step
from ganzoo.training.held import held
from ganzoo.training.loop import train

PIXELS = SIZE * SIZE


class Square(nn.Module):
    """Layers as wide as the batch is large: what a second run saves has the shapes of what the first run saved."""

    def __init__(self, checkpointed: str | None):
        super().__init__()
        torch.manual_seed(0)
        self.narrow, self.a, self.b, self.head = nn.Linear(PIXELS, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)
        self.checkpointed = checkpointed

    def forward(self, images, labels=None):
        hidden = self.narrow(images.flatten(1))
        if self.checkpointed is None:
            hidden = self.body(hidden)
        else:
            hidden = checkpoint(self.body, hidden, use_reentrant=self.checkpointed == "reentrant")
        return DiscriminatorOutput(self.head(hidden)[:, 0], class_logits=hidden * 2, features=(hidden, images, images))

    def body(self, hidden):
        return torch.tanh(self.b(torch.tanh(self.a(hidden))))


@pytest.mark.parametrize("n", [4, 6])
@pytest.mark.parametrize("checkpointed", ["reentrant", "other"])
def test_checkpointed_activations_change_no_gradient(checkpointed, n):
    def gradients(checkpointed):
        torch.manual_seed(1)
        discriminator, generator = Square(checkpointed), ToyGenerator(batch_norm=False)
        game = make_game(discriminator, generator, passes="two")
        step.generator_terms(game, make_inputs(n)).total().backward()
        assert all(parameter.grad is None for parameter in discriminator.parameters())
        assert all(parameter.requires_grad for parameter in discriminator.parameters())
        return [parameter.grad for parameter in generator.parameters()]

    for found, expected in zip(gradients(checkpointed), gradients(None), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize(("fakes", "accumulate"), [("fresh", 2), ("shared", 1)])
@pytest.mark.parametrize("checkpointed", ["reentrant", "other"])
def test_nor_do_they_in_a_run(checkpointed, fakes, accumulate):
    """Where the generator's updates give none to the discriminator either."""

    def trained(checkpointed):
        setup = make_setup(steps=3, n_critic=2, accumulate=accumulate, spectral=False, fakes=fakes)
        discriminator, given, gradients = setup.state.discriminator, [], []
        for optimizer in (setup.state.d_optimizer, setup.state.g_optimizer):
            optimizer.register_step_pre_hook(
                lambda one, *_: gradients.extend(each.grad.clone() for each in one.param_groups[0]["params"])
            )
        discriminator.head.weight.register_post_accumulate_grad_hook(given.append)
        head = discriminator.head.forward
        if checkpointed:
            discriminator.head.forward = partial(checkpoint, head, use_reentrant=checkpointed == "reentrant")
        for _ in train(setup):
            assert all(parameter.requires_grad for parameter in discriminator.parameters())
        assert len(given) == setup.state.d_step * accumulate
        assert gradients
        return [*discriminator.parameters(), *setup.state.generator.parameters(), *gradients]

    for found, expected in zip(trained(checkpointed), trained(None), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("checkpointed", ["reentrant", "other"])
@pytest.mark.parametrize("observe", [False, True])
def test_nor_do_they_in_a_loop_of_ones_own(checkpointed, observe):
    def push(checkpointed):
        fake = torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).requires_grad_()
        critics = {"one": Square(checkpointed), "two": Square(checkpointed)}
        terms = ganzoo.Adversary(critics).generator_loss(fake, observe=observe)
        terms.total.backward()
        assert all(parameter.grad is None for critic in critics.values() for parameter in critic.parameters())
        return fake.grad, terms.gradient_norms

    (gradient, norms), (plain, plain_norms) = push(checkpointed), push(None)
    assert torch.equal(gradient, plain)
    assert norms == plain_norms
    assert len(norms) == (2 if observe else 0)


@pytest.mark.parametrize("hooks", [contextlib.nullcontext, torch.autograd.graph.save_on_cpu])
def test_every_output_hands_its_gradient_on_as_often_as_it_is_asked(hooks):
    network = Square(None)
    random = torch.Generator().manual_seed(0)
    images = torch.rand(4, 1, SIZE, SIZE, generator=random).requires_grad_()

    def scalars(judge):
        output = judge(images, None)
        hidden, one, other = output.features
        return [output.logits.sum(), output.class_logits.square().sum(), hidden.exp().sum(), (one * other).sum()]

    with hooks():
        of_held, of_plain = scalars(held(network, network)), scalars(network)
    assert [value.item() for value in of_held] == [value.item() for value in of_plain]
    for mine, plain in zip([*of_held, sum(of_held)], [*of_plain, sum(of_plain)], strict=True):
        (found,), (expected,) = (torch.autograd.grad(value, images, retain_graph=True) for value in (mine, plain))
        assert torch.allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert images.grad is None
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_graph_goes_with_the_first_backward_unless_it_is_kept():
    network = Square(None)
    images = torch.rand(4, 1, SIZE, SIZE).requires_grad_()
    value = held(network, network)(images, None).logits.sum()
    value.backward()
    with pytest.raises(RuntimeError, match="second time"):
        value.backward()


def test_a_second_derivative_is_refused():
    network = Square(None)
    images = torch.rand(4, 1, SIZE, SIZE).requires_grad_()
    logits = held(network, network)(images, None).logits
    with pytest.raises(ConfigError, match="cannot be differentiated twice"):
        torch.autograd.grad(logits.sum(), images, create_graph=True)


def test_gradients_of_both_players_in_one_backward_stay_with_their_player():
    discriminator, generator = Square("other"), ToyGenerator(batch_norm=False)
    game = make_game(discriminator, generator, passes="two")
    step.discriminator_terms(game, make_inputs(4)).total().backward()
    alone = [parameter.grad.clone() for parameter in discriminator.parameters() if parameter.grad is not None]
    discriminator.zero_grad()
    both = step.discriminator_terms(game, make_inputs(4)).total() + step.generator_terms(game, make_inputs(4)).total()
    both.backward()
    found = [parameter.grad for parameter in discriminator.parameters() if parameter.grad is not None]
    assert len(found) == len(alone) > 0
    assert all(torch.equal(mine, expected) for mine, expected in zip(found, alone, strict=True))
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


@pytest.mark.parametrize("kept", [False, True])
def test_the_inner_graph_is_kept_only_where_the_outer_one_is(kept):
    """What torch.compile makes refuses to be differentiated with its graph kept, and a run does not keep it."""
    seen = []

    class Recorded(torch.autograd.Function):
        @staticmethod
        def forward(ctx, images):
            return images.flatten(1).sum(1)

        @staticmethod
        def backward(ctx, gradient):
            seen.append(torch._C._autograd._get_current_graph_task_keep_graph())
            return gradient.view(-1, 1, 1, 1).expand(-1, 1, SIZE, SIZE)

    images = torch.rand(4, 1, SIZE, SIZE).requires_grad_()
    judged = held(lambda given, _: DiscriminatorOutput(Recorded.apply(given)), Square(None))
    judged(images, None).logits.sum().backward(retain_graph=kept)
    assert seen == [kept]
