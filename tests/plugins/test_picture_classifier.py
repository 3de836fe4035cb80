"""The network and the training that extractor classifier and metric downstream share."""

from __future__ import annotations

import pytest
import torch
from ganzoo_blocks.classifier_training import LabeledPictures, Variation, fitted, predicted, updates_for
from ganzoo_blocks.held_out_part import held_out_part
from ganzoo_blocks.picture_classifier import PictureClassifier, prepared, reduced_shape
from ganzoo_blocks.recall import balanced_accuracy, recalls

from ganzoo.testing.random_numbers import random_numbers_untouched


def stripes(n, shape=(1, 8, 8), seed=0):
    """Pictures of two classes: the upper or the left half is brighter."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    images = torch.randint(0, 60, (n, *shape), generator=random)
    images[labels == 0, :, : shape[1] // 2] += 60
    images[labels == 1, :, :, : shape[2] // 2] += 60
    return images.to(torch.uint8), labels


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 64, 32), (3, 256, 256)])
def test_it_learns_pictures_of_any_size(shape):
    pictures, unseen = LabeledPictures.of(*stripes(40, shape)), LabeledPictures.of(*stripes(40, shape, seed=1))
    network = fitted(pictures, 2, seed=0, updates=12)
    assert (predicted(network, unseen) == unseen.labels).double().mean() > 0.9


def test_the_same_seed_gives_the_same_weights_and_no_global_number_is_drawn():
    pictures = LabeledPictures.of(*stripes(10))
    vary = Variation(hflip=True, shift=0.1, rotate=5)
    with random_numbers_untouched():
        one, same, other = (fitted(pictures, 2, seed=seed, updates=2, variation=vary) for seed in (3, 3, 4))
    for name, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])
    assert not torch.equal(one.logits.weight, other.logits.weight)


def test_a_rare_class_is_seen_as_often_as_a_frequent_one():
    images, labels = stripes(1000)
    rows = torch.cat([torch.arange(0, 1000, 2), torch.tensor([1])])  # 500 of one class, 1 of the other
    network = fitted(LabeledPictures.of(images[rows], labels[rows]), 2, seed=0, updates=30)
    unseen = LabeledPictures.of(*stripes(40, seed=1))
    assert recalls(predicted(network, unseen), unseen.labels)[1] > 0.9


def test_a_row_does_not_depend_on_its_neighbors():
    network = PictureClassifier((3, 16, 16), 4).eval()
    pixels = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255
    assert torch.allclose(network(pixels)[2:3], network(pixels[2:3]), atol=1e-5)


def test_large_pictures_are_reduced_and_others_are_not_changed():
    assert reduced_shape((3, 256, 512)) == (3, 64, 128)
    assert reduced_shape((1, 28, 30)) == (1, 28, 30)
    images, _ = stripes(2, (3, 28, 28))
    assert torch.equal(prepared(images, (3, 28, 28)), images.float())
    flat = torch.full((1, 1, 256, 256), 77, dtype=torch.uint8)
    assert torch.allclose(prepared(flat, (3, 64, 64)), torch.full((1, 3, 64, 64), 77.0))


def test_a_shift_a_mirror_and_a_turn_are_what_they_say():
    spot = torch.zeros(64, 1, 9, 9)
    spot[:, :, 4, 4] = 255
    moved = Variation(shift=1 / 9)(spot, random=torch.Generator().manual_seed(0))
    rows = (moved.sum(3) * torch.arange(9)).sum((1, 2)) / 255
    assert torch.allclose(moved.sum((1, 2, 3)), torch.tensor(255.0))
    assert (rows - 4).abs().max() <= 1 + 1e-4
    assert (rows - 4).abs().max() > 0.8
    images, _ = stripes(64)
    mirrored = Variation(hflip=True)(images, random=torch.Generator().manual_seed(0))
    as_it_was = [torch.allclose(one, image.float(), atol=1e-2) for one, image in zip(mirrored, images, strict=True)]
    turned = [
        torch.allclose(one, image.flip(-1).float(), atol=1e-2) for one, image in zip(mirrored, images, strict=True)
    ]
    assert all(kept != flipped for kept, flipped in zip(as_it_was, turned, strict=True))
    assert 20 < sum(turned) < 44
    bar = torch.zeros(200, 1, 33, 33)
    bar[:, :, 16] = 255  # a level bar; turned by 45° it leaves its row
    sums = Variation(rotate=45)(bar, random=torch.Generator().manual_seed(0))[:, 0, 16].sum(1)
    assert sums.min() < 33 * 255 / 4
    assert sums.max() > 33 * 255 * 0.9


def test_a_turn_keeps_angles_in_pictures_that_are_not_square():
    spot = torch.zeros(100, 1, 21, 41)
    spot[:, :, 9:12, 27:30] = 255  # 8 pixels to the right of the center
    found = Variation(rotate=90)(spot, random=torch.Generator().manual_seed(0))
    mass = found.sum((1, 2, 3))
    row = (found.sum(3) * torch.arange(21)).sum((1, 2)) / mass - 10
    column = (found.sum(2) * torch.arange(41)).sum((1, 2)) / mass - 20
    assert torch.allclose((row.square() + column.square()).sqrt(), torch.tensor(8.0), atol=0.2)


def test_so_many_updates():
    assert [updates_for(count) for count in (2, 1200, 10**6)] == [150, 300, 1500]


def test_balanced_accuracy_by_hand():
    labels, found = torch.tensor([0] * 8 + [2] * 2), torch.tensor([0] * 4 + [1] * 4 + [2, 0])
    assert recalls(found, labels) == {0: 0.5, 2: 0.5}
    assert balanced_accuracy(torch.zeros(10, dtype=torch.long), labels) == 0.5
    assert balanced_accuracy(labels, labels) == 1


def test_no_group_is_on_both_sides_and_every_class_is_held_out():
    random = torch.Generator().manual_seed(0)
    patients = torch.randint(0, 30, (400,), generator=random)
    labels = (patients + (torch.rand(400, generator=random) < 0.1)) % 3
    groups = [f"p{number}" for number in patients.tolist()]
    train, held = held_out_part(labels, groups, share=0.2, seed=0)
    assert not {groups[row] for row in train.tolist()} & {groups[row] for row in held.tolist()}
    assert torch.equal(torch.cat([train, held]).sort().values, torch.arange(400))
    assert torch.bincount(labels[held]).min() >= 0.2 * torch.bincount(labels).min() - 1
    assert 60 <= len(held) <= 140


def test_without_groups_the_share_of_each_class_is_exact():
    labels = torch.tensor([0] * 50 + [1] * 10 + [2])
    train, held = held_out_part(labels, None, share=0.2, seed=0)
    assert torch.bincount(labels[held]).tolist() == [10, 2]  # the only picture of class 2 is trained on
    assert torch.bincount(labels[train]).tolist() == [40, 8, 1]
    assert not torch.equal(held, held_out_part(labels, None, share=0.2, seed=1)[1])
