"""Step-keyed randomness."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.seeds import derive, generator_for, seeded

keys = st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=8)), max_size=4)


def test_the_derived_seed_is_the_same_on_every_machine():
    """Written down once: a change would make every old run irreproducible."""
    assert derive(0, 1, "z/discriminator") == 6538961250600362947


@given(st.integers(0, 2**62), keys, keys)
def test_different_keys_give_different_seeds(seed, first, second):
    values = derive(seed, *first), derive(seed, *second)
    assert (values[0] == values[1]) == ([(type(k), k) for k in first] == [(type(k), k) for k in second])
    assert all(0 <= value < 2**63 for value in values)


def test_parts_of_a_key_do_not_run_together():
    assert len({derive(0, 1, 23), derive(0, 12, 3), derive(0, "1", 23), derive(0, "1, 23")}) == 4


def test_generators_are_fresh_and_equal():
    first, second = (torch.rand(3, generator=generator_for(1, "a")) for _ in range(2))
    assert torch.equal(first, second)


def test_seeded_restores_what_was_there():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeded(0, "x"):
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with seeded(0, "x"):
        assert torch.equal(torch.rand(2), inside)
