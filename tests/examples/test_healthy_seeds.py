"""The example that looks for false alarms: what is done is judged again, not trained again."""

from __future__ import annotations

import sys

import pytest
from example_scripts import load


def test_runs_are_listed_and_not_trained_twice(tmp_path, monkeypatch):
    healthy_seeds = load("healthy_seeds.py")
    monkeypatch.setitem(healthy_seeds.TRAIN, "log_every", 1)
    monkeypatch.setitem(healthy_seeds.TRAIN, "sample_every", 1)
    figures, out = tmp_path / "health.md", tmp_path / "runs"
    asked = ["--seeds", "1", "--others", "--steps", "1", "--out", str(out), "--figures", str(figures)]
    monkeypatch.setattr(sys, "argv", ["healthy_seeds.py", *asked])
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            healthy_seeds.main()
        assert ended.value.code == 0, "one row gives no verdict"
        assert len([path for path in (out / "hinge-1-0").iterdir() if path.is_dir()]) == 1
    page = figures.read_text()
    assert "| hinge | 0 | " in page
    assert "No false alarms in 1 run." in page
    assert "`python examples/healthy_seeds.py` --seeds 1 --steps 1 --others; do not edit." in page
