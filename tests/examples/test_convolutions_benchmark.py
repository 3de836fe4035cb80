from __future__ import annotations

import json

import pytest
import torch
from example_scripts import load
from torch import nn


@pytest.fixture
def script():
    return load("benchmarks/convolutions.py")


def test_both_ways_of_each_layer_are_timed(script, monkeypatch, capsys):
    case = script.Case("logits", lambda: nn.Conv2d(64, 1, 3), (2, 64, 4, 4))
    monkeypatch.setattr(script, "CASES", (case,))
    monkeypatch.setattr(script, "keep_freed_memory", lambda: None)
    monkeypatch.setattr("sys.argv", ["convolutions.py", "--rounds", "3", "--json"])
    script.main()
    row = json.loads(capsys.readouterr().out)["layers"]["logits"]
    assert min(row["milliseconds"][who]["least"] for who in ("torch", "ganzoo")) > 0
    assert script.table({"logits": row}).count("\n") == 2


def test_the_layers_that_it_times_are_computed_otherwise(script, monkeypatch):
    forward = script.nn.Conv2d.forward, script.nn.ConvTranspose2d.forward
    for kind in (nn.Conv2d, nn.ConvTranspose2d):
        monkeypatch.setitem(script.convolutions._torch, kind, unexpected)
        monkeypatch.setitem(script.convolutions._methods, (kind, "forward"), unexpected)
    for case in script.CASES:
        for precision in case.precisions:
            layer = case.layer().to(memory_format=torch.channels_last)
            x = torch.randn(case.shape).contiguous(memory_format=torch.channels_last)
            with monkeypatch.context() as patch:
                patch.setattr(script.nn.Conv2d, "forward", script.convolutions._convolution)
                patch.setattr(script.nn.ConvTranspose2d, "forward", script.convolutions._transposed)
                with script.cast_by(precision):
                    assert layer(x) is not None, case.words
    assert (script.nn.Conv2d.forward, script.nn.ConvTranspose2d.forward) == forward


def unexpected(*given):
    raise AssertionError("torch's own way was taken")


def test_other_numbers_are_noticed(script):
    one = [torch.ones(3)]
    script.check_equal(one, [torch.ones(3) + 1e-7], "fp32")
    with pytest.raises(AssertionError):
        script.check_equal(one, [torch.ones(3) + 1e-2], "fp32")
