"""Files of a run that hold other values than a run writes: left out, refused, or as if they were not there."""

from __future__ import annotations

import json

import pytest
from reported import a_row

from ganzoo.config.layers import ConfigLayer, flatten, merge
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry
from ganzoo.report.measured import measured_of
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.evaluating import read_evaluations
from ganzoo.runs.listing import last_step, rows_of
from ganzoo.runs.manifest import read_spec
from ganzoo.runs.shapes import fits
from ganzoo.studies.outcome import outcome_of


@pytest.mark.parametrize(
    ("content", "shape", "expected"),
    [
        (True, int, False),
        (True, bool, True),
        (2**70, int, False),
        ([1, "a"], [int], False),
        ({"a": 1}, {"a": str}, False),
        ({"b": 1}, {"a": str}, True),
        ({"b": 1}, {...: str}, False),
        (None, {}, False),
    ],
)
def test_shapes(content, shape, expected):
    assert fits(content, shape) is expected


@pytest.mark.parametrize(
    "wrong", [{"step": [1]}, {"label": {}}, {"value": "3"}, {"value": None}, {"record": 1}, {"warnings": {}}], ids=str
)
def test_a_row_that_no_evaluation_writes_is_left_out(tmp_path, wrong):
    good = {"step": 1, **a_row("fd@10", 3.0)}
    lines = [json.dumps(good | wrong), json.dumps(good), "[" * 100_000]
    (tmp_path / "evaluations.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert [one.last for one in measured_of(read_evaluations(tmp_path))] == [3.0]


@pytest.mark.parametrize("wrong", [{"step": "9"}, {"parameters": 3}, {"data": {"shape": 3}}, {"resumed": [1]}], ids=str)
def test_a_manifest_of_another_shape_says_nothing(tmp_path, wrong):
    run = RunDirectory(tmp_path)
    run.manifest.write_text(json.dumps({"status": "finished"} | wrong), encoding="utf-8")
    assert run.read_manifest() == {}
    with pytest.raises(CheckpointError, match="section 'data'"):
        read_spec(run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shape", []),
        ("shape", [0, 16, 16]),
        ("shape", [-1, -16, 16]),
        ("shape", [1, 99_999, 99_999]),
        ("marginal", []),
        ("marginal", [0.5, 0.25, 0.25]),
        ("marginal", [1.5, -0.5]),
        ("marginal", [float("nan"), 1.0]),
    ],
)
def test_a_manifest_that_describes_no_data_is_refused_before_networks_are_built(tmp_path, key, value):
    run = RunDirectory(tmp_path)
    data = {"shape": [1, 16, 16], "classes": ["a", "b"], "marginal": [0.5, 0.5], "conditional": True}
    run.manifest.write_text(json.dumps({"data": data | {key: value}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=f"does not describe data: {key}"):
        read_spec(run)


def test_numbers_that_fit_no_float_are_no_row(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1, "a": {10**400}}}\n{{"step": 2}}\n{{"step": Infinity}}\n', encoding="utf-8")
    assert rows_of(path) == [{"step": 2}]
    assert last_step(path) is None


def test_a_schedule_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="must be a schedule"):
        merge([ConfigLayer("file", flatten({"schedules.train.g_lr": True}))]).tree()


@pytest.mark.parametrize("path", ["train", "loss", "regularizers", ""])
def test_a_schedule_of_a_whole_section_is_refused(path):
    schedule = {"steps": [0, 1], "values": [1, 2]}
    small = {"data": "ring", "generator": "mlp", "discriminator": "mlp"}
    layer = ConfigLayer("file", flatten(small | {"schedules": {path: schedule}}))
    with pytest.raises(ConfigError, match="schedule"):
        make_plan(choose(Registry.load(plugins=False), [layer]))


@pytest.mark.parametrize("values", [3, [1], [{"step": 1}], [{"step": "a", **a_row("x", 1.0)}]], ids=str)
def test_an_evaluation_of_another_shape_was_not_made(tmp_path, values):
    (tmp_path / "0001-a").mkdir()
    (tmp_path / "0001-a" / "config.yaml").write_text("loss: hinge\n", encoding="utf-8")
    (tmp_path / "0001-a" / "manifest.json").write_text('{"status": "finished"}', encoding="utf-8")
    (tmp_path / "evaluation.json").write_text(json.dumps({"values": values}), encoding="utf-8")
    assert outcome_of(tmp_path).values == {}
