"""What critics of others return, as a :class:`~ganzoo.protocols.DiscriminatorOutput`."""

from __future__ import annotations

from typing import Any, TypeGuard

from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput

FORMS = (
    "a tensor of logits; (logits, features) with features a tensor or a list of tensors; a list of either, one for "
    "each map of logits; ([logits, …], [features, …]); or a ganzoo.protocols.DiscriminatorOutput"
)


def verdict(discriminator: nn.Module, output: Any) -> DiscriminatorOutput:
    """The output in ganzoo's form.

    Features of several maps are joined in order, and counted as those of several critics.

    Raises:
        ConfigError: it is none of the forms, or could be meant in two ways.
    """
    if isinstance(output, DiscriminatorOutput):
        return output
    if isinstance(output, Tensor):
        return DiscriminatorOutput(output)
    pairs = _pairs(discriminator, output)
    if not pairs:
        raise _unlike(discriminator, "returns something else than logits", output)
    maps = [logits for logits, _ in pairs]
    bare = not any(features for _, features in pairs)
    if len({channels for logits in maps if (channels := _channels(logits, bare=bare)) is not None}) > 1:
        # Features with the logits behind them look like maps, and a loss of features would train without a word.
        raise _unlike(
            discriminator,
            "returns maps of unlike channels, so some seem to be features",
            output,
            hint="return (a, [b]) of logits a and features b; of maps (N, 1, …) alone, [a, b]",
        )
    return DiscriminatorOutput(
        logits=maps[0],
        features=tuple(feature for _, features in pairs for feature in features),
        extra_logits=tuple(maps[1:]),
        feature_counts=tuple(len(features) for _, features in pairs) if len(pairs) > 1 else (),
    )


def _pairs(discriminator: nn.Module, output: Any) -> list[tuple[Tensor, tuple[Tensor, ...]]]:
    """Logits and features of each map; none where the form is unknown."""
    if (one := _pair(discriminator, output)) is not None:
        return [one]
    if _several(output) and isinstance(output, tuple) and len(output) == 2 and all(map(_several, output)):
        logits, features = output
        if _tensors(logits) and len(logits) == len(features):
            output = list(zip(logits, features, strict=True))
    if not _several(output):
        return []
    if any(isinstance(one, list) for one in output):
        raise _unlike(discriminator, "returns a list of lists, which may be logits or features", output)
    found = [_pair(discriminator, one) for one in output]
    return [one for one in found if one is not None] if None not in found else []


def _pair(discriminator: nn.Module, output: Any) -> tuple[Tensor, tuple[Tensor, ...]] | None:
    if isinstance(output, Tensor):
        return output, ()
    if isinstance(output, DiscriminatorOutput) or not (isinstance(output, tuple) and len(output) == 2):
        return None
    logits, features = output
    if not isinstance(logits, Tensor):
        return None
    if isinstance(features, Tensor):
        if _one_channel(logits) and _one_channel(features):
            raise _unlike(
                discriminator,
                "returns a pair whose features are of one channel: they seem to be logits, which nothing would train",
                output,
                hint="return [a, b] of two maps of logits, or (a, [b]) of logits and features",
            )
        return logits, (features,)
    return (logits, tuple(features)) if _tensors(features) else None


def _one_channel(tensor: Tensor) -> bool:
    return tensor.ndim < 2 or tensor.shape[1] == 1


def _channels(logits: Tensor, *, bare: bool) -> int | str | None:
    """What all maps should have alike; ``None`` of what tells nothing, because features stand beside it."""
    if logits.ndim > 2:
        return logits.shape[1]
    if not bare:
        return None
    return 1 if _one_channel(logits) else "flattened"  # the length of a flattened map is its own


def _several(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _tensors(value: Any) -> bool:
    return _several(value) and all(isinstance(one, Tensor) for one in value)


def _unlike(
    discriminator: nn.Module,
    fault: str,
    output: Any,
    hint: str = "wrap it in a module whose forward returns (logits, features)",
) -> ConfigError:
    return ConfigError(
        f"the discriminator {type(discriminator).__name__} {fault}",
        given=_form(output),
        allowed=FORMS,
        hint=hint,
    )


def _form(output: Any) -> str:
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    if _several(output):
        return f"{type(output).__name__} of {', '.join(map(_form, output)) or 'nothing'}"
    return type(output).__name__
