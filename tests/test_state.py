"""What changes during training goes to tensors and back, bit by bit."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from toys import Constant, ToyGenerator, make_setup

from ganzoo.errors import CheckpointError
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train
from ganzoo.training.state import averaged_copy, plain, update_average


def setup(**changes):
    part = WeightedRegularizer(name="c", regularizer=Constant(), weight=1.0)
    return make_setup(regularizers=(part,), steps=4, **changes)


def through_bytes(state):
    return {name: load(save(part)) for name, part in state.tensors().items()}


def test_everything_comes_back_and_goes_on_alike():
    original, restored = setup(n_critic=2), setup(n_critic=2)
    for report in train(original):
        if report.step == 2:
            break
    restored.state.restore(through_bytes(original.state), original.state.numbers())
    seconds = original.state.numbers()["seconds"]
    assert seconds > 0
    assert restored.state.numbers() == {"step": 2, "d_step": 4, "images": 24, "seconds": seconds}
    assert restored.state.regularizers["c"].seen.item() == original.state.regularizers["c"].seen.item() == 2 * 3
    for one in (original, restored):
        list(train(one))
    before, after = original.state.tensors(), restored.state.tensors()
    assert before.keys() == after.keys() == {"generator", "discriminator", "ema", "optimizers", "regularizers"}
    for name, part in before.items():
        assert part.keys() == after[name].keys()
        for key, value in part.items():
            assert torch.equal(value, after[name][key]), f"{name}/{key}"


class Strict(Constant):
    """Refuses state that it has not written."""

    def load_state_dict(self, state):
        assert state.keys() == {"seen"}
        super().load_state_dict(state)


def test_regularizers_whose_names_begin_alike_get_their_own_state_alone():
    def two():
        parts = {"r1": Strict(), "r1-of-another": Strict()}
        named = [WeightedRegularizer(name=name, regularizer=part, weight=1.0) for name, part in parts.items()]
        return parts, make_setup(regularizers=named).state

    before, saved = two()
    before["r1"].seen, before["r1-of-another"].seen = torch.tensor([1.0]), torch.tensor([2.0])
    after, restored = two()
    restored.restore(through_bytes(saved), saved.numbers())
    assert [part.seen.item() for part in after.values()] == [1, 2]


def test_what_was_there_before_does_not_stay():
    """A state that has trained on goes back to the beginning, where no optimizer has moved yet."""
    beginning, trained = setup(), setup()
    list(train(trained))
    assert trained.state.g_optimizer.state
    trained.state.restore(through_bytes(beginning.state), beginning.state.numbers())
    for one in (beginning, trained):
        list(train(one))
    before, after = beginning.state.tensors(), trained.state.tensors()
    assert all(torch.equal(value, after[name][key]) for name, part in before.items() for key, value in part.items())


def test_tensors_that_were_handed_out_stay_as_they_were():
    one = setup()
    reports = train(one)
    next(reports)
    handed_out = one.state.tensors()
    kept = {name: {key: value.clone() for key, value in part.items()} for name, part in handed_out.items()}
    list(reports)
    for name, part in handed_out.items():
        assert all(torch.equal(value, kept[name][key]) for key, value in part.items()), name
        assert any(not torch.equal(value, one.state.tensors()[name][key]) for key, value in part.items()), name


def test_memory_of_an_earlier_copy_is_written_to_anew():
    one = setup()
    earlier = one.state.tensors()  # before the first step optimizers have no state
    first = {key: value.data_ptr() for key, value in earlier["generator"].items()}
    list(train(one))
    expected, again = one.state.tensors(), one.state.tensors(into=earlier)
    assert again.keys() == expected.keys()
    for name, part in expected.items():
        assert part.keys() == again[name].keys()
        assert all(torch.equal(value, again[name][key]) for key, value in part.items()), name
    assert {key: value.data_ptr() for key, value in again["generator"].items()} == first


@pytest.mark.parametrize(
    "tensor",
    [torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last), torch.rand(4, 3).t(), torch.rand(1).expand(3)],
    ids=["channels last", "transposed", "expanded"],
)
@pytest.mark.parametrize(
    "into", [None, torch.zeros(9), torch.zeros(2, 3, 4, 4, dtype=torch.float64)], ids=["new", "shape", "type"]
)
def test_copies_are_contiguous_and_alone(tensor, into):
    copied = plain(tensor, into)
    assert copied.is_contiguous()
    assert copied.dtype == tensor.dtype
    assert torch.equal(copied, tensor)
    assert copied.untyped_storage().nbytes() == tensor.nbytes
    assert copied.data_ptr() != tensor.data_ptr()


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


def parameters(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


@pytest.mark.parametrize("fused", [True, False])
def test_fused_kernels_read_their_counters_where_the_parameters_are(fused):
    """Others count on the CPU. A device of no memory stands for one that is not here; it has no fused kernels."""
    trained, restored = make_setup(), make_setup().state
    next(train(trained))
    optimizer = torch.optim.Adam(make_setup().state.generator.to("meta").parameters())
    optimizer.defaults["fused"] = fused
    restored.g_optimizer = optimizer
    restored.restore(trained.state.tensors(), trained.state.numbers())
    found = {key: value.device.type for kept in optimizer.state.values() for key, value in kept.items()}
    assert found == {"step": "meta" if fused else "cpu", "exp_avg": "meta", "exp_avg_sq": "meta"}


def test_the_average_is_a_network_of_its_own():
    torch.manual_seed(0)
    generator = ToyGenerator()
    average = averaged_copy(generator)
    assert all(torch.equal(*pair) for pair in zip(parameters(average), parameters(generator), strict=True))
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert all(parameter.requires_grad for parameter in generator.parameters())
    before = parameters(average)
    with torch.no_grad():
        for tensor in (*generator.parameters(), *generator.buffers()):
            tensor.add_(1)
    assert all(torch.equal(*pair) for pair in zip(before, parameters(average), strict=True))
    assert average.body[1].num_batches_tracked == 0


def test_the_average_starts_as_a_copy_and_forgets_what_was_there_before():
    """Weights before training belong to no step; the second update then weighs them 2 to 9, whatever the decay."""
    one = setup()
    reports = train(one)
    next(reports)
    first = parameters(one.state.generator)
    assert all(torch.equal(*pair) for pair in zip(parameters(one.state.ema), first, strict=True))
    next(reports)
    for average, old, new in zip(parameters(one.state.ema), first, parameters(one.state.generator), strict=True):
        torch.testing.assert_close(average, (2 * old + 9 * new) / 11)
        assert not torch.equal(old, new)


def test_an_average_of_spectrally_normalized_weights_keeps_their_norm():
    """Averaged vectors of the power iteration would be short, and weights divided by them many times too large."""
    torch.manual_seed(0)
    generator = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(64, 64, bias=False))
    average = averaged_copy(generator)
    for update in range(1, 301):
        with torch.no_grad():
            generator.parametrizations.weight.original.add_(torch.randn(64, 64) / 20)
        generator(torch.ones(1, 64))
        update_average(average, generator, decay=0.99, updates=update)
    for network in (generator, average.eval()):
        assert torch.linalg.matrix_norm(network.weight, 2).item() == pytest.approx(1, abs=0.05)


def test_shared_weights_move_once_in_an_average():
    generator = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2))
    generator[2].weight = generator[0].weight
    average = averaged_copy(generator)
    with torch.no_grad():
        generator[0].weight += 1
        generator[1].running_mean += 1
        generator[1].num_batches_tracked += 7
    update_average(average, generator, decay=0.75)
    torch.testing.assert_close(generator[0].weight - average[0].weight, torch.full((2, 2), 0.75))
    for kept, buffer in zip(average.buffers(), generator.buffers(), strict=True):
        assert torch.equal(kept, buffer)


def test_shared_weights_can_be_saved():
    one = setup()
    one.state.generator.tied = one.state.generator.body[0]
    assert through_bytes(one.state)["generator"].keys() >= {"body.0.weight", "tied.weight"}


def test_a_checkpoint_of_other_networks_is_refused():
    original, other = setup(), setup(classes=3)
    with pytest.raises(CheckpointError, match="does not match"):
        other.state.restore(through_bytes(original.state), original.state.numbers())
