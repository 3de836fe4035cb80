from __future__ import annotations

import pytest
import torch
from ganzoo_metrics.frechet_distance import frechet_distance
from ganzoo_metrics.intra_class_frechet_distance import IntraClassFrechetDistance
from measured_features import normal, shuffled

from ganzoo.errors import ConfigError
from ganzoo.protocols import Features


def labeled(features, labels):
    return Features(features=features, labels=torch.tensor(labels))


def answer(real, fake):
    return IntraClassFrechetDistance()(real=real, fake=fake, random=torch.Generator())["intra_fd"]


def two_classes(seed, *, swapped=False):
    labels = [0, 1] * 40
    features = normal(80, 3, seed=seed) + 10 * torch.tensor(labels)[:, None]
    return labeled(features, [1 - label for label in labels] if swapped else labels)


def test_it_is_the_mean_over_the_classes_that_real_data_have():
    real, fake = labeled(normal(30, 2, seed=0), [0, 1, 3] * 10), labeled(normal(40, 2, seed=1), [3, 2, 1, 0] * 10)
    each = [frechet_distance(real.features[real.labels == k], fake.features[fake.labels == k]) for k in (0, 1, 3)]
    assert answer(real, fake) == pytest.approx(sum(each) / 3, rel=1e-12)


def test_it_sees_a_generator_that_ignores_the_class_where_the_distance_over_all_does_not():
    """Means 10 apart in 3 features: fd of each class grows by 300."""
    real, good, swapped = two_classes(0), two_classes(1), two_classes(1, swapped=True)
    assert frechet_distance(real.features, good.features) == frechet_distance(real.features, swapped.features) < 1
    assert answer(real, good) < 1
    assert answer(real, swapped) == pytest.approx(300, rel=0.1)
    assert answer(real, real) == pytest.approx(0, abs=1e-9)


def test_order_does_not_matter():
    real, fake = two_classes(0), two_classes(1)
    assert answer(shuffled(real), shuffled(fake, seed=1)) == pytest.approx(answer(real, fake), rel=1e-9)


def test_samples_that_are_all_alike():
    real = two_classes(0)
    alike = labeled(torch.zeros(80, 3).double(), [0, 1] * 40)
    each = [real.features[k::2].mean(0).square().sum() + real.features[k::2].var(0).sum() for k in (0, 1)]
    assert answer(real, alike) == pytest.approx(float(sum(each)) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0] * 6, "of each class"),
        ([0, 0, 0, 0, 0, 1], "of each class"),
    ],
)
def test_classes_with_too_few_are_named(labels, words):
    real, fake = labeled(normal(6, 2, seed=0), [0, 0, 0, 1, 1, 1]), labeled(normal(6, 2, seed=1), labels)
    for sides in ((real, fake), (fake, real)):
        if set(sides[0].labels.tolist()) == {0, 1}:
            with pytest.raises(ConfigError, match=words) as error:
                answer(*sides)
            assert error.value.given == "fewer of class 1"


def test_without_labels_there_are_no_classes():
    some = labeled(normal(6, 2, seed=0), [0] * 6)
    for sides in ((some, Features(features=some.features)), (Features(features=some.features), some)):
        with pytest.raises(ConfigError, match="needs labels"):
            answer(*sides)
    with pytest.raises(ConfigError, match="at least 2 generated samples"):
        answer(some, labeled(some.features[:1], [0]))


@pytest.mark.parametrize(("n", "warned"), [(4, False), (3, True)])
def test_a_class_with_too_few_for_its_covariance_is_warned_of(n, warned):
    """Only classes that count: those of the real data."""
    real = labeled(normal(8, 3, seed=0), [0, 1] * 4)
    fake = labeled(normal(2 * n + 1, 3, seed=1), [0, 1] * n + [2])
    notes = IntraClassFrechetDistance().warnings(real=real, fake=fake)
    assert len(notes) == warned
    assert all(f"a class has {n} samples" in note for note in notes)
