"""The pool of earlier fakes: what it gives back, with what probability, and that a fake keeps its condition."""

from __future__ import annotations

import torch

from ganzoo.training.given_data import with_condition
from ganzoo.training.image_pool import ImagePool


def batch(update, n=4):
    """Each sample is its own number, so that it can be told where it was stored."""
    return torch.arange(update * n, update * n + n, dtype=torch.float32).reshape(n, 1, 1, 1)


def test_until_it_is_full_it_gives_back_what_came():
    pool = ImagePool(8, seed=0)
    for update in range(2):
        assert torch.equal(pool.exchange(batch(update), update=update), batch(update))
    assert len(pool.state_dict()) == 8


def test_then_half_are_earlier_ones_and_each_of_those_is_there_no_more():
    pool, earlier, seen = ImagePool(8, seed=0), 0, []
    for update in range(502):
        given = pool.exchange(batch(update), update=update)
        if update >= 2:
            found = [float(one) for one, came in zip(given, batch(update), strict=True) if one != came]
            seen, earlier = seen + found, earlier + len(found)
    assert abs(earlier / 2000 - 0.5) < 4 * (0.25 / 2000) ** 0.5  # four standard errors
    assert len(seen) == len(set(seen))  # none of them comes a second time


def test_conditions_go_with_their_fakes():
    pool = ImagePool(3, seed=1)
    for update in range(20):
        fakes = batch(update)
        both = pool.exchange(with_condition(fakes, 2 * fakes), update=update)
        assert torch.equal(2 * both[:, :1], both[:, 1:])


def test_the_seed_and_the_update_say_what_comes():
    def given(seed):
        pool = ImagePool(4, seed=seed)
        return torch.cat([pool.exchange(batch(update), update=update) for update in range(10)])

    assert torch.equal(given(0), given(0))
    assert not torch.equal(given(0), given(1))
