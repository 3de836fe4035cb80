"""What follows from real features is found once: for all metrics, all evaluations of a process, and all later ones."""

from __future__ import annotations

import pytest
import torch
from ganzoo_metrics import pairs
from ganzoo_metrics.frechet_distance import FrechetDistance
from ganzoo_metrics.kernel_distance import KernelDistance
from ganzoo_metrics.precision_recall import PrecisionRecall
from test_judging import Means, Pictures, generated

from ganzoo.evaluation.judging import Yardstick, judge
from ganzoo.evaluation.kept_facts import KeptFacts
from ganzoo.evaluation.reference import RealData
from ganzoo.protocols import FeatureFacts


def fact(seed=0):
    return torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_fact_comes_back_in_another_process(tmp_path):
    KeptFacts(tmp_path)["radii 3"] = fact()
    again = KeptFacts(tmp_path)
    assert torch.equal(again["radii 3"], fact())
    assert again.get("radii 4") is None
    del again["radii 3"]
    assert KeptFacts(tmp_path).get("radii 3") is None


def _cut(file):
    file.write_bytes(file.read_bytes()[:-8])


def _flip(file):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


def _of_another_name(file):
    other = KeptFacts(file.parent / "other")
    other["radii 4"] = fact(1)
    (made,) = (file.parent / "other").iterdir()
    made.replace(file)


@pytest.mark.parametrize("harm", [_cut, _flip, _of_another_name, lambda file: file.write_bytes(b"")])
def test_a_file_that_is_not_what_was_written_is_as_if_it_were_not_there(tmp_path, harm):
    KeptFacts(tmp_path)["radii 3"] = fact()
    (file,) = tmp_path.iterdir()
    harm(file)
    again = KeptFacts(tmp_path)
    assert again.get("radii 3") is None
    again["radii 3"] = fact()
    assert torch.equal(KeptFacts(tmp_path)["radii 3"], fact())


def test_where_nothing_can_be_written_a_fact_is_kept_in_memory_and_a_warning_says_so(tmp_path, caplog):
    (tmp_path / "facts").write_text("a file where the folder should be")
    kept = KeptFacts(tmp_path / "facts" / "of these")
    kept["radii 3"] = fact()
    assert torch.equal(kept["radii 3"], fact())
    assert "is not kept for next time" in caplog.text


def test_equal_features_have_equal_digests_and_others_have_others():
    one = fact().float()
    digests = {FeatureFacts(of=other, found={}).digest for other in (one, one.clone(), one.T.contiguous().T)}
    assert len(digests) == 1
    others = (one + 1, one.double(), one.flatten(), one[:, :2], torch.tensor(1.0))
    assert len(digests | {FeatureFacts(of=other, found={}).digest for other in others}) == 6


METRICS = {"fd": FrechetDistance(samples=50), "kd": KernelDistance(samples=50), "pr": PrecisionRecall(samples=50)}


def yardstick(cache):
    """As a new process opens it."""
    reference = RealData(
        dataset=Pictures(100), split="train", find_held_out=lambda: (Pictures(60, brightness=3), "test"), cache=cache
    )
    return Yardstick(
        reference=reference, metrics=METRICS, options={name: {} for name in METRICS}, extractors={"means": Means()}
    )


@pytest.fixture
def passes(monkeypatch):
    seen, tiles = [], pairs.tiles

    def counted(rows, others):
        seen.append("within" if others is None else "between")
        return tiles(rows, others)

    monkeypatch.setattr(pairs, "tiles", counted)
    return seen


@pytest.mark.parametrize("process", ["same", "another"])
def test_a_second_evaluation_looks_at_pairs_with_generated_samples_alone(tmp_path, passes, process):
    """The first takes real ones among themselves, and the same for the floor."""
    first = yardstick(tmp_path)
    found = judge(first, generated(Pictures(50, brightness=20)))
    assert found.failed == {}
    assert len(passes) == 3 + 2
    passes.clear()
    second = first if process == "same" else yardstick(tmp_path)
    again = judge(second, generated(Pictures(50, brightness=20)))
    assert passes == ["within", "between"]
    assert again.values == found.values


def test_it_has_the_numbers_of_one_without_anything_kept(tmp_path):
    judge(yardstick(tmp_path / "kept"), generated(Pictures(50, brightness=9)))
    kept = judge(yardstick(tmp_path / "kept"), generated(Pictures(50, brightness=20)))
    fresh = judge(yardstick(tmp_path / "fresh"), generated(Pictures(50, brightness=20)))
    assert kept.values == fresh.values
    for file in (tmp_path / "kept" / "facts").rglob("*.safetensors"):
        _flip(file)
    assert judge(yardstick(tmp_path / "kept"), generated(Pictures(50, brightness=20))).values == fresh.values


class InPlace(KernelDistance):
    """Of rows of length 1, which it makes in place to save room."""

    def __call__(self, *, real, fake, random):
        for side in (real, fake):
            side.features.div_(side.features.norm(dim=1, keepdim=True))
        return super().__call__(real=real, fake=fake, random=random)


class Faulty(PrecisionRecall):
    def pair_work(self):
        raise ZeroDivisionError("mine alone")


def _judged(cache, **metrics):
    yardstick = Yardstick(
        reference=RealData(dataset=Pictures(60), split="train", find_held_out=lambda: None, cache=cache),
        metrics=metrics,
        options={name: {} for name in metrics},
        extractors={"means": Means()},
    )
    return judge(yardstick, generated(Pictures(40, brightness=9)))


def test_a_metric_that_changes_its_features_leaves_no_false_facts(tmp_path):
    [alone] = _judged(tmp_path / "alone", kd=KernelDistance(samples=40)).values
    changed, after = _judged(tmp_path, first=InPlace(samples=40), kd=KernelDistance(samples=40)).values
    [later] = _judged(tmp_path, kd=KernelDistance(samples=40)).values
    assert changed.value != alone.value
    assert (after.value, later.value) == (alone.value, alone.value)


def test_a_faulty_metric_takes_no_other_down(tmp_path):
    judgment = _judged(tmp_path, kd=KernelDistance(samples=40), faulty=Faulty(samples=40))
    assert [value.record.metric for value in judgment.values] == ["kd"]
    assert "mine alone" in judgment.failed["faulty[means]"]
