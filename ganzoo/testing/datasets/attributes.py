"""Checks of what data say of their items: classes, labels, groups and modes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.protocols import Dataset, DataSpec
from ganzoo.testing.check import check, demand
from ganzoo.testing.datasets.opened_data import on_data, some, without

FAR = 5.0
"""By Chebyshev's inequality at most 1 in 25 samples of any distribution lies so many standard deviations away."""


@check("classes", DataSpec, "classes: class names, each once; empty exactly when the data has no labels.")
@on_data
def classes_have_labels(data: Any) -> None:
    """Names and labels, both or neither."""
    classes = data.spec.classes
    twice = sorted({name for name in classes if classes.count(name) > 1})
    demand(not twice, f"several classes are called {', '.join(twice)}")
    named = all(isinstance(name, str) and name for name in classes)
    demand(named, f"spec.classes are no names: {classes[:5]}")
    demand(data.labels is not None or not classes, f"it has {len(classes)} classes, and labels is None")
    demand(data.labels is None or classes, "it has labels, and spec.classes is empty")


@check("labels", Dataset, "labels: (N,) int64, or ``None``.", skip=without("labels"))
@on_data
def labels_fit(data: Any) -> None:
    """One integer an item, within the classes."""
    labels, classes = data.labels, len(data.spec.classes)
    demand(isinstance(labels, Tensor), f"labels are no tensor but {type(labels).__name__}")
    demand(labels.dtype == torch.int64, f"labels are {labels.dtype} and not torch.int64")
    demand(tuple(labels.shape) == (len(data),), f"labels have the shape {tuple(labels.shape)} for {len(data)} items")
    low, high = labels.min().item(), labels.max().item()
    demand(low >= 0 and high < classes, f"labels go from {low} to {high}, and there are {classes} classes")


@check(
    "marginal",
    DataSpec,
    "marginal: relative frequency of each class, summing to 1; as long as ``classes``.",
    skip=without("labels"),
)
@on_data
def marginal_is_the_frequency(data: Any) -> None:
    """Labels of fakes are drawn from it."""
    marginal, classes = data.spec.marginal, len(data.spec.classes)
    demand(len(marginal) == classes, f"spec.marginal has {len(marginal)} numbers for {classes} classes")
    demand(abs(sum(marginal) - 1) < 1e-4, f"spec.marginal sums to {sum(marginal):g}")
    counts = torch.bincount(data.labels, minlength=classes).double()
    for name, said, so in zip(data.spec.classes, marginal, (counts / counts.sum()).tolist(), strict=True):
        demand(abs(said - so) < 1e-4, f"spec.marginal says {said:g} of class {name}, and {so:g} of the labels are")


@check("groups", Dataset, "groups: e.g. the patient or writer of each item, or ``None``.", skip=without("groups"))
@on_data
def groups_fit(data: Any) -> None:
    """One name an item."""
    groups = data.groups
    demand(isinstance(groups, tuple), f"groups are no tuple but {type(groups).__name__}")
    demand(len(groups) == len(data), f"there are {len(groups)} groups for {len(data)} items")
    demand(all(isinstance(group, str) for group in groups), "groups are no texts")


@check(
    "modes",
    Dataset,
    "Vector data with known modes also say how far they spread around each, as ``mode_std``.",
    skip=without("modes"),
)
@on_data
def modes_are_where_the_data_are(data: Any) -> None:
    """Known modes are points; those of vectors lie amidst the data."""
    modes, shape = data.modes, tuple(data.spec.shape)
    demand(isinstance(modes, Tensor) and modes.dim() == 2, "modes are no tensor (K, D)")
    demand(modes.isfinite().all() and len(modes), f"modes {tuple(modes.shape)} are none, or not finite")
    if len(shape) != 1:
        return
    demand(modes.shape[1] == shape[0], f"modes have {modes.shape[1]} numbers and the vectors {shape[0]}")
    std: Any = getattr(data, "mode_std", None)
    demand(isinstance(std, int | float) and std > 0, f"mode_std is {std!r} and no number above 0")
    items = data.read(some(data, 1000)).double()
    distance = torch.linalg.vector_norm(items[:, None] - modes.double(), dim=2).amin(1)
    far = (distance > FAR * std * shape[0] ** 0.5).double().mean().item()
    demand(far <= 0.1, f"{far:.0%} of the vectors lie further than {FAR:g} mode_std from every mode")
