"""``ganzoo.PatchNCE``: closed forms of InfoNCE, what gets a gradient, which locations are seen, and refusals."""

from __future__ import annotations

import math

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError

τ = 0.07


def features(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bare(channels, **options):
    return ganzoo.PatchNCE(channels, width=None, **options)


def test_features_that_are_alike_everywhere_leave_a_guess_among_the_locations():
    alike = [torch.ones(2, 3, 4, 4), torch.ones(2, 5, 3, 2)]
    torch.testing.assert_close(bare([3, 5])(alike, alike, step=0), torch.tensor((math.log(16) + math.log(6)) / 2))


def test_orthogonal_locations_in_their_places_and_out_of_them():
    # One axis for each of six locations; lengths do not count.
    given = torch.eye(6, dtype=torch.float64).view(1, 6, 2, 3)
    right = bare([6])([3 * given], [given], step=0)
    assert right.item() == pytest.approx(math.log1p(5 * math.exp(-1 / τ)), rel=1e-4)
    wrong = bare([6])([given.roll(1, 3)], [given], step=0)
    assert wrong.item() == pytest.approx(1 / τ + math.log1p(5 * math.exp(-1 / τ)), rel=1e-5)


def test_the_value_is_that_of_the_formula_with_its_heads_written_out():
    term = ganzoo.PatchNCE([3], width=4, temperature=0.5).double()
    with torch.no_grad():
        for parameter in term.parameters():
            parameter.copy_(features(*parameter.shape, seed=parameter.numel()))
    made, given = features(2, 3, 5, seed=1), features(2, 3, 5, seed=2)
    (first, one), (second, two) = ((layer.weight, layer.bias) for layer in (term.heads[0][0], term.heads[0][2]))
    total = 0.0
    with torch.no_grad():
        for n in range(2):
            q, k = ([second @ (first @ x[n, :, s] + one).relu() + two for s in range(5)] for x in (made, given))
            scores = [[float(a @ b / a.norm() / b.norm()) / 0.5 for b in k] for a in q]
            total -= sum(row[s] - math.log(sum(map(math.exp, row))) for s, row in enumerate(scores))
    assert term([made], [given], step=0).item() == pytest.approx(total / 10, rel=1e-9)


def test_negatives_are_of_the_same_sample():
    made, given = features(3, 4, 6, seed=1), features(3, 4, 6, seed=2)
    each = [bare([4])([made[n : n + 1]], [given[n : n + 1]], step=0) for n in range(3)]
    torch.testing.assert_close(bare([4])([made], [given], step=0), torch.stack(each).mean())


def test_the_output_and_the_heads_get_gradients_and_the_input_gets_none():
    term = ganzoo.PatchNCE([3], width=4).double()
    made, given = features(1, 3, 4, 4, seed=1).requires_grad_(), features(1, 3, 4, 4, seed=2).requires_grad_()
    term([made], [given], step=0).backward()
    assert given.grad is None
    assert float(made.grad.abs().sum()) > 0
    assert all(float(one.grad.abs().sum()) > 0 for one in (term.heads[0][0].weight, term.heads[0][2].weight))


def test_locations_are_those_of_seed_and_step_and_the_same_in_all_samples():
    made = features(2, 3, 8, 8, seed=1).requires_grad_()
    given = features(2, 3, 8, 8, seed=2)

    def seen(*, seed, step):
        slope = torch.autograd.grad(bare([3], patches=5, seed=seed)([made], [given], step=step), made)[0]
        one, other = (slope[n].abs().sum(0) > 0 for n in range(2))
        assert torch.equal(one, other)
        return one

    first = seen(seed=0, step=0)
    assert int(first.sum()) == 5
    assert torch.equal(first, seen(seed=0, step=0))
    assert not torch.equal(first, seen(seed=0, step=1))
    assert not torch.equal(first, seen(seed=1, step=0))


def test_matching_makes_it_fall():
    # What is optimized is the output itself: its patches come to be told apart as those of the input.
    term, given = bare([4]), features(1, 4, 3, 3, seed=2)
    made = features(1, 4, 3, 3, seed=1).requires_grad_()
    before = term([made], [given], step=0).item()
    optimizer = torch.optim.Adam([made], lr=0.05)
    for step in range(60):
        optimizer.zero_grad()
        term([made], [given], step=step).backward()
        optimizer.step()
    assert term([made], [given], step=0).item() < min(0.1 * before, term([given], [given], step=0).item() + 0.05)


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ([(2, 3, 4)], [(2, 3, 5)]),
        ([(2, 4, 4)], [(2, 4, 4)]),
        ([(2, 3)], [(2, 3)]),
        ([(2, 3, 1, 1)], [(2, 3, 1, 1)]),
        ([(2, 3, 4), (2, 3, 4)], [(2, 3, 4), (2, 3, 4)]),
        ([], []),
    ],
)
def test_features_that_do_not_fit_are_refused(made, given):
    with pytest.raises(ConfigError) as caught:
        bare([3])([torch.zeros(one) for one in made], [torch.zeros(one) for one in given], step=0)
    assert caught.value.given
    assert caught.value.allowed


@pytest.mark.parametrize(
    "options",
    [
        {"channels": []},
        {"channels": 3},
        {"temperature": 0},
        {"temperature": "a"},
        {"temperature": float("inf")},
        {"patches": 1},
        {"width": 0},
        {"channels": [0]},
        {"seed": 0.5},
    ],
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        ganzoo.PatchNCE(**{"channels": [3], **options})
