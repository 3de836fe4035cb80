"""What a configuration chooses, before anything is built: names, keys, suggestions, options of components.

Names and keys are checked without torch; the options of a component bring their module, and torch with it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganzoo.component import KINDS, Options, RegularizerOptions
from ganzoo.config.explanation import explain
from ganzoo.config.finding import Finding, refusal
from ganzoo.config.layers import ConfigLayer, Merged, flatten, merge
from ganzoo.config.schema import COLLECTIONS, SCHEDULES, SELECTIONS, SHARED_DATA_KEYS, VERSION, RunConfig
from ganzoo.config.yaml_text import read_yaml
from ganzoo.did_you_mean import nearest
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.files import expanded
from ganzoo.planning.facts import Facts
from ganzoo.planning.options import read_options
from ganzoo.planning.rules import judge
from ganzoo.planning.uncoupling import uncoupling
from ganzoo.registry import Entry, Registry, own_upgrade
from ganzoo.regular import regular_text

DEFAULT_NAMES = {f"{section}.name": getattr(RunConfig(), section).name for section in SELECTIONS}
_PLURALS = {kind.section: kind.plural for kind in KINDS if kind.section}
_FLAGS = {"regularizers": "--reg", "augment": "--augment", "metrics": "--metric", "extractors": "--extractor"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A configuration whose names and keys are known.

    Attributes:
        config: as given and suggested; what data and components decide is still open.
        merged: the values with their origins.
        entries: the component of each section; of one that holds several as ``regularizers.NAME``.
        registry: where they come from.
    """

    config: RunConfig
    merged: Merged
    entries: Mapping[str, Entry]
    registry: Registry


def choose(registry: Registry, layers: Sequence[ConfigLayer]) -> Choice:
    """Merge the layers over what their components suggest, and look at every name and key.

    Raises:
        ConfigError: all that does not fit. If something does not, the options of components and their combination
            are looked at as well, so that the error is complete.
        PluginError: a requested component is broken.
    """
    _refuse_newer(layers)
    names = _Names(registry, layers)
    default, *given = (names.canonical(layer) for layer in (ConfigLayer("default", DEFAULT_NAMES), *layers))
    given = [default, *_suggested_names(names, [default, *given]), *given]
    entries, suggestions = _suggestions(names, given)
    merged = merge([*suggestions, *given])
    findings = [*names.findings(), *_ignored(merged)]
    config = RunConfig()
    try:
        config = RunConfig.model_validate(merged.tree())
    except ValidationError as error:
        findings += explain(error, RunConfig, origins=merged.origins)
    if not findings:
        return Choice(config=config, merged=merged, entries=entries, registry=registry)
    touched = {section: entry for section, entry in entries.items() if _given(merged, section)}
    options, wrong_options = _parse(registry, touched, merged)
    raise names.in_full([*findings, *wrong_options, *_refused(entries, options)])


def parse_options(choice: Choice) -> dict[str, Options]:
    """The options of every section.

    Raises:
        ConfigError: wrong options, together with combinations that cannot be computed.
        PluginError: a component cannot be loaded.
    """
    options, findings = _parse(choice.registry, choice.entries, choice.merged)
    if findings:
        raise refusal([*findings, *_refused(choice.entries, options)])
    return options


def file_layer(word: str, registry: Registry) -> ConfigLayer:
    """The layer of a configuration file, or of a recipe by its name. ``./NAME`` forces a file.

    Raises:
        ConfigError: neither, or not valid.
    """
    path = expanded(word)
    if path.suffix not in (".yaml", ".yml") and not word.startswith((".", "~", "/")):
        try:
            entry = registry.get("recipe", word)
        except UnknownNameError as error:
            if not os.path.exists(path):
                raise UnknownNameError(
                    _nor(error.message, "a file of that name"), given=word, allowed=error.allowed, hint=error.hint
                ) from None
        else:
            origin = f"recipe {entry.name}"
            return ConfigLayer(origin, flatten(read_yaml(entry.file_text(), origin)))
    return ConfigLayer(f"file {path.name}", flatten(read_yaml(_text(path), str(path))))


def _text(path: Path) -> str:
    try:
        # A pipe in a stranger's folder is never waited for; one that a shell hands over is below /dev.
        return (
            path.read_text(encoding="utf-8")
            if path.parts[:2] == ("/", "dev") and path.is_fifo()
            else regular_text(path)
        )
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"cannot read configuration {path}: {reason}",
            hint="use --config FILE.yaml, or a recipe from: ganzoo list recipes",
        ) from None


ALWAYS_THERE = "random-conv"
"""The extractor that needs nothing beyond ganzoo, for metrics whose own cannot be had."""
OF_PATHS = "pictures"
"""The dataset that a path on the command line means."""


class _Names:
    """Looks names up, and keeps what goes wrong so that it can be told all at once."""

    def __init__(self, registry: Registry, layers: Sequence[ConfigLayer] = ()) -> None:
        self._registry = registry
        self._path_is_given = any("data.path" in layer.values for layer in layers)
        self._errors: dict[tuple[str, str], ConfigError] = {}

    def find(self, kind: str, name: object) -> Entry | None:
        """The component, or ``None`` if there is none; a name that is no text is left to validation."""
        if not isinstance(name, str):
            return None
        try:
            return self._registry.get(kind, name)
        except ConfigError as error:
            self._errors[kind, name] = _or_a_folder(error, name) if kind == "dataset" else error
            return None

    def canonical(self, layer: ConfigLayer) -> ConfigLayer:
        """Names as the registry spells them; a path in place of a dataset means a folder of images."""
        if layer.verbatim:
            return layer
        values: dict[str, Any] = {}
        for path, value in layer.values.items():
            section, _, rest = path.partition(".")
            if section == SCHEDULES and rest:
                (of,) = self.canonical(replace(layer, values={rest: value})).values
                values[f"{SCHEDULES}.{of}"] = value
            elif path == "data.name" and isinstance(value, str) and self._is_path(value):
                values |= {"data.name": OF_PATHS, "data.path": value}
            elif rest == "name" and section in SELECTIONS:
                values[path] = self._spelled(SELECTIONS[section], value)
            elif section in COLLECTIONS and rest:
                name, dot, key = rest.partition(".")
                values[f"{section}.{self._spelled(COLLECTIONS[section], name)}{dot}{key}"] = value
            else:
                values[path] = value
        return replace(layer, values=values)

    def installed(self, suggestion: ConfigLayer) -> ConfigLayer:
        """A suggestion in which an extractor that is not installed is replaced by the one that always is."""
        values: dict[str, Any] = {}
        for path, value in suggestion.values.items():
            section, _, name = path.partition(".")
            if section == "extractors" and (entry := self.find("extractor", name)) and entry.missing():
                values["extractors." + ALWAYS_THERE] = {}
                entry.warn_once(
                    f"extractor {name} needs {', '.join(entry.missing())}, which is not installed: {ALWAYS_THERE} "
                    f"looks at the pictures instead, and its numbers say less; install it with: {entry.installation()}"
                )
            else:
                values[path] = value
        return replace(suggestion, values=values)

    def _spelled(self, kind: str, name: object) -> object:
        entry = self.find(kind, name)
        return name if entry is None else self._registry.shortest(entry)

    def _is_path(self, word: str) -> bool:
        if word.startswith((".", "~", "/")):
            return True
        try:
            entry = self._registry.get("dataset", word)
        except UnknownNameError:
            return "/" in word or os.path.exists(word)
        except ConfigError:
            return False
        # A folder may well be called "pictures"; without a path the dataset of that name could not be read anyway.
        return entry.name == OF_PATHS and not self._path_is_given and os.path.isdir(word)

    def findings(self) -> list[Finding]:
        """Every name that nobody provides."""
        return [Finding("refused", error.message, error.hint or "") for error in self._errors.values()]

    def in_full(self, findings: Sequence[Finding]) -> ConfigError:
        """The error for all findings; where a name is all that is wrong, its own error, which says more."""
        return next(iter(self._errors.values())) if self._errors and len(findings) == 1 else refusal(findings)


def _nor(message: str, what: str) -> str:
    """``there is no dataset 'digit', nor WHAT; did you mean 'digits'?``."""
    head, separator, guess = message.partition("; ")
    return f"{head}, nor {what}{separator}{guess}"


def _or_a_folder(error: ConfigError, name: str) -> ConfigError:
    """The error of a dataset that nobody provides, which may be meant as a file or folder that is here."""
    message = _nor(error.message, "a folder of that name")
    hint = "see the datasets with: ganzoo list datasets; for a folder of images: --data PATH"
    here = nearest(name, os.listdir()) if os.access(".", os.R_OK) else None
    if here is not None and message.endswith("of that name"):
        message, hint = f"{message}; did you mean {here!r}?", f"--data {shlex.quote(here)}"
    return type(error)(message, given=name, allowed=error.allowed, hint=hint)


def _refuse_newer(layers: Sequence[ConfigLayer]) -> None:
    for layer in layers:
        version = layer.values.get("version")
        if isinstance(version, int) and version > VERSION:
            raise ConfigError(
                f"{layer.origin} has version {version}, which needs a newer ganzoo",
                given=version,
                allowed=str(VERSION),
                hint=own_upgrade(),
            )


def _suggestions(names: _Names, given: Sequence[ConfigLayer]) -> tuple[dict[str, Entry], list[ConfigLayer]]:
    """The chosen components, and what they suggest as layers, the strongest last.

    The first of loss, regularizer, discriminator, generator, dataset, augmentation, metric wins; suggested regularizers
    unite.
    """
    chosen = merge(given).values
    entries = {
        section: entry
        for section, kind in SELECTIONS.items()
        if (entry := names.find(kind, chosen[f"{section}.name"])) is not None
    }
    for section, kind in COLLECTIONS.items():
        # A metric suggests an extractor, so what was found so far is asked again.
        wanted = merge([*(names.installed(_suggestion(entry)) for entry in entries.values()), *given]).values
        for name in dict.fromkeys(path.split(".")[1] for path in wanted if path.startswith(f"{section}.")):
            if (entry := names.find(kind, name)) is not None:
                entries[f"{section}.{name}"] = entry
    sections = ("loss", "regularizers", "discriminator", "generator", "data", "augment", "metrics")
    suggesting = [entry for wanted in sections for path, entry in entries.items() if path.split(".")[0] == wanted]
    return entries, [names.canonical(names.installed(_suggestion(entry))) for entry in reversed(suggesting)]


def _suggested_names(names: _Names, given: Sequence[ConfigLayer]) -> list[ConfigLayer]:
    """Components that others suggest, above the defaults: vector data suggest networks for vectors."""
    chosen = merge(given).values
    layers = []
    for section, kind in reversed(SELECTIONS.items()):
        entry = names.find(kind, chosen[f"{section}.name"])
        suggested = {} if entry is None else {path: entry.component.suggests[path] for path in _names_in(entry)}
        if entry is not None and suggested:
            layers.append(names.canonical(replace(_suggestion(entry), values=suggested)))
    return layers


def _names_in(entry: Entry) -> set[str]:
    return {f"{section}.name" for section in SELECTIONS} & entry.component.suggests.keys()


def _suggestion(entry: Entry) -> ConfigLayer:
    return ConfigLayer(f"suggested by {entry.kind} {entry.name}", entry.component.suggests, suggestion=True)


def _ignored(merged: Merged) -> list[Finding]:
    return [
        Finding(
            "refused",
            f"{path} (from {origin}) has no effect: the {_PLURALS[path.split('.')[0]]} are set by "
            f"{merged.origins[path.split('.')[0]]}, and {path.split('.')[1]} is not among them",
            f"add {_flag(path, merged.origins[path.split('.')[0]])}, or leave {path} out",
            section=path.split(".")[0],
        )
        for path, origin in merged.ignored.items()
    ]


def _flag(path: str, chooser: str) -> str:
    """What adds a component: a flag beside other flags, for a flag alone would replace what ``--set`` chose."""
    section, name = path.split(".")[:2]
    flag = _FLAGS.get(section)
    place = " as the last --set" if chooser == "--set" else ""
    return f"{flag} {name}" if flag == chooser else f"--set {section}.{name}={{}}{place}"


def _given(merged: Merged, section: str) -> dict[str, Any]:
    """The options that stand in a section, without the keys that every component of it shares."""
    tree: Any = merged.tree()
    for key in section.split(".", maxsplit=1):
        tree = tree.get(key, {})
    shared = {"name", *(SHARED_DATA_KEYS if section == "data" else ())} if section in SELECTIONS else set()
    return {key: value for key, value in tree.items() if key not in shared} if isinstance(tree, dict) else {}


def _parse(
    registry: Registry, entries: Mapping[str, Entry], merged: Merged
) -> tuple[dict[str, Options], list[Finding]]:
    options: dict[str, Options] = {}
    findings: list[Finding] = []
    for section, entry in entries.items():
        model = entry.options()
        given = {
            key: value
            for key, value in _given(merged, section).items()
            # What is suggested for another component of this section is not for this one.
            if key in {*model.model_fields, *model.renamed_options} or not _only_suggested(merged, f"{section}.{key}")
        }
        parsed, wrong = read_options(
            entry, given, section=section, origins=merged.origins, others=registry.entries(entry.kind)
        )
        findings += wrong
        if parsed is not None:
            options[section] = parsed
    return options, findings


def _only_suggested(merged: Merged, path: str) -> bool:
    """Whether nobody asked for a key, nor for one below it: a dot in a key makes it two."""
    layers = [layer for other, layer in merged.layers.items() if f"{other}.".startswith(f"{path}.")]
    return all(layer.suggestion for layer in layers)


def _refused(entries: Mapping[str, Entry], options: Mapping[str, Options]) -> list[Finding]:
    """Combinations that cannot be computed, as far as tags tell without data."""
    if not entries.keys() >= SELECTIONS.keys():
        return []
    return [finding for finding in judge(facts(entries, options)) if finding.status == "refused"]


def facts(entries: Mapping[str, Entry], options: Mapping[str, Options], **more: Any) -> Facts:
    """What the rules look at. Where options are not known, the tags of the record stand in: those of the defaults."""
    tags = {
        section: options[section].tags() if section in options else entry.component.tags
        for section, entry in entries.items()
    }
    regularizers, augmentations = (
        {path.partition(".")[2]: found for path, found in tags.items() if path.startswith(f"{section}.")}
        for section in ("regularizers", "augment")
    )
    return Facts(
        names={section: entries[section].name for section in SELECTIONS},
        tags={section: tags[section] for section in SELECTIONS},
        regularizers=regularizers,
        augmentations=augmentations,
        every={
            path.partition(".")[2]: chosen.every
            for path, chosen in options.items()
            if isinstance(chosen, RegularizerOptions)
        },
        uncoupling=uncoupling(options["discriminator"]) if "discriminator" in options else "",
        **more,
    )
