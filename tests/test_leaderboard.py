"""What is read off the folders of a comparison, and what it is said to show."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from ganzoo.cli.compare import show
from ganzoo.evaluation.value import Record, Value, unlike
from ganzoo.studies.comparison import Cell, Comparison
from ganzoo.studies.leaderboard import leaderboard
from ganzoo.studies.leaderboard_files import as_csv, as_markdown, notes, write_leaderboard
from ganzoo.studies.outcome import forget_failure, outcome_of, write_evaluation, write_failure
from ganzoo.studies.student import interval, welch

RECORD = Record(
    metric="frechet-distance", options={}, extractor="random-conv", data="f", split="train", shape=(3, 8, 8), n=100,
    n_real=100, ema=True, batch_norm="re-estimated", ganzoo="0",
)  # fmt: skip
LABEL = "fd[random-conv]@100"


class World:
    """A comparison whose runs are made up."""

    def __init__(self, path, *names, seeds=3, refused=()):
        cells = [
            Cell(name=name, folder=name, parts={"loss": name}, config={"data": {"name": "ring"}}) for name in names
        ]
        cells += [Cell(name=name, folder=name, parts={"loss": name}, reason="no") for name in refused]
        asked = {"seeds": seeds, "budget": {"kind": "steps", "amount": 10}}
        self.comparison = Comparison(path=path, asked=asked, words="10 steps", cells=tuple(cells))

    def place(self, name, seed):
        return self.comparison.place(self.comparison.cell(name), seed)

    def run(self, name, seed, status="finished", **more):
        run = self.place(name, seed) / "0001-run"
        (run / "checkpoints" / "step-0000010").mkdir(parents=True)
        (run / "config.yaml").write_text("version: 1\n")
        (run / "manifest.json").write_text(json.dumps({"status": status, "step": 10, **more}))
        counters = {"step": 10, "images": 80, "seconds": 1.5}
        (run / "checkpoints" / "step-0000010" / "state.json").write_text(json.dumps(counters))

    def measured(self, name, numbers, *, record=RECORD, before=9.0, **of_value):
        """Runs with these final numbers; an earlier checkpoint was at ``before``."""
        for seed, number in enumerate(numbers):
            self.run(name, seed)
            values = [
                {"step": step, **Value(key="fd", value=value, record=record, **{"better": "lower", **of_value}).row()}
                for step, value in ((5, before), (10, number))
            ]
            write_evaluation(self.place(name, seed), values, {})

    def content(self):
        return leaderboard(self.comparison)


def test_means_intervals_and_order(tmp_path):
    world = World(tmp_path, "worse", "better")
    world.measured("worse", [5.0, 6.0, 7.5])
    world.measured("better", [1.0, 1.5, 1.25], before=0.5)
    content = world.content()
    first, second = content["cells"]
    assert (first["name"], first["status"], first["mean"][LABEL]) == ("better", "complete", 1.25)
    assert second["interval"][LABEL] == interval([5.0, 6.0, 7.5])
    assert first["best"][LABEL] == 0.5
    assert first["seeds"][0]["best"] == {LABEL: {"step": 5, "value": 0.5}}
    assert (first["seeds"][2]["steps"], first["seeds"][2]["images"], first["seeds"][2]["seconds"]) == (10, 80, 1.5)
    assert first["seeds"][0]["run"] == "cells/better/seed-0/0001-run"
    assert content["metrics"] == [LABEL]
    assert content["better"] == {LABEL: "lower"}
    assert content["indistinguishable"] == []
    assert [(pair["cells"], pair["label"]) for pair in content["distinguishable"]] == [(["better", "worse"], LABEL)]
    assert (
        content["verdict"]
        == f"better has the best mean of {LABEL} (lower is better), and 3 seeds tell it apart from worse."
    )


def test_what_chance_may_have_done(tmp_path):
    world = World(tmp_path, "a", "b", "far")
    a, b = [1.0, 2.0, 1.5], [1.2, 2.2, 1.6]
    world.measured("a", a)
    world.measured("b", b)
    world.measured("far", [50.0, 51.0, 52.0])
    content = world.content()
    (pair,) = content["indistinguishable"]
    assert pair["cells"] == ["a", "b"]
    assert pair["p"] == pytest.approx(welch(a, b))  # the last of three in Holm's order
    assert content["verdict"].endswith("3 seeds do not tell it apart from b; they tell it apart from far.")
    assert [found["cells"] for found in content["distinguishable"]] == [["a", "far"], ["b", "far"]]
    said = "\n".join(notes(content))
    assert f"Told apart by {LABEL}: a and far (p = " in said
    assert f"Not distinguishable by {LABEL} at this number of seeds: a and b (p = " in said
    assert f"Told apart by {LABEL}: a and far" in as_markdown(content)


def test_intervals_of_shares_stay_shares(tmp_path):
    world = World(tmp_path, "a", "b")
    share = {"better": "higher", "range": (0, 1), "before": 0.1}
    world.measured("a", [0.9, 1.0, 0.95], **share)
    world.measured("b", [0.4, 0.5, 0.45], **share)
    content = world.content()
    low, high = interval([0.9, 1.0, 0.95])
    assert high > 1
    assert content["cells"][0]["interval"][LABEL] == (low, 1)
    assert content["ranges"] == {LABEL: [0, 1]}
    shown = as_markdown(content)
    assert "| a | 3 | 0.95 (0.83 to 1) | 0.95 |" in shown
    assert "| b | 3 | 0.45 ± 0.12 | 0.45 |" in shown
    assert f"Intervals are cut off at the ends of what a number can be: {LABEL} from 0 to 1." in shown


def test_the_first_metric_ranks_though_it_failed_in_the_first_run(tmp_path):
    world = World(tmp_path, "a", "b")
    other = replace(RECORD, metric="kernel-distance")
    for name, fd, kd in (("a", None, 0.1), ("b", 5.0, 0.2)):
        world.run(name, 0)
        values = [Value(key="kd", value=kd, record=other, better="lower")]
        if fd is not None:
            values.insert(0, Value(key="fd", value=fd, record=RECORD, better="lower"))
        write_evaluation(world.place(name, 0), [{"step": 10, **value.row()} for value in values], {})
    content = world.content()
    assert content["metrics"] == [LABEL, "kd[random-conv]@100"]
    assert [cell["name"] for cell in content["cells"]] == ["b", "a"]


def test_a_run_without_numbers_at_its_last_step_has_not_those_of_an_earlier_one(tmp_path):
    world = World(tmp_path, "a", "b")
    world.measured("a", [5.0, 6.0, 7.5])
    world.run("b", 0)
    early = {"step": 5, **Value(key="fd", value=0.5, record=RECORD, better="lower").row()}
    write_evaluation(world.place("b", 0), [early], {"frechet-distance[random-conv] at step 10": "not finite"})
    content = world.content()
    b = next(cell for cell in content["cells"] if cell["name"] == "b")
    assert (b["mean"], b["seeds"][0]["status"], b["seeds"][0]["values"]) == ({}, "failed", [])
    assert b["seeds"][0]["reason"] == "frechet-distance[random-conv] at step 10: not finite"
    assert content["verdict"].startswith("Only a has values")


@pytest.mark.parametrize("numbers", [([1.0], [9.0]), ([1.0, 1.0], [9.0, 9.0])], ids=["one seed", "no variance"])
def test_nothing_is_claimed_without_a_test(tmp_path, numbers):
    world = World(tmp_path, "a", "b", seeds=len(numbers[0]))
    for name, values in zip("ab", numbers, strict=True):
        world.measured(name, values)
    content = world.content()
    assert content["indistinguishable"] == [{"cells": ["a", "b"], "label": LABEL, "p": None}]
    assert "not" in content["verdict"]
    assert "and 2 seeds tell it apart" not in content["verdict"]


def test_runs_without_values_are_kept_with_the_reason(tmp_path):
    world = World(tmp_path, "a", "b", refused=["c"])
    world.measured("a", [1.0, 2.0])
    world.run("a", 2, "diverged", fault="d/total is nan at step 3")
    world.run("b", 0, "interrupted")
    world.place("b", 1).mkdir(parents=True)
    write_failure(world.place("b", 1), "out of memory")
    content = world.content()
    a, b, c = content["cells"]
    assert (a["status"], b["status"], c["status"]) == ("partial", "partial", "refused")
    assert [seed["status"] for seed in b["seeds"]] == ["interrupted", "failed", "waiting"]
    assert a["seeds"][2]["reason"] == "d/total is nan at step 3"
    assert a["mean"][LABEL] == 1.5
    assert "Runs diverged and are not in the means: a (1 of 3)." in content["verdict"]
    assert "Runs failed and are not in the means: b (1 of 3)." in content["verdict"]
    assert "2 runs are not done" in content["verdict"]
    assert c["reason"] == "no"
    rows = list(csv.DictReader(io.StringIO(as_csv(content))))
    assert [row["status"] for row in rows] == [
        "finished", "finished", "diverged", "interrupted", "failed", "waiting", "refused",
    ]  # fmt: skip


def test_values_that_were_not_measured_alike_are_not_ranked(tmp_path):
    world = World(tmp_path, "a", "b")
    world.measured("a", [1.0, 2.0, 3.0])
    world.measured("b", [9.0, 8.0, 7.0], record=replace(RECORD, ema=False))
    content = world.content()
    assert content["metrics"] == []
    assert "ema: True and False" in content["unranked"][LABEL]
    assert content["verdict"].startswith("Nothing can be ranked: values of a and b were not measured alike (ema")


@pytest.mark.parametrize("order", [(None, True, False), (True, None, False), (True, False, None)])
def test_pictures_from_elsewhere_do_not_make_unlike_runs_alike(order):
    records = [(str(ema), replace(RECORD, ema=ema)) for ema in order]
    assert "ema: True and False" in unlike(records)
    assert unlike([record for record in records if record[1].ema is not False]) is None


def test_one_is_not_several(tmp_path):
    world = World(tmp_path, "a", "b", seeds=2)
    world.measured("a", [1.0, 2.0])
    world.measured("b", [9.0])
    assert "This is preliminary: 1 run is not done." in world.content()["verdict"]


def test_nothing_yet(tmp_path):
    content = World(tmp_path, "a", "b").content()
    assert content["verdict"] == "Nothing can be ranked: no run has finished and been measured."
    assert [cell["status"] for cell in content["cells"]] == ["partial", "partial"]


def test_a_run_that_is_trained_and_not_measured_is_not_done(tmp_path):
    world = World(tmp_path, "a")
    world.run("a", 0)
    assert not outcome_of(world.place("a", 0)).settled
    (world.place("a", 0) / "evaluation.json").write_text('{"values": [')  # nobody writes so, but a disk may
    assert not outcome_of(world.place("a", 0)).settled


def test_what_failed_is_tried_again(tmp_path):
    world = World(tmp_path, "a")
    world.run("a", 0)
    write_evaluation(world.place("a", 0), [], {"fd": "it broke"})
    found = outcome_of(world.place("a", 0))
    assert (found.status, found.reason, found.settled) == ("failed", "fd: it broke", False)
    forget_failure(world.place("a", 0))
    assert outcome_of(world.place("a", 0)).status == "interrupted"


def test_files(tmp_path):
    world = World(tmp_path, "a", "b")
    world.measured("a", [1.0, 2.0, 3.0])
    world.measured("b", [4.0, 5.0, 6.5])
    content = write_leaderboard(world.comparison)
    assert json.loads((tmp_path / "leaderboard.json").read_text()) == json.loads(json.dumps(content))
    assert "| a | 3 | 2 ± 2.5 | 2 |" in (tmp_path / "leaderboard.md").read_text()
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").read_text().splitlines()))
    assert [(row["cell"], row["seed"], row["value"]) for row in rows][:2] == [("a", "0", "1.0"), ("a", "1", "2.0")]


def test_the_tables_of_the_command_fit_a_terminal(tmp_path):
    """A table of each number: of a number with a long name, too, every row stands on one line of 80 columns."""
    world = World(tmp_path, "hinge + patchgan-sn + train.d_lr=0.0002", "bce + dcgan")
    world.measured("hinge + patchgan-sn + train.d_lr=0.0002", [1.0, 1.1, 1.3])
    world.measured("bce + dcgan", [2.0, 2.2, 2.1])
    screen = Console(file=io.StringIO(), width=80)
    show(screen, world.content())
    lines = [line.split() for line in screen.file.getvalue().splitlines()]
    assert lines[0] == [LABEL, *["seeds", "lower", "is", "better", "best", "over", "steps"]]
    assert lines[1] == [*["hinge", "+", "patchgan-sn", "+", "train.d_lr=0.0002", "3"], "1.133", "±", "0.38", "1.133"]
    assert lines[2][:4] == ["bce", "+", "dcgan", "3"]
