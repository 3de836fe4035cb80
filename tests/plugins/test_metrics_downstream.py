from __future__ import annotations

import pytest
import torch
from ganzoo_metrics.downstream import Downstream
from test_picture_classifier import stripes

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Features

SPEC = DataSpec(shape=(1, 8, 8), classes=("upper", "left"), marginal=(0.5, 0.5), conditional=True)


def pictures(n, seed):
    images, labels = stripes(n, seed=seed)
    return Features(images=images, labels=labels)


def with_test(real, n=40):
    return Features(images=real.images, labels=real.labels, held_out=pictures(n, 9))


def answer(real, fake, **options):
    metric = Downstream(**{"updates": 15, "seeds": 2, **options}).build(SPEC)
    return metric(real=real, fake=fake, random=torch.Generator().manual_seed(0))


def turned(features):
    return Features(images=features.images, labels=1 - features.labels)


def test_good_samples_teach_and_wrong_labels_do_harm():
    real = with_test(pictures(40, 0))
    good, bad = answer(real, pictures(40, 1)), answer(real, turned(pictures(120, 1)))
    assert (good["real"], good["synthetic"]) == (bad["real"], good["real"])
    assert good["synthetic"] > 0.9
    assert bad["synthetic"] < 0.1
    assert bad["both_minus_real"] < -0.3
    assert bad["both_minus_real"] == pytest.approx(bad["both"] - bad["real"])


def test_samples_help_where_a_class_has_hardly_a_picture():
    few = pictures(40, 0)
    noisy = torch.randint(0, 120, (1, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    upper = few.labels == 0
    real = with_test(
        Features(images=torch.cat([few.images[upper], noisy]), labels=torch.cat([few.labels[upper], torch.tensor([1])]))
    )
    found = answer(real, pictures(40, 1))
    assert found["both_minus_real"] > 0.2
    assert found["recall/both/left"] > found["recall/real/left"] + 0.4


def test_accuracy_is_the_mean_of_the_recalls_and_spreads_are_over_seeds():
    real = with_test(pictures(6, 0))
    found = answer(real, turned(pictures(6, 1)), updates=4, seeds=3)
    for name in ("real", "synthetic", "both"):
        assert found[name] == pytest.approx((found[f"recall/{name}/upper"] + found[f"recall/{name}/left"]) / 2)
    alone = [
        Downstream(updates=4, seeds=3).build(SPEC)._recalls(labeled(real), labeled(real.held_out), seed, 4).mean()
        for seed in torch.randint(2**62, (3,), generator=torch.Generator().manual_seed(0)).tolist()
    ]
    assert found["real"] == pytest.approx(float(torch.stack(alone).mean()))
    assert found["real_se"] == pytest.approx(float(torch.stack(alone).std()) / 3**0.5)


def labeled(features):
    from ganzoo_blocks.classifier_training import LabeledPictures

    return LabeledPictures.of(features.images, features.labels)


def test_what_ranks_and_what_is_a_spread_is_among_the_numbers():
    found = answer(with_test(pictures(6, 0)), pictures(6, 1), updates=1)
    metric = Downstream().build(SPEC)
    assert next(iter(found)) == "synthetic"
    assert {*metric.spreads, *metric.spreads.values(), *metric.better} <= set(found)


def test_it_says_which_classes_lack_samples_or_held_out_pictures():
    real = with_test(pictures(40, 0))
    one = pictures(10, 1)
    only_upper = Features(images=one.images[one.labels == 0], labels=one.labels[one.labels == 0])
    metric = Downstream(updates=2, seeds=2).build(SPEC)
    assert metric.warnings(real=real, fake=only_upper) == (
        "no samples of left, so synthetic has a recall of 0 there",
        "fewer than 30 held-out pictures of upper, left: their recalls are uncertain",
    )
    assert metric.warnings(real=with_test(pictures(40, 0), 60), fake=one) == ()
    found = metric(real=real, fake=only_upper, random=torch.Generator().manual_seed(0))
    assert found["recall/synthetic/left"] == 0


def test_without_labels_or_held_out_pictures_there_is_nothing_to_learn_or_to_test():
    some = pictures(6, 0)
    with pytest.raises(ConfigError, match="no held-out real pictures with labels"):
        answer(some, some)
    with pytest.raises(ConfigError, match="no generated pictures with labels"):
        answer(with_test(some), Features(images=some.images))
    single = Features(images=some.images, labels=torch.zeros(6, dtype=torch.long))
    with pytest.raises(ConfigError, match="real pictures of a single class"):
        answer(with_test(single), some)
