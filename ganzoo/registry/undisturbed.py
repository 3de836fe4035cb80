"""Keeps what plugins do to the whole process, when they are imported, from reaching runs that do not use them."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A setting of the whole process.

    Attributes:
        name: for people.
        library: the module that has it, looked at only where somebody has imported it.
        read: module → its value.
        put: module, value → set.
        fresh: module → its value in a new process, where the block itself imported the library; ``None`` where that is
            another one in every process, as for random numbers.
    """

    name: str
    library: str
    read: Callable[[Any], Any]
    put: Callable[[Any, Any], object]
    fresh: Callable[[Any], Any] | None = None


def _attribute(name: str, path: str, fresh: Any) -> Setting:
    """A setting of torch that is an attribute of one of its modules."""
    return Setting(
        name,
        path,
        lambda module: getattr(module, name.rpartition(" ")[2]),
        lambda module, value: setattr(module, name.rpartition(" ")[2], value),
        lambda module: fresh,
    )


SETTINGS = (
    Setting("Python's random numbers", "random", lambda _: random.getstate(), lambda _, value: random.setstate(value)),
    Setting(
        "numpy's random numbers",
        "numpy.random",
        lambda numpy_random: numpy_random.get_state(legacy=False),
        lambda numpy_random, value: numpy_random.set_state(value),
    ),
    Setting(
        "torch's random numbers",
        "torch",
        lambda torch: torch.get_rng_state(),
        lambda torch, value: torch.set_rng_state(value),
    ),
    Setting(
        "torch's default dtype",
        "torch",
        lambda torch: torch.get_default_dtype(),
        lambda torch, value: torch.set_default_dtype(value),
        lambda torch: torch.float32,
    ),
    Setting(
        "torch's default device",
        "torch",
        lambda torch: torch.get_default_device(),
        # A default of the CPU that is set costs a little at every call; one that is not set costs nothing.
        lambda torch, value: torch.set_default_device(None if value.type == "cpu" else value),
        lambda torch: torch.device("cpu"),
    ),
    Setting(
        "torch's deterministic algorithms",
        "torch",
        lambda torch: torch.get_deterministic_debug_mode(),
        lambda torch, value: torch.set_deterministic_debug_mode(value),
        lambda torch: 0,
    ),
    Setting(
        "torch's precision of products",
        "torch",
        lambda torch: torch.get_float32_matmul_precision(),
        lambda torch, value: torch.set_float32_matmul_precision(value),
        lambda torch: "highest",
    ),
    Setting(
        "torch's search for anomalies",
        "torch",
        lambda torch: torch.is_anomaly_enabled(),
        lambda torch, value: torch.autograd.set_detect_anomaly(value),
        lambda torch: False,
    ),
    Setting(
        "whether torch records gradients",
        "torch",
        lambda torch: torch.is_grad_enabled(),
        lambda torch, value: torch.set_grad_enabled(value),
        lambda torch: True,
    ),
    Setting(
        "torch's number of threads",
        "torch",
        lambda torch: torch.get_num_threads(),
        lambda torch, value: torch.set_num_threads(value),
    ),
    _attribute("cudnn's deterministic", "torch.backends.cudnn", False),
    _attribute("cudnn's benchmark", "torch.backends.cudnn", False),
)


@contextmanager
def undisturbed() -> Iterator[list[str]]:
    """Put back what the block changes; the list that is yielded then names it."""
    changed: list[str] = []
    before = {setting.name: setting.read(sys.modules[setting.library]) for setting in _known()}
    filters = list(warnings.filters)
    try:
        yield changed
    finally:
        for setting in _known():
            module = sys.modules[setting.library]
            if setting.name not in before and setting.fresh is None:
                continue
            value = before[setting.name] if setting.name in before else _fresh(setting, module)
            if _text(setting.read(module)) != _text(value):
                setting.put(module, value)
                changed.append(setting.name)
        if broad := [one for one in warnings.filters if one not in filters and _broad(one)]:
            warnings.filters[:] = [one for one in warnings.filters if one not in broad]  # type: ignore[index]
            changed.append("filters of warnings")


def _known() -> Iterator[Setting]:
    return (setting for setting in SETTINGS if setting.library in sys.modules)


def _fresh(setting: Setting, module: Any) -> Any:
    assert setting.fresh is not None
    return setting.fresh(module)


def _text(value: Any) -> str:
    """A value to compare by: a random state is a tensor, a tuple or a dictionary of arrays."""
    if hasattr(value, "numpy"):
        return str(value.numpy().tobytes())
    if isinstance(value, dict):
        return str({key: _text(part) for key, part in value.items()})
    return str(value.tobytes()) if hasattr(value, "tobytes") else repr(value)


def _broad(one: tuple[Any, ...]) -> bool:
    """Whether it decides over all warnings of a usual category, whatever they say. Libraries filter theirs by text."""
    _, message, category, module, line = one
    usual = (Warning, UserWarning, FutureWarning, DeprecationWarning, RuntimeWarning)
    return message is None and module is None and line == 0 and category in usual
