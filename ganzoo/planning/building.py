"""Components by their names, for anyone's own loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.planning.options import options_of
from ganzoo.planning.ranks import demand_rank
from ganzoo.protocols import DataSpec
from ganzoo.registry import Entry, Registry, parse_kind
from ganzoo.training.python_hints import hints_in_python

NO_DATA = DataSpec(shape=())
A_SPEC = "spec=ganzoo.protocols.DataSpec(shape=(3, 64, 64))"


@hints_in_python()
def build(kind: str, name: str, /, *, spec: DataSpec | None = None, **options: Any) -> Any:
    """Build a component: ``ganzoo.build("loss", "margin-hinge", margin_real=0.5)``.

    Args:
        kind: ``loss``, ``discriminator``, ``generator``, ``regularizer`` or ``dataset`` (whose options come back).
        name: as in ``ganzoo list``.
        spec: what the data look like; networks need it.
        options: as in ``ganzoo info NAME``.

    Raises:
        UnknownNameError: nobody provides it.
        ConfigError: an option is unknown or out of range, a network was requested without ``spec``, or a discriminator
            for data that it does not take.
        PluginError: the component cannot be loaded.
    """
    wanted = parse_kind(kind).name
    registry = Registry.load()
    entry, parsed = options_by_name(registry, wanted, name, options)
    if wanted in ("discriminator", "generator") and spec is None:
        raise ConfigError(f"{wanted} {name!r} depends on the data, so spec= is required", hint=A_SPEC)
    if wanted == "discriminator" and spec is not None:
        demand_rank(entry, parsed, spec, others=registry.entries(wanted))
    chosen = parsed.resolve(spec or NO_DATA)
    built = chosen.build(spec or NO_DATA)
    if wanted == "discriminator":
        built.ganzoo_tags = chosen.tags()  # so that Adversary knows what couples samples, which is not always BatchNorm
    return built


def options_by_name(registry: Registry, kind: str, name: str, given: Mapping[str, Any]) -> tuple[Entry, Options]:
    """The component that a name means, and its options, from which nothing is built yet.

    Raises:
        UnknownNameError, ConfigError, PluginError: as :func:`build`.
    """
    entry = registry.get(kind, name)
    return entry, options_of(entry, given, others=registry.entries(kind))
