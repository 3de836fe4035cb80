"""From configuration and registry to a plan: what will be built, from which origin, and what does not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganzoo import config as configuration
from ganzoo.component import DatasetOptions, Options
from ganzoo.config import DEFAULT_STEPS, SELECTIONS, SHARED_DATA_KEYS, Layer, Merged, RunConfig
from ganzoo.data import cache_folder
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.protocols import Dataset, DataSpec, Discriminator, Generator
from ganzoo.registry import Entry, Registry
from ganzoo.rules import Facts, Finding, judge
from ganzoo.seeds import seeded

KIND_OF = {"loss": "loss", "discriminator": "discriminator", "generator": "generator", "data": "dataset"}
"""Section of the configuration → kind of the component it selects."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a run will consist of.

    Attributes:
        config: resolved: no value is left to be decided.
        origins: path → who said so.
        entries: the component of each section, regularizers as ``regularizers.NAME``.
        options: the options of each section, likewise.
        spec: what the networks were built for.
        warnings: what is ill-posed, though it runs.
    """

    config: RunConfig
    origins: Mapping[str, str]
    entries: Mapping[str, Entry]
    options: Mapping[str, Options]
    dataset: Dataset
    spec: DataSpec
    discriminator: Discriminator
    generator: Generator
    warnings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """``hinge-patchgan-sn-digits``: how the run directory is called after its number."""
        data = self.config.data
        path = data.options().get("path")
        parts = (
            self.config.loss.name,
            self.config.discriminator.name,
            Path(path).resolve().name if path else data.name,
        )
        return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in parts)

    def tags(self) -> frozenset[str]:
        """The tags of all parts together."""
        return frozenset().union(*(options.tags() for options in self.options.values()))


def make_plan(registry: Registry, layers: Sequence[Layer]) -> Plan:
    """Merge, validate, open the data, judge, build.

    Raises:
        ConfigError: keys, values or combinations that do not fit, with every finding at once.
        DataError: the data cannot be read.
        PluginError: a component that was asked for cannot be loaded.
    """
    names = {f"{section}.name": getattr(RunConfig(), section).name for section in SELECTIONS}
    layers = [_canonical(layer, registry) for layer in (Layer("default", names), *layers)]
    merged = configuration.merge([*_suggestions(registry, layers), *layers])
    config, options, entries = _validated(merged, registry)
    dataset = _open(config, options["data"])
    needs_labels = any(options.tags() & {"needs_labels", "needs_class_logits"} for options in options.values())
    spec = replace(dataset.spec, conditional=needs_labels and len(dataset.spec.classes) > 1)
    resolved = {section: chosen.resolve(spec) for section, chosen in options.items()}
    findings = judge(_facts(config, resolved, spec))
    networks = _build(resolved, spec, config.seed, findings)
    refused = [finding for finding in findings if finding.status == "refused"]
    if refused:
        raise ConfigError("this combination cannot be trained:\n" + "\n".join(f"  - {finding}" for finding in refused))
    final = _with_resolved(config, resolved, dataset, merged)
    return Plan(
        config=final,
        origins=_origins(final, merged, options),
        entries=entries,
        options=resolved,
        dataset=dataset,
        spec=spec,
        discriminator=networks["discriminator"],
        generator=networks["generator"],
        warnings=tuple(findings),
    )


def _canonical(layer: Layer, registry: Registry) -> Layer:
    """Names as the registry spells them; a path in place of a dataset means a folder of images."""
    values = dict(layer.values)
    for section, kind in KIND_OF.items():
        name = values.get(f"{section}.name")
        if name is None:
            continue
        if section == "data" and _is_path(str(name), registry):
            values |= {"data.name": "folder", "data.path": str(name)}
        else:
            values[f"{section}.name"] = registry.shortest(registry.get(kind, str(name)))
    renamed: dict[str, Any] = {}
    for path, value in values.items():
        section, _, rest = path.partition(".")
        if section == "regularizers" and rest:
            name, *keys = rest.split(".")
            path = ".".join([section, registry.shortest(registry.get("regularizer", name)), *keys])
        renamed[path] = value
    return Layer(layer.origin, renamed)


def _is_path(word: str, registry: Registry) -> bool:
    try:
        registry.get("dataset", word)
    except UnknownNameError:
        return word.startswith((".", "~", "/")) or "/" in word or Path(word).exists()
    return False


def _suggestions(registry: Registry, layers: Sequence[Layer]) -> list[Layer]:
    """A layer for each chosen component that suggests something, the strongest last.

    The first of loss, regularizer, discriminator, generator, dataset wins; suggested regularizers unite.
    """
    chosen = configuration.merge(layers).values
    names = {section: chosen[f"{section}.name"] for section in SELECTIONS}
    entries = {section: registry.get(KIND_OF[section], str(name)) for section, name in names.items()}
    decided = any("regularizers" in layer.values for layer in layers)
    wanted = [path.split(".")[1] for path in chosen if path.startswith("regularizers.")]
    if not decided:
        suggested = (path for entry in entries.values() for path in entry.component.suggests)
        wanted += [path.split(".")[1] for path in suggested if path.startswith("regularizers.")]
    regularizers = [registry.get("regularizer", name) for name in dict.fromkeys(wanted)]
    order = [entries["loss"], *regularizers, *(entries[section] for section in ("discriminator", "generator", "data"))]
    return [
        Layer(f"suggested by {entry.kind} {entry.name}", _allowed(entry.component.suggests, set(wanted)))
        for entry in reversed(order)
        if entry.component.suggests
    ]


def _allowed(suggests: Mapping[str, object], regularizers: set[str]) -> dict[str, object]:
    """Without the options of regularizers that the user has replaced."""
    return {
        path: value
        for path, value in suggests.items()
        if not path.startswith("regularizers.") or path.split(".")[1] in regularizers
    }


def _validated(merged: Merged, registry: Registry) -> tuple[RunConfig, dict[str, Options], dict[str, Entry]]:
    """The configuration and the options of every component; one error for all that is wrong in either."""
    findings: list[str] = []
    try:
        config = configuration.validate(merged)
    except ConfigError as error:
        findings.append(error.message)
        config = RunConfig.model_construct(**_selections_only(merged))
    options: dict[str, Options] = {}
    entries: dict[str, Entry] = {}
    for section, kind, name, given in _selected(config):
        entries[section] = registry.get(kind, name)
        model = entries[section].options()
        try:
            options[section] = model.model_validate(given)
        except ValidationError as error:
            findings += [
                f"  - {configuration.explain(item, section, merged.origins, model)}" for item in error.errors()
            ]
            findings.append(f"    next: ganzoo info {name} --kind {kind}")
    if findings:
        lines = [line for finding in findings for line in finding.splitlines()]
        head = "the configuration is not valid:"
        raise ConfigError("\n".join([head, *(line for line in lines if line != head)]))
    return config, options, entries


def _selections_only(merged: Merged) -> dict[str, Any]:
    """Enough of a broken configuration to check the components it names as well."""
    tree = merged.tree()
    chosen: dict[str, Any] = {
        section: configuration.Selection.model_construct(**tree[section])
        for section in SELECTIONS
        if isinstance(tree.get(section), dict) and "name" in tree[section]
    }
    regularizers = tree.get("regularizers")
    return {**chosen, "regularizers": regularizers if isinstance(regularizers, dict) else {}}


def _selected(config: RunConfig) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(section, kind, name, options) of every component."""
    found = []
    for section in SELECTIONS:
        selection: configuration.Selection = getattr(config, section)
        given = selection.options()
        if section == "data":
            given = {key: value for key, value in given.items() if key not in SHARED_DATA_KEYS}
        found.append((section, KIND_OF[section], selection.name, given))
    for name, options in config.regularizers.items():
        found.append((f"regularizers.{name}", "regularizer", name, options))
    return found


def _open(config: RunConfig, options: Options) -> Dataset:
    assert isinstance(options, DatasetOptions)
    data = config.data
    return options.open(image_size=data.image_size, channels=data.channels, split=data.split, cache=cache_folder())


def _facts(config: RunConfig, options: Mapping[str, Options], spec: DataSpec) -> Facts:
    return Facts(
        names={section: getattr(config, section).name for section in SELECTIONS},
        tags={section: options[section].tags() for section in SELECTIONS},
        regularizers={name: options[f"regularizers.{name}"].tags() for name in config.regularizers},
        classes=len(spec.classes),
        vector=len(spec.shape) == 1,
        passes=config.train.passes,
        spectral_norm=config.train.spectral_norm,
    )


def _build(options: Mapping[str, Options], spec: DataSpec, seed: int, findings: list[Finding]) -> dict[str, Any]:
    """Both networks with seeded weights; one that cannot be built for this data becomes a finding."""
    networks: dict[str, Any] = {}
    for section in ("discriminator", "generator"):
        try:
            with seeded(seed, f"init/{section}"):
                networks[section] = options[section].build(spec)
        except ConfigError as error:
            findings.append(Finding("refused", error.message, error.hint or error.allowed or "another --image-size"))
    return networks


def _with_resolved(config: RunConfig, options: Mapping[str, Options], dataset: Dataset, merged: Merged) -> RunConfig:
    """The configuration with every value that data and components decided."""
    chosen: dict[str, Any] = {}
    for section in SELECTIONS:
        selection: configuration.Selection = getattr(config, section)
        resolved = {key: _plain(value) for key, value in options[section].model_dump(mode="json").items()}
        if section == "data":
            shape = dataset.spec.shape
            image = {"image_size": shape[-1], "channels": shape[0]} if len(shape) == 3 else {}
            chosen[section] = config.data.model_copy(update={**image, **resolved})
        else:
            chosen[section] = configuration.Selection(name=selection.name, **resolved)
    regularizers = {name: options[f"regularizers.{name}"].model_dump(mode="json") for name in config.regularizers}
    train = config.train.model_copy(update={"steps": _steps(config, len(dataset)), "epochs": None})
    return config.model_copy(update={**chosen, "regularizers": regularizers, "train": train})


def _steps(config: RunConfig, images: int) -> int:
    train = config.train
    if train.epochs is not None:
        return max(1, round(train.epochs * images / (train.batch_size * train.n_critic)))
    return train.steps or DEFAULT_STEPS


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _origins(final: RunConfig, merged: Merged, options: Mapping[str, Options]) -> dict[str, str]:
    """Who decided each value: the layer that gave it, the data, the image size, or the default."""
    undecided = {f"{section}.{key}" for section, chosen in options.items() for key, value in chosen if value is None}
    origins: dict[str, str] = {}
    for path, value in leaves(final.model_dump(mode="json")).items():
        if merged.values.get(path) is not None:
            origins[path] = merged.origins[path]
        elif path == "train.steps" and "train.epochs" in merged.origins:
            origins[path] = f"{merged.origins['train.epochs']} (train.epochs)"
        elif path in ("data.image_size", "data.channels"):
            origins[path] = "from the data"
        else:
            origins[path] = "by size" if path in undecided and value is not None else "default"
    return origins


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Path → value of every value in a nested mapping; an empty mapping counts as a value."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        found |= leaves(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value}
    return found
