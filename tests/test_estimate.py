"""What a run would cost: measured, so shapes and sums can be known exactly and seconds cannot."""

import pytest
import torch

from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.training import estimate as module
from ganzoo.training.estimate import _Activations, estimate

TINY = ("data=synthetic", "data.n=16", "data.image_size=8", "disc.ndf=2", "gen.ngf=2", "gen.latent=3", "train.steps=9")


def setup_of(*assignments):
    layers = [ConfigLayer("x", parse_assignments([*TINY, "train.batch_size=4", *assignments]))]
    return assemble(make_plan(choose(Registry.load(plugins=False), layers)))


def test_shapes_of_one_sample():
    cost = estimate(setup_of("disc=patchgan-sn"))
    assert (cost.generated, cost.logits, cost.device) == ((3, 8, 8), (1, 2, 2), "cpu")


def test_a_single_logit_has_no_shape():
    assert estimate(setup_of("disc=acgan")).logits == ()


def test_weights_gradients_averages_and_adam_are_in_the_memory():
    setup = setup_of()
    cost = estimate(setup)
    state = setup.state
    players = [*state.generator.parameters(), *state.discriminator.parameters()]
    averages = [*state.generator.parameters()]
    # Per parameter: weight, gradient, two moments; and the generator's average.
    least = 4 * (4 * sum(one.numel() for one in players) + sum(one.numel() for one in averages))
    assert cost.memory_bytes > least


def test_averages_and_moments_are_counted_each_once():
    """Of networks so wide, and batches so small, that activations are little beside them."""
    wide = ("gen.ngf=64", "gen.latent=512", "train.batch_size=2", "train.steps=2")
    setup = setup_of(*wide)
    whole = estimate(setup).memory_bytes
    of_generator, of_discriminator = (
        sum(4 * one.numel() for one in network.parameters())
        for network in (setup.state.generator, setup.state.discriminator)
    )
    without_average = estimate(setup_of(*wide, "train.ema=null")).memory_bytes
    assert whole - without_average == pytest.approx(of_generator, rel=0.1)
    plain = ("train.optimizer=sgd", "train.d_betas=[0, 0.9]", "train.g_betas=[0, 0.9]")
    without_moments = estimate(setup_of(*wide, *plain)).memory_bytes
    assert whole - without_moments == pytest.approx(2 * (of_generator + of_discriminator), rel=0.1)


def test_what_is_saved_twice_is_held_once():
    activations, saved = _Activations(), torch.zeros(100)
    for tensor in (saved, saved[50:], saved.view(10, 10), torch.zeros(7, dtype=torch.float64)):
        assert activations.count(tensor) is tensor
    assert activations.bytes == 4 * 100 + 8 * 7


def test_a_larger_batch_holds_more_activations():
    small, large = (estimate(setup_of(f"train.batch_size={size}")).memory_bytes for size in (4, 64))
    assert large > 4 * small


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_shorter_than_the_measurement(steps):
    setup = setup_of(f"train.steps={steps}")
    assert estimate(setup).seconds_per_step > 0
    assert setup.state.step == steps


def test_the_quickest_step_counts(monkeypatch):
    """The first one warms up, and any may have had to share the machine."""
    seconds = iter([9.0, 3.0, 2.0, 4.0])
    monkeypatch.setattr(module, "_timed_step", lambda reports: (next(reports), next(seconds))[1])
    assert module.estimate(setup_of()).seconds_per_step == 2.0


def test_global_settings_come_back():
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    estimate(setup_of("loss=wgan-gp"))
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
