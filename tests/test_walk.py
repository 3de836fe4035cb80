"""The walk over a network finds what torch's own finds."""

from __future__ import annotations

from torch import nn

from ganzoo.training.walk import leaves_of, modules_of, parameters_of


def test_it_finds_each_module_once_however_they_are_shared():
    shared = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    for _ in range(40):  # by as many paths as there are atoms in a spoon of water
        shared = nn.ModuleList([shared, shared])
    assert len(modules_of(shared)) == len(set(modules_of(shared)))
    assert set(modules_of(shared)) == set(shared.modules())
    assert set(parameters_of(shared)) == set(shared.parameters())


def test_parts_that_are_no_modules_may_hold_what_they_learn():
    class Part:
        def __init__(self):
            self.margin, self.name = nn.Parameter(), "part"

    part = Part()
    assert leaves_of(part) == [part.margin]
    assert leaves_of(object()) == []
