"""The options of a component from what a user gave, or what is wrong with them in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ganzoo.component import Options
from ganzoo.config.explanation import explain
from ganzoo.config.finding import Finding, refusal
from ganzoo.registry import Entry


def read_options(
    entry: Entry, given: Mapping[str, Any], *, section: str | None = None, origins: Mapping[str, str] | None = None
) -> tuple[Options | None, list[Finding]]:
    """The options, or a finding for each value that is wrong.

    Args:
        entry: the component.
        given: option → value.
        section: where the options stand in a configuration; the component's name unless given.
        origins: path → who gave it.

    Raises:
        PluginError: the component cannot be loaded, or its own code fails.
    """
    model = entry.options()
    with entry.blamed("cannot take its options"):
        try:
            return model.model_validate(dict(given)), []
        except ValidationError as error:
            fix = f"ganzoo info {entry.name} --kind {entry.kind} shows its options"
            return None, explain(error, model, section=section or entry.name, origins=origins, fix=fix)


def options_of(entry: Entry, given: Mapping[str, Any], *, section: str | None = None) -> Options:
    """The options, where there is nothing else to be told.

    Raises:
        ConfigError: everything that is wrong with them.
        PluginError: the component cannot be loaded, or its own code fails.
    """
    options, findings = read_options(entry, given, section=section)
    if options is None:
        raise refusal(findings)
    return options
