"""The options of a component from what a user gave, or what is wrong with them in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from ganzoo.component import TAGS, Options, unknown_tags
from ganzoo.config.explanation import explain, listed_keys
from ganzoo.config.finding import Finding, refusal
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import PluginError
from ganzoo.planning.owners import owners_of
from ganzoo.registry import Entry, parse_kind


def read_options(
    entry: Entry,
    given: Mapping[str, Any],
    *,
    section: str | None = None,
    origins: Mapping[str, str] | None = None,
    others: Iterable[Entry] = (),
) -> tuple[Options | None, list[Finding]]:
    """The options, or a finding for each value that is wrong.

    Args:
        entry: the component.
        given: option → value.
        section: where the options stand in a configuration; the component's name unless given.
        origins: path → who gave it.
        others: components of its kind, for the message about an option that one of them has instead.

    Raises:
        PluginError: the component cannot be loaded, or its own code fails.
    """
    model = entry.options()
    with entry.blamed("cannot take its options"):
        try:
            options = model.model_validate(dict(given))
            _demand_known_tags(entry, options)
            _warn_of_former(entry, model, given, section=section or entry.name)
            return options, []
        except ValidationError as error:
            fix = (
                f"see its options with: ganzoo info {entry.name} --kind {entry.kind}"
                if model.model_fields
                else f"leave the option out, or choose another one from: ganzoo list {parse_kind(entry.kind).plural}"
            )
            return None, explain(
                error,
                model,
                section=section or entry.name,
                origins=origins,
                fix=fix,
                unknown=_unknown_option(entry, others),
            )


def _warn_of_former(entry: Entry, model: type[Options], given: Mapping[str, Any], *, section: str) -> None:
    """What is on its way out, where it says something: every ``config.yaml`` also holds what is so by default."""
    for name, info in model.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if info.deprecated and name in given and _plain(given[name]) != _plain(default):
            instead = f": {info.deprecation_message}" if isinstance(info.deprecated, str) else ""
            entry.warn_once(f"{section}.{name} is deprecated{instead}")
    for old, new in model.renamed_options.items():
        if old in given:
            entry.warn_once(f"{section}.{old} is deprecated: it is now called {new}")


def _plain(value: object) -> object:
    return to_jsonable_python(value, fallback=str)


def _demand_known_tags(entry: Entry, options: Options) -> None:
    """A misspelt tag would mean nothing, and the training would differ without a word."""
    if unknown := unknown_tags(entry.kind, options.tags()):
        allowed = [tag.name for tag in TAGS if entry.kind in tag.kinds]
        raise PluginError(
            f"{entry.kind} {entry.name} of {entry.provider} carries the tag {unknown[0]!r}, "
            f"which a {entry.kind} cannot have{did_you_mean(unknown[0], allowed)}",
            given=", ".join(unknown),
            allowed=", ".join(allowed) or "no tag",
            hint=f"ganzoo check {entry.name} --kind {entry.kind}",
        )


def _unknown_option(entry: Entry, others: Iterable[Entry]) -> Callable[[str, Sequence[str]], str]:
    def told(key: str, known: Sequence[str]) -> str:
        lacking = listed_keys(key, known) if known else f"{entry.kind} {entry.name} has no options"
        return "; ".join(filter(None, [lacking, owners_of(key, entry, others)]))

    return told


def options_of(
    entry: Entry, given: Mapping[str, Any], *, section: str | None = None, others: Iterable[Entry] = ()
) -> Options:
    """The options, where there is nothing else to be told.

    Raises:
        ConfigError: everything that is wrong with them.
        PluginError: the component cannot be loaded, or its own code fails.
    """
    options, findings = read_options(entry, given, section=section, others=others)
    if options is None:
        raise refusal(findings)
    return options
