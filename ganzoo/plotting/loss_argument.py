"""A loss as it is written on the command line: ``f-gan:divergence=kl,saturating=true``."""

from __future__ import annotations

from typing import Any

from ganzoo.component import Options
from ganzoo.config.layers import parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.planning.building import NO_DATA
from ganzoo.planning.options import options_of
from ganzoo.registry import Registry


def loss_of_argument(registry: Registry, word: str) -> tuple[Options, Any]:
    """The options, and the loss built from them.

    Raises:
        ConfigError: an unknown name or option, or a value out of range.
        PluginError: the loss cannot be loaded.
    """
    name, _, text = word.partition(":")
    entry = registry.get("loss", name)
    model = entry.options()
    given: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        if "=" not in part:
            raise ConfigError(
                f"write the options of a loss as {name}:OPTION=VALUE,OPTION=VALUE",
                given=word,
                allowed=", ".join(model.model_fields) or f"{name} has no options",
            )
        given |= {path.partition(".")[2]: value for path, value in parse_assignments([f"loss.{part}"]).items()}
    options = options_of(entry, given, section=name, others=registry.entries("loss"))
    with entry.blamed("cannot be built"):
        options = options.resolve(NO_DATA)
        return options, options.build(NO_DATA)
