"""The example of a run that learns its pictures by heart, too short to learn anything."""

from __future__ import annotations

import sys

import pytest
from example_scripts import load


def test_it_writes_a_page_and_trains_once(tmp_path, monkeypatch):
    learned_memory = load("learned_memory.py")
    monkeypatch.setattr(learned_memory, "LOOKS", 1)
    figures, out = tmp_path / "memory.md", tmp_path / "runs"
    asked = ["--steps", "2", "--out", str(out), "--figures", str(figures)]
    monkeypatch.setattr(sys, "argv", ["learned_memory.py", *asked])
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            learned_memory.main()
        assert ended.value.code == 1, "nothing is learned in two steps"
        assert len([path for path in (out / "steps-2").iterdir() if path.is_dir()]) == 1
    assert len(list((out / "pictures").glob("*/*.png"))) == 16
    page = figures.read_text()
    assert "learned_memory.py` --steps 2; do not edit." in page
    assert "- none" in page
