from __future__ import annotations

import json
import os

from example_scripts import load, run
from peer_libraries import EXAMPLE, STAND_INS

PLACES = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(STAND_INS)])


def test_all_that_is_there_stands_in_one_table(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PLACES)
    asked = ("--rounds", 2, "--clock", "cpu", "--example", EXAMPLE, "--peers", "torchgan", "lightning", "--json")
    done = run("benchmarks/peers.py", *asked, cwd=tmp_path)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert list(found) == ["torchgan", "lightning"]
    lines = load("benchmarks/peers.py").table(found).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| torchgan", "64"], ["| lightning", "32"]]
    ratio = found["torchgan"]["ratios"]["torchgan"]
    assert f"{ratio['median']:.2f} ({ratio['lower_quartile']:.2f}–{ratio['upper_quartile']:.2f})" in lines[2]


def test_what_is_missing_is_left_out_and_told(tmp_path):
    done = run("benchmarks/peers.py", "--rounds", 2, "--peers", "lightning", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--example" in done.stderr
    assert "nothing could be compared" in done.stderr
