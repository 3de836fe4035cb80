"""Regularizers and augmentations from their options; what builds something else is a fault of its plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.component import Options, RegularizerOptions
from ganzoo.errors import PluginError
from ganzoo.protocols import Augmentation, DataSpec, Player, Regularizer
from ganzoo.registry import Entry
from ganzoo.training.augmenting import Chain
from ganzoo.training.game import Named, WeightedRegularizer


def built_regularizer(entry: Entry, options: Options, spec: DataSpec, *, name: str) -> WeightedRegularizer:
    """A regularizer with its weight and interval. Raises :class:`PluginError` if it is not one."""
    assert isinstance(options, RegularizerOptions)
    regularizer = _demanded(entry, options.build(spec), Regularizer)
    return WeightedRegularizer(
        name=name, regularizer=regularizer, weight=options.weight, every=options.every, named=in_words(entry)
    )


def in_words(entry: Entry) -> Named:
    """What errors of the training call a component."""
    return Named(words=f"{entry.kind} {entry.name} of {entry.provider}", command=f"ganzoo check {entry.qualified}")


def built_augmentation(parts: Mapping[str, tuple[Entry, Options]], spec: DataSpec) -> Augmentation | None:
    """Augmentations one after the other, as one; ``None`` if there are none.

    Args:
        parts: name → the component and its options.
        spec: what the data look like.

    Raises:
        PluginError: one of them is not an augmentation.
    """
    built = {name: _demanded(entry, options.build(spec), Augmentation) for name, (entry, options) in parts.items()}
    return Chain(built) if built else None


def adam_correction(options: Iterable[Options], player: Player) -> float:
    """c, if a player's Adam is to become lr·c with betas β^c; 1 where no regularizer asks for it.

    A lazy term acts in one update of k. Two of them do not slow Adam twice: the more frequent one decides.
    """
    parts = [chosen for chosen in options if isinstance(chosen, RegularizerOptions)]
    return min((chosen.optimizer_correction().get(player, 1.0) for chosen in parts), default=1.0)


def _demanded(entry: Entry, built: Any, wanted: type[Any]) -> Any:
    if not isinstance(built, wanted):
        article = "an" if wanted is Augmentation else "a"
        raise PluginError(
            f"{entry.kind} {entry.name} of {entry.provider} does not build {article} {wanted.__name__}",
            given=type(built).__name__,
            allowed=f"a subclass of ganzoo.protocols.{wanted.__name__}",
            hint=f"ganzoo check {entry.name} --kind {entry.kind}",
        )
    return built
