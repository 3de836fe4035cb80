from __future__ import annotations

import math

import pytest
import torch
from ganzoo_metrics.class_coverage import ClassCoverage
from ganzoo_metrics.class_score import ClassScore
from hypothesis import given
from hypothesis import strategies as st
from measured_features import normal, shuffled

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


def probs(rows):
    return Features(class_probs=torch.as_tensor(rows, dtype=torch.float32))


def of_classes(*classes, count=3):
    """Sure of each."""
    return probs(torch.nn.functional.one_hot(torch.tensor(classes), count))


def score(fake):
    return ClassScore()(real=Features(), fake=fake, random=torch.Generator())["class_score"]


def coverage(real, fake, **options):
    return ClassCoverage(**options)(real=real, fake=fake, random=torch.Generator())


@pytest.mark.parametrize(
    ("fake", "expected"),
    [
        (of_classes(0, 1, 2, 0, 1, 2), 3.0),
        (of_classes(0, 1, 0, 1), 2.0),
        (of_classes(2, 2, 2), 1.0),
        (probs([[1 / 3, 1 / 3, 1 / 3]] * 4), 1.0),
        # ½ KL((.75, .25) ‖ (.5, .5)) twice
        (probs([[0.75, 0.25], [0.25, 0.75]]), math.exp(0.75 * math.log(1.5) + 0.25 * math.log(0.5))),
        (of_classes(0, 0, 0, 1), math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))),
    ],
)
def test_scores_by_hand(fake, expected):
    assert score(fake) == pytest.approx(expected, rel=1e-6)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), classes=st.integers(1, 5))
def test_the_score_is_the_formula_sample_by_sample_and_within_its_range(seed, n, classes):
    p = normal(n, classes, seed=seed, std=3).softmax(1).float()
    marginal = [sum(float(row[k]) for row in p) / n for k in range(classes)]
    divergence = sum(float(x) * math.log(float(x) / marginal[k]) for row in p for k, x in enumerate(row)) / n
    assert score(probs(p)) == pytest.approx(math.exp(divergence), rel=1e-6)
    assert 1 <= score(probs(p)) <= classes + 1e-6
    assert score(shuffled(probs(p))) == pytest.approx(score(probs(p)), rel=1e-12)


def test_equal_shares_reach_every_class():
    assert coverage(of_classes(0, 1, 2), of_classes(2, 1, 0, 0, 1, 2)) == {"classes": 3.0, "class_kl": 0.0}


def test_a_class_that_is_never_made():
    """q = (½, ½, 0), p = ⅓ each: Σ q ln(q/p) = ln 1.5."""
    found = coverage(of_classes(0, 1, 2), of_classes(0, 1))
    assert found == {"classes": 2.0, "class_kl": pytest.approx(math.log(1.5))}


def test_a_class_without_real_data_is_not_counted_and_finite():
    """It counts as half a sample of the 4 real ones: q ln(q / ⅛)."""
    found = coverage(of_classes(0, 0, 1, 1), of_classes(0, 2))
    assert found == {"classes": 1.0, "class_kl": pytest.approx(0.5 * math.log(0.5 / 0.5) + 0.5 * math.log(0.5 * 8))}


@pytest.mark.parametrize(("least", "reached"), [(0.1, 2), (0.11, 1)])
def test_the_least_share_is_enough(least, reached):
    """q = 1 of 100, p = 1 of 10: exactly a tenth. Known mistake: 0.1 × 0.1 > 0.01 in floating point."""
    real, fake = of_classes(*[0] * 9, 1), of_classes(*[0] * 99, 1)
    assert coverage(real, fake, least=least)["classes"] == reached


def test_one_picture_of_a_class_is_its_most_probable():
    found = coverage(probs([[0.6, 0.4], [0.4, 0.6]]), probs([[0.51, 0.49]] * 5))
    assert found == {"classes": 1.0, "class_kl": pytest.approx(math.log(2))}


def test_order_does_not_matter():
    real, fake = of_classes(0, 1, 2, 2), of_classes(0, 0, 0, 2, 1)
    assert coverage(shuffled(real), shuffled(fake)) == coverage(real, fake)


@pytest.mark.parametrize("missing", [Features(), probs(torch.zeros(0, 3))])
def test_without_probabilities_there_is_no_score(missing):
    some = of_classes(0, 1)
    with pytest.raises(ConfigError, match="class probabilities of at least one sample"):
        score(missing)
    for sides in ((some, missing), (missing, some)):
        with pytest.raises(ConfigError, match="class probabilities of at least one sample"):
            coverage(*sides)
