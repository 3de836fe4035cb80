"""One component by its name, for anyone's own loop."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ganzoo.config.explanation import explain
from ganzoo.config.finding import refusal
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry, parse_kind

NO_DATA = DataSpec(shape=())


def build(kind: str, name: str, /, *, spec: DataSpec | None = None, **options: Any) -> Any:
    """Build a component: ``ganzoo.build("loss", "margin-hinge", margin_real=0.5)``.

    Args:
        kind: ``loss``, ``discriminator``, ``generator``, ``regularizer`` or ``dataset`` (whose options come back).
        name: as in ``ganzoo list``.
        spec: what the data look like; networks need it.
        options: as in ``ganzoo info NAME``.

    Raises:
        UnknownNameError: nobody provides it.
        ConfigError: an option is unknown or out of range, or a network was asked for without ``spec``.
        PluginError: the component cannot be loaded.
    """
    chosen = parse_kind(kind).name
    model = Registry.load().options(chosen, name)
    try:
        parsed = model.model_validate(options)
    except ValidationError as error:
        raise refusal(
            explain(error, model, section=name, fix=f"ganzoo info {name} --kind {chosen} shows its options")
        ) from None
    if chosen in ("discriminator", "generator") and spec is None:
        raise ConfigError(
            f"{chosen} {name!r} needs to know the data", hint="spec=ganzoo.protocols.DataSpec(shape=(3, 64, 64))"
        )
    return parsed.resolve(spec or NO_DATA).build(spec or NO_DATA)
