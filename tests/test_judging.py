"""What is measured of generated data: records, floors, features that are kept, and checkpoints that are best."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import ganzoo
from ganzoo.config.schema import RunConfig
from ganzoo.errors import ConfigError
from ganzoo.evaluation.gathering import gather, gather_real
from ganzoo.evaluation.judging import Yardstick, judge
from ganzoo.evaluation.reference import RealData, halves, order
from ganzoo.evaluation.value import Value
from ganzoo.protocols import DataSpec, Extracted
from ganzoo.runs.evaluating import read_evaluations
from ganzoo.runs.keeping import kept
from ganzoo.seeds import generator_for


class Pictures:
    """A dataset in memory."""

    def __init__(self, count: int, *, brightness: int = 0, groups: tuple[str, ...] | None = None) -> None:
        random = generator_for(count, brightness)
        self._images = torch.randint(0, 100, (count, 1, 8, 8), generator=random, dtype=torch.uint8) + brightness
        self.spec = DataSpec(shape=(1, 8, 8), classes=(), marginal=(), conditional=False)
        self.fingerprint = f"{count} {brightness}"
        self.labels, self.groups, self.modes = None, groups, None

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: torch.Tensor) -> torch.Tensor:
        return self._images[index].clone()


class Means:
    """An extractor that counts how often it is asked."""

    classes, resize, size, digest = (), "none", 2, "means"

    def __init__(self) -> None:
        self.looked = 0

    def __call__(self, images: torch.Tensor) -> Extracted:
        self.looked += len(images)
        values = images.float().flatten(1)
        return Extracted(features=torch.stack([values.mean(1), values.std(1)], dim=1))


class Shift:
    """How far the means of features are apart."""

    needs, higher_is_better, samples = frozenset({"features"}), False, 30

    def __call__(self, *, real, fake, random):
        return {
            "shift": float((real.features.mean(0) - fake.features.mean(0)).norm()),
            "count": float(len(fake.features)),
        }


def yardstick(tmp_path, *, metric=None, held_out=None, extractor=None, n=None, dataset=None):
    found = None if held_out is None else (held_out, "test")
    return Yardstick(
        reference=RealData(
            dataset=dataset or Pictures(100), split="train", find_held_out=lambda: found, cache=tmp_path
        ),
        metrics={"shift": metric or Shift()},
        options={"shift": {}},
        extractors={"means": extractor or Means()},
        n=n,
    )


def generated(dataset):
    return lambda n: [(dataset.read(part), None) for part in torch.arange(min(n, len(dataset))).split(7)]


class TestValues:
    def test_the_floor_is_the_same_number_for_held_out_data(self, tmp_path):
        held_out, fakes = Pictures(60), Pictures(50, brightness=20)
        judgment = judge(yardstick(tmp_path, held_out=held_out), generated(fakes))
        value = judgment.values[0]
        real = Means()(Pictures(100).read(order(Pictures(100))[:30])).features.mean(0)
        shown = Means()(fakes.read(torch.arange(30))).features.mean(0)
        unseen = Means()(held_out.read(order(held_out)[:30])).features.mean(0)
        assert value.value == pytest.approx(float((real - shown).norm()), rel=1e-6)
        assert value.floor == pytest.approx(float((real - unseen).norm()), rel=1e-6)
        assert value.floor_of == "30 of test"
        assert (value.label, value.better) == ("shift[means]@30", "lower")
        assert judgment.values[1].better is None, "a further number ranks only if its metric says so"

    def test_without_held_out_data_one_half_is_compared_with_the_other(self, tmp_path):
        value = judge(yardstick(tmp_path, n=80), generated(Pictures(80))).values[0]
        here, there = halves(Pictures(100))
        assert not set(here.tolist()) & set(there.tolist())
        seen = [Means()(Pictures(100).read(part)).features.mean(0) for part in (here, there)]
        assert value.floor == pytest.approx(float((seen[0] - seen[1]).norm()), rel=1e-6)
        assert value.floor_of == "50 of train, against 50 others of it"

    def test_a_floor_is_found_once_and_in_training_only_if_it_is_of_as_many(self, tmp_path):
        calls = []

        class Counted(Shift):
            def __call__(self, *, real, fake, random):
                calls.append(fake)
                return super().__call__(real=real, fake=fake, random=random)

        for n, floors in ((50, 1), (80, 0)):
            measured = yardstick(tmp_path, n=n, metric=Counted())
            first, second = (judge(measured, generated(Pictures(80)), small_floors=False).values[0] for _ in range(2))
            assert len(calls) == 2 + floors
            assert (first.floor is not None, first.floor) == (bool(floors), second.floor)
            calls.clear()

    def test_a_group_is_in_one_half(self):
        groups = tuple(f"patient {number % 7}" for number in range(100))
        here, there = halves(Pictures(100, groups=groups))
        assert {groups[number] for number in here.tolist()}.isdisjoint({groups[number] for number in there.tolist()})
        assert len(here) + len(there) == 100
        assert abs(len(here) - len(there)) <= 15

    def test_fewer_generated_pictures_than_asked_for_are_counted_as_they_are(self, tmp_path):
        value = judge(yardstick(tmp_path), generated(Pictures(12))).values[0]
        assert (value.record.n, value.label) == (12, "shift[means]@12")

    def test_a_metric_that_fails_does_not_hide_the_others(self, tmp_path):
        class Broken(Shift):
            def __call__(self, *, real, fake, random):
                raise ValueError("no value here")

        both = yardstick(tmp_path)
        both = replace(both, metrics={"broken": Broken(), "shift": Shift()}, options={"broken": {}, "shift": {}})
        judgment = judge(both, generated(Pictures(40)))
        assert judgment.failed == {"broken[means]": "ValueError: no value here"}
        assert [value.key for value in judgment.values] == ["shift", "count"]

    def test_a_number_that_is_not_finite_is_a_failure(self, tmp_path):
        class Infinite(Shift):
            def __call__(self, *, real, fake, random):
                return {"shift": float("inf")}

        judgment = judge(yardstick(tmp_path, metric=Infinite()), generated(Pictures(40)))
        assert judgment.values == ()
        assert "shift of metric shift is not a finite number" in judgment.failed["shift[means]"]

    def test_held_out_data_that_are_needed_and_missing(self, tmp_path):
        class NeedsMore(Shift):
            needs = frozenset({"features", "held_out"})

        judgment = judge(yardstick(tmp_path, metric=NeedsMore()), generated(Pictures(40)))
        assert "needs real data that the generator was not trained on" in judgment.failed["shift[means]"]
        assert isinstance(judgment.errors["shift[means]"], ConfigError)

    def test_a_metric_may_ask_for_all_real_data(self, tmp_path):
        class Whole(Shift):
            whole_reference = True

            def __call__(self, *, real, fake, random):
                return {"shift": float(len(real.features))}

        value = judge(yardstick(tmp_path, metric=Whole()), generated(Pictures(40))).values[0]
        assert (value.value, value.record.n_real, value.record.n, value.floor) == (100, 100, 30, 50)
        [note] = value.warnings
        assert note.startswith("real against real compares with 50 real pictures and the value with 100: ")

    def test_a_floor_against_fewer_real_data_than_the_value_says_so(self, tmp_path):
        """Halves without a common group may be of unlike sizes, and here one has a single picture."""
        plain = Pictures(100)
        alone = int(order(plain)[0])
        dataset = Pictures(100, groups=tuple("alone" if number == alone else "others" for number in range(100)))
        measured = yardstick(tmp_path, dataset=dataset)
        value = judge(measured, generated(Pictures(40))).values[0]
        assert (value.record.n_real, value.floor_of) == (30, "30 of train, against 1 others of it")
        [note] = value.warnings
        assert note.startswith("real against real compares with 1 real pictures and the value with 30: ")
        assert judge(measured, generated(Pictures(40)), small_floors=False).values[0].floor is None

    def test_the_standard_error_stands_beside_its_number(self, tmp_path):
        class WithSpread(Shift):
            spreads, better = {"a": "a_std"}, {"b": "higher"}

            def __call__(self, *, real, fake, random):
                return {"a": 1.0, "a_std": 0.5, "b": 2.0}

        values = judge(yardstick(tmp_path, metric=WithSpread()), generated(Pictures(40))).values
        assert [(value.key, value.spread, value.better) for value in values] == [
            ("a", 0.5, "lower"),
            ("b", None, "higher"),
        ]


class TestUnrulyMetrics:
    @pytest.mark.parametrize("way", ["torch", "numpy"])  # torch does not count what NumPy writes
    def test_one_that_changes_what_it_is_given_changes_nothing_for_the_next(self, way, tmp_path, caplog):
        class Changes(Shift):
            def __call__(self, *, real, fake, random):
                features = fake.features if way == "torch" else fake.features.numpy()
                features *= 0
                return {"shift": 1.0}

        both = yardstick(tmp_path)
        both = replace(both, metrics={"first": Changes(), "shift": Shift()}, options={"first": {}, "shift": {}})
        (_, value, _) = judge(both, generated(Pictures(40))).values
        assert value == judge(yardstick(tmp_path), generated(Pictures(40))).values[0]
        [said] = caplog.messages
        assert said.startswith("metric first changes the samples that it is given, so they are made again")

    def test_a_floor_that_fails_costs_the_floor_alone(self, tmp_path):
        class NoFloor(Shift):
            def __call__(self, *, real, fake, random):
                return {"shift": 1.0 if len(fake.features) == 20 else float("nan")}

        held_out = Pictures(10)
        value = judge(yardstick(tmp_path, metric=NoFloor(), held_out=held_out, n=20), generated(Pictures(40))).values[0]
        assert (value.value, value.floor) == (1.0, None)
        assert value.warnings[0].startswith(
            "real against real has no number: shift of metric shift is not a finite number"
        )

    def test_data_of_one_group_have_no_floor(self, tmp_path):
        dataset = Pictures(100, groups=("one patient",) * 100)
        value = judge(yardstick(tmp_path, dataset=dataset), generated(Pictures(40))).values[0]
        assert (value.floor, value.warnings) == (None, ("there are too few real data to compare real against real",))

    def test_a_floor_of_fewer_is_said_to_be_higher(self, tmp_path):
        value = judge(yardstick(tmp_path, held_out=Pictures(10)), generated(Pictures(40))).values[0]
        assert "real against real is of 10 real pictures and the value of 30 samples" in value.warnings[0]

    @pytest.mark.parametrize(
        ("outcome", "words"),
        [
            (dict, "metric shift gave no number"),
            (lambda: (_ for _ in ()).throw(ValueError()), "ValueError"),
            (lambda: (_ for _ in ()).throw(SystemExit(3)), "SystemExit"),
        ],
        ids=["nothing", "without-words", "exit"],
    )
    def test_why_there_is_no_number(self, tmp_path, outcome, words):
        class Fails(Shift):
            def __call__(self, *, real, fake, random):
                return outcome()

        judgment = judge(yardstick(tmp_path, metric=Fails()), generated(Pictures(40)))
        assert judgment.values == ()
        assert words in judgment.failed["shift[means]"]

    def test_a_number_may_rank_nothing(self, tmp_path):
        class RanksNothing(Shift):
            @property
            def better(self):
                return {"shift": None}

        values = judge(yardstick(tmp_path, metric=RanksNothing()), generated(Pictures(40))).values
        assert [value.better for value in values] == [None, None]


class TestRecords:
    def test_other_held_out_data_make_other_records(self, tmp_path):
        class NeedsMore(Shift):
            needs = frozenset({"features", "held_out"})

        one, other = (
            judge(yardstick(tmp_path, metric=NeedsMore(), held_out=Pictures(count)), generated(Pictures(40))).values[0]
            for count in (10, 11)
        )
        assert set(one.record.differences(other.record)) == {"held_out"}

    def value(self, tmp_path, **made):
        return judge(yardstick(tmp_path), generated(Pictures(40)), **made).values[0]

    def test_a_value_comes_back_from_its_row(self, tmp_path):
        value = self.value(tmp_path, ema=True, batch_norm="re-estimated")
        assert Value.of_row(json.loads(json.dumps({"step": 3, **value.row()}))) == value

    def test_what_differs_is_named(self, tmp_path):
        one = self.value(tmp_path, ema=True, truncation=None).record
        other = replace(one, ema=False, truncation=0.7, n=9)
        assert one.differences(other) == {"ema": (True, False), "truncation": (None, 0.7), "n": (30, 9)}
        assert one.differences(one) == {}

    def test_pictures_from_elsewhere_can_be_compared_with_a_run(self, tmp_path):
        run = self.value(tmp_path, ema=True, batch_norm="re-estimated").record
        elsewhere = self.value(tmp_path).record
        assert run.differences(elsewhere) == {}
        assert run.differences(replace(elsewhere, split="test")) == {"split": ("train", "test")}


class TestFeaturesThatAreKept:
    def test_real_pictures_are_looked_at_once(self, tmp_path):
        index = torch.arange(20)
        first, second = Means(), Means()
        fresh = gather_real(Pictures(100), index, {"means": first}, images=False, cache=tmp_path)
        again = gather_real(Pictures(100), index, {"means": second}, images=True, cache=tmp_path)
        assert (first.looked, second.looked) == (20, 0)
        assert torch.equal(fresh.seen["means"].features, again.seen["means"].features)
        assert torch.equal(again.images, Pictures(100).read(index))
        assert fresh.images is None

    @pytest.mark.parametrize("change", ["data", "extractor", "index"])
    def test_what_they_depend_on_makes_others(self, tmp_path, change):
        gather_real(Pictures(100), torch.arange(20), {"means": Means()}, images=False, cache=tmp_path)
        other = Means()
        other.digest = "other" if change == "extractor" else other.digest
        data = Pictures(101) if change == "data" else Pictures(100)
        index = torch.arange(1, 21) if change == "index" else torch.arange(20)
        gather_real(data, index, {"means": other}, images=False, cache=tmp_path)
        assert other.looked == 20

    def test_a_damaged_file_is_made_again(self, tmp_path):
        gather_real(Pictures(100), torch.arange(20), {"means": Means()}, images=False, cache=tmp_path)
        (file,) = (tmp_path / "features").iterdir()
        file.write_bytes(file.read_bytes()[:40])
        other = Means()
        gather_real(Pictures(100), torch.arange(20), {"means": other}, images=False, cache=tmp_path)
        assert other.looked == 20

    def test_the_size_of_chunks_changes_nothing(self):
        images = Pictures(50).read(torch.arange(50))
        whole = gather([(images, None)], {"means": Means()}, images=True, expected=len(images))
        parts = gather([(part, None) for part in images.split(3)], {"means": Means()}, images=True, expected=4)
        assert torch.equal(whole.seen["means"].features, parts.seen["means"].features)
        assert torch.equal(whole.images, parts.images)
        assert parts.first(10).count == len(parts.first(10).seen["means"].features) == 10


SMALL = {
    "loss": "bce",
    "data": {"name": "ring", "n": 400},
    "generator": {"width": 8, "latent": 3},
    "discriminator": {"width": 8},
    "train": {
        "steps": 8,
        "batch_size": 8,
        "log_every": 2,
        "sample_every": 2,
        "checkpoint_every": 2,
        "keep": "best",
    },
    "metrics": {"mode-coverage": {"samples": 64}},
}


class TestRuns:
    def test_best_and_newest_checkpoints_stay(self, tmp_path):
        run = ganzoo.run(SMALL, out=tmp_path)
        scores = {row["step"]: row["metric/mode-coverage/modes"] for row in run.metrics()}
        best = min(scores, key=lambda step: (-scores[step], step))
        steps = {int(path.name.removeprefix("step-")) for path in run.directory.checkpoint_folders()}
        assert steps == {best, 8}
        evaluation = ganzoo.evaluate(run, step="all", metrics={"mode-coverage": {"samples": 64}})
        assert set(evaluation.judgments) == steps
        assert evaluation.value("modes").record.n == 64
        assert [row["step"] for row in read_evaluations(run.path)] == [step for step in sorted(steps) for _ in range(3)]

    def test_the_same_evaluation_twice_has_the_same_numbers(self, tmp_path):
        run = ganzoo.run({**SMALL, "train": {**SMALL["train"], "keep": "last 1"}}, out=tmp_path)
        first, second = (ganzoo.evaluate(run.path, n=100) for _ in range(2))
        assert [value.value for value in first.values] == [value.value for value in second.values]
        assert first.value("modes@100").floor == 8

    def test_the_values_are_those_of_the_last_step_however_steps_are_given(self, tmp_path):
        run = ganzoo.run({**SMALL, "train": {**SMALL["train"], "keep": "all"}}, out=tmp_path)
        found = ganzoo.evaluate(run, step=[8, 2, 8], n=20)
        assert list(found.judgments) == [2, 8]
        assert found.values == found.judgments[8].values
        with pytest.raises(ConfigError, match="no step is named"):
            ganzoo.evaluate(run, step=[], n=20)

    def test_pictures_are_not_measured_against_data_that_nobody_named(self, tmp_path):
        with pytest.raises(ConfigError, match="the real ones to compare them with are not named") as caught:
            ganzoo.evaluate(tmp_path, metrics="mode-coverage")
        assert caught.value.hint == f'ganzoo.evaluate("{tmp_path}", data="PATH"), of the real ones'

    def test_a_torn_line_costs_itself_alone(self, tmp_path):
        run = ganzoo.run({**SMALL, "train": {**SMALL["train"], "steps": 2}}, out=tmp_path)
        (run.path / "evaluations.jsonl").write_text('{"torn": 1')
        ganzoo.evaluate(run, n=20)
        assert [row["key"] for row in read_evaluations(run.path)] == ["modes", "high_quality", "reverse_kl"]

    @pytest.mark.parametrize("n", [-5, 0, 1])
    def test_a_number_of_samples_that_is_none(self, tmp_path, n):
        run = ganzoo.run({**SMALL, "train": {**SMALL["train"], "steps": 2}}, out=tmp_path)
        with pytest.raises(ConfigError, match="n is not a number of samples"):
            ganzoo.evaluate(run, n=n)

    @pytest.mark.parametrize(
        ("sections", "words"),
        [
            ({"metrics": {}}, "no metric says which one that is"),
            ({"eval": {"every": 3}}, "both must divide the first"),
            ({"train": {**SMALL["train"], "log_every": 3}}, "both must divide the first"),
        ],
    )
    def test_best_needs_a_number_for_every_checkpoint(self, sections, words):
        chosen = {"metrics": SMALL["metrics"], "train": SMALL["train"], **sections}
        with pytest.raises(ValueError, match=words):
            RunConfig.model_validate(chosen)


def test_of_equal_checkpoints_the_first_is_the_best():
    assert kept({1: 2.0, 2: 3.0, 3: 3.0, 4: None, 5: 1.0}, "best") == {2, 5}
    assert kept({1: None, 2: None}, "best") == {2}
