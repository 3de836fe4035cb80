from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace

import pytest
from example_scripts import load

from ganzoo.studies import comparing
from ganzoo.studies.working import work

pytest.importorskip("matplotlib")

QUICK = "--only digits-steps --steps 2 -n 40 --seeds 2"


@pytest.fixture(scope="module")
def example():
    """The four pairs that matter, tiny, and judged by what needs no weights."""
    module = load("which_pair.py")
    module.LOSSES, module.EXTRACTOR = ("hinge", "bce"), "random-conv"
    module.PICTURES = {name: replace(one, side=16, width=2) for name, one in module.PICTURES.items()}
    return module


def here(comparison, *, after, **_):
    """The runs of a comparison in this process: one of their own each is what takes the time."""
    for seed in comparison.seeds:
        for cell in comparison.possible:
            work(comparison, cell, seed, threads=1)
    after()


def started(example, monkeypatch, folder, words=QUICK):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(comparing, "drive", here)
    monkeypatch.setattr(sys, "argv", ["which_pair.py", *words.split(), "--figures", "page.md"])
    example.main()
    return (folder / "page.md").read_text(encoding="utf-8")


def test_it_compares_writes_a_page_and_does_nothing_twice(example, tmp_path, monkeypatch):
    page = started(example, monkeypatch, tmp_path)
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    for section in ("## Digits, equal steps", "## Beside the literature"):
        assert section in page
    assert "left out: digits-minutes, cifar-steps, cifar-minutes" in page
    assert "2 generator steps for each run, batch 32" in page
    row = re.compile(r"^\| hinge \+ patchgan-sn \| 2 \| \S+ ± \S+ \| \S+ ± \S+ \| 2 \| \d+(?: to \d+)? \|$", re.M)
    assert row.search(page), page
    runs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("comparisons/*/cells/*/*/*/manifest.json")}
    assert len(runs) == 4 * 2
    shutil.copy(tmp_path / "page.md", tmp_path / "first.md")
    assert started(example, monkeypatch, tmp_path) == (tmp_path / "first.md").read_text(encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in runs} == runs


def test_equal_minutes_end_by_time_and_are_judged_once(example, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        example.ganzoo, "compare", lambda **words: asked.update(words) or comparing.Compared(tmp_path, {})
    )
    monkeypatch.setattr(sys, "argv", ["which_pair.py", "--minutes", "0.5", "--cifar", "somewhere"])
    example.compared("cifar-minutes", example.asked())
    assert (asked["minutes"], asked["data"].name, "steps" in asked) == (0.5, "somewhere", False)
    assert asked["settings"]["train.checkpoint_every"] == example.FAR_OFF


def test_the_change_is_said_whichever_way_it_fell(example):
    cells = [
        {"name": example.NEW, "mean": {"kd": 3.0, "fd": 8.0}},
        {"name": example.OLD, "mean": {"kd": 2.0, "fd": 10.0}},
    ]
    board = {"cells": cells, "indistinguishable": [{"cells": [example.NEW, example.OLD], "label": "kd", "p": 0.2}]}
    assert example.change(board, "kd") == "`kd` 50% higher, which may be chance"
    assert example.change(board, "fd") == "`fd` 20% lower, told apart"
    cells[0]["mean"] = {}
    assert example.change(board, "fd") == "`fd` was not measured of both"


@pytest.mark.parametrize(
    ("words", "said"),
    [("--seeds 1", "at least 2"), ("--only cifar-steps", "need --cifar PATH"), ("-n 39", "at least 40")],
)
def test_what_is_refused(example, monkeypatch, capsys, words, said):
    monkeypatch.setattr(sys, "argv", ["which_pair.py", *words.split()])
    with pytest.raises(SystemExit):
        example.main()
    assert said in capsys.readouterr().err
