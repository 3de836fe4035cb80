from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from example_scripts import load, run

PAGE = Path(__file__).parents[2] / "docs" / "figures" / "startup.md"


@pytest.fixture(scope="module")
def benchmark():
    return load("benchmarks/startup.py")


def test_it_prints_figures_of_every_question(benchmark, tmp_path):
    done = run("benchmarks/startup.py", "--rounds", 1, "--warmup", 0, "--plugins", 2, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["settings"] == {"plugins": 2, "rounds": 1}
    assert set(result["machine"]) == {"processor", "cores", "python", "torch", "ganzoo"}
    rows = {row["question"]: row for row in result["rows"]}
    assert tuple(rows) == (*benchmark.QUESTIONS, *benchmark.YARDSTICKS)
    assert all(milliseconds > 0 for row in rows.values() for milliseconds in row["milliseconds"])
    assert {question for question, row in rows.items() if row["ratio"] is None} == set(benchmark.YARDSTICKS)
    assert list(tmp_path.iterdir()) == []


def test_a_question_that_fails_stops_it(benchmark, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        benchmark.seconds_of("python -c 'raise SystemExit(2)'", benchmark.environment(tmp_path))


def test_waiting_is_not_counted(benchmark, tmp_path):
    waiting = benchmark.seconds_of("python -c 'import time; time.sleep(2)'", benchmark.environment(tmp_path))
    assert 0 < waiting < 1


def test_plugins_are_on_the_path_and_compiled_once(benchmark, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    benchmark.install(tmp_path, 1)
    environ = benchmark.environment(tmp_path)
    assert environ["PYTHONPATH"].split(os.pathsep) == [str(tmp_path), "elsewhere"]
    benchmark.seconds_of("python -c 'import light_01'", environ)
    assert len(list(tmp_path.rglob("light_01/**/__init__.*.pyc"))) == 1


def test_ways_of_asking_take_turns_and_the_warm_up_is_not_counted(benchmark):
    turns = []

    def way(name):
        return lambda: turns.append(name) or len(turns)

    taken = benchmark.measure({"one": [way("a"), way("b")], "two": [way("c")]}, rounds=2, warmup=1)
    assert "".join(turns) == "abc" * 3
    assert taken == {"one": [[4, 5], [7, 8]], "two": [[6], [9]]}


def test_ratios_compare_answers_of_one_round(benchmark):
    libraries = [[0.1], [0.1], [0.4]]
    taken = {
        "list": [[0.1, 0.2], [0.4, 0.4], [0.2, 0.8]],
        "pass": [[0.01], [0.02], [0.03]],
        benchmark.LIBRARIES: libraries,
    }
    rows = benchmark.summarize(taken)
    assert rows[0]["milliseconds"] == pytest.approx([200, 400])
    assert rows[0]["ratio"] == {"median": 2.0, "min": 1.0, "max": 4.0}
    assert rows[0]["of_libraries"] == {"median": 1.0, "min": 0.5, "max": 4.0}
    assert (rows[1]["milliseconds"], rows[1]["ratio"]) == ([20.0], None)


def test_the_table_is_read_by_people(benchmark):
    ratio = {"median": 1.5, "min": 1.0, "max": 2.0}
    little = {"median": 0.2, "min": 0.1, "max": 0.3}
    rows = [
        {"question": "ganzoo list", "milliseconds": [100.4, 150.6], "of_libraries": ratio, "ratio": ratio},
        {"question": "python -c pass", "milliseconds": [18.0], "of_libraries": little, "ratio": None},
    ]
    assert benchmark.table(rows, plugins=50).splitlines()[2:] == [
        "| `ganzoo list` | 100 | 1.50 (1.00–2.00) | 151 | 1.50 (1.00–2.00) |",
        "| `python -c pass` | 18 | 0.20 (0.10–0.30) | – | – |",
    ]


def test_the_page_has_the_rows_that_the_benchmark_prints(benchmark):
    text = PAGE.read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)) == (*benchmark.QUESTIONS, *benchmark.YARDSTICKS)
    assert benchmark.table([], plugins=50).splitlines()[0] in text
