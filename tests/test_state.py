"""What changes during training goes to tensors and back, bit by bit."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from toys import Constant, make_setup

from ganzoo.errors import CheckpointError
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train


def setup(**changes):
    part = WeightedRegularizer(name="c", regularizer=Constant(), weight=1.0)
    return make_setup(regularizers=(part,), steps=4, **changes)


def through_bytes(state):
    return {name: load(save(part)) for name, part in state.tensors().items()}


def test_everything_comes_back_and_goes_on_alike():
    original, restored = setup(), setup()
    for report in train(original):
        if report.step == 2:
            break
    restored.state.restore(through_bytes(original.state), original.state.numbers())
    assert restored.state.numbers() == {"step": 2, "d_step": 2, "images": 12}
    assert restored.state.regularizers["c"].seen.item() == original.state.regularizers["c"].seen.item() == 4
    for one in (original, restored):
        list(train(one))
    before, after = original.state.tensors(), restored.state.tensors()
    assert before.keys() == after.keys() == {"generator", "discriminator", "ema", "optimizers", "regularizers"}
    for name, part in before.items():
        assert part.keys() == after[name].keys()
        for key, value in part.items():
            assert torch.equal(value, after[name][key]), f"{name}/{key}"


def test_optimizer_state_comes_back_in_the_layout_of_its_parameter():
    """Fused kernels walk memory: a contiguous average beside a channels-last weight would be mixed up silently."""
    source, target = setup(), setup()
    for one in (source, target):
        one.state.discriminator.to(memory_format=torch.channels_last)
    list(train(source))
    target.state.restore(through_bytes(source.state), source.state.numbers())
    for parameter in target.state.discriminator.parameters():
        assert target.state.d_optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.RMSprop, torch.optim.AdamW])
def test_every_optimizer_comes_back(kind):
    original, restored = setup(), setup()
    for one in (original, restored):
        options = {"momentum": 0.5} if kind is torch.optim.SGD else {}
        for name in ("generator", "discriminator"):
            optimizer = kind(getattr(one.state, name).parameters(), lr=0.01, **options)
            for group in optimizer.param_groups:
                group["initial_lr"] = 0.01
            setattr(one.state, f"{name[0]}_optimizer", optimizer)
    for report in train(original):
        if report.step == 2:
            break
    restored.state.restore(through_bytes(original.state), original.state.numbers())
    for one in (original, restored):
        list(train(one))
    for value, other in zip(
        original.state.generator.state_dict().values(), restored.state.generator.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other)


def test_shared_weights_can_be_saved():
    one = setup()
    one.state.generator.tied = one.state.generator.body[0]
    assert through_bytes(one.state)["generator"].keys() >= {"body.0.weight", "tied.weight"}


def test_a_checkpoint_of_other_networks_is_refused():
    original, other = setup(), setup(classes=3)
    with pytest.raises(CheckpointError, match="does not match"):
        other.state.restore(through_bytes(original.state), original.state.numbers())
