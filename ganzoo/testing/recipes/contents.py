"""Checks of what a recipe says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.catalog.recipe_gaps import left_to_users
from ganzoo.component import Component
from ganzoo.config.layers import ConfigLayer, flatten, leaves, merge, validate
from ganzoo.config.schema import COLLECTIONS, SELECTIONS
from ganzoo.config.yaml_text import read_yaml
from ganzoo.errors import DataError, GanzooError, PluginError
from ganzoo.evaluation.measuring import check_metrics
from ganzoo.planning.choice import choose, parse_options
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Entry, Registry
from ganzoo.testing.check import check, demand
from ganzoo.testing.subject import Subject

MACHINE_PATH = re.compile(r"([~/\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])")
"""How a path begins that leads to a place on one machine."""
MACHINE_KEYS: Mapping[str, str] = {"runtime.device": "auto", "runtime.threads": "auto"}
"""What depends on the machine that runs it, and the answer that does not."""
STAND_IN = ConfigLayer("the check", {"data.name": "synthetic", "data.n": 64, "data.modes": 2, "data.split": "train"})
"""Data that need no files, in place of a user's own."""


def layer_of(subject: Subject) -> ConfigLayer:
    """The recipe as a run reads it."""
    return ConfigLayer(f"recipe {subject.name}", flatten(_tree(subject)))


def _tree(subject: Subject) -> dict[str, Any]:
    assert subject.entry is not None  # a recipe is a file of an installed package
    return read_yaml(subject.entry.file_text(), f"recipe {subject.name}")


def layers_of(registry: Registry, subject: Subject) -> list[ConfigLayer]:
    """The recipe, with data that need no files where its own have options that it cannot know, such as a folder."""
    layer = layer_of(subject)
    return [layer, STAND_IN] if _lacks_data(registry, subject) else [layer]


def _lacks_data(registry: Registry, subject: Subject) -> bool:
    name = layer_of(subject).values.get("data.name")
    if name is None:
        return False
    try:
        registry.get("dataset", str(name)).options()
    except PluginError:
        return True  # it needs a package that is not installed here
    return any(path.startswith("data.") for path in _gaps(registry, subject))


def _gaps(registry: Registry, subject: Subject) -> list[str]:
    assert subject.entry is not None  # a recipe is a file of an installed package
    return list(left_to_users(registry, subject.entry))


def notes_on(subject: Subject) -> Iterator[str]:
    """What the recipe leaves to its users."""
    try:
        gaps = _gaps(Registry.load(), subject)
    except GanzooError:  # a check of its own says what is wrong with the file
        return
    for path in gaps:
        instead = "; checked with synthetic data instead" if path.startswith("data.") else ""
        yield f"it gives no value for {path}, which is required: every run needs --set {path}=VALUE{instead}"


@check("yaml", Component, "Its file is YAML without anchors, tags and keys that stand twice.")
def is_strict_yaml(subject: Subject) -> None:
    """No duplicate keys, anchors or tags; and something in it."""
    demand(_tree(subject), "the file is empty")


@check("configuration", Component, "Its keys are those of a configuration, with values that are allowed.")
def is_configuration(subject: Subject) -> None:
    """Sections, keys and values that there are; options of components are looked at by themselves."""
    validate(merge([layer_of(subject)]))


@check("components", Component, "The components that it names are there, and none is deprecated.")
def names_what_exists(subject: Subject) -> None:
    """Found by the names it uses, and none on its way out."""
    registry = Registry.load()
    for entry in _entries(registry, subject):
        successor = entry.component.deprecated_for
        demand(not successor, f"{entry.kind} {entry.name} is deprecated: name {successor}")


def _entries(registry: Registry, subject: Subject) -> Iterator[Entry]:
    for path, value in layer_of(subject).values.items():
        section, _, rest = path.partition(".")
        if section in SELECTIONS and rest == "name":
            yield registry.get(SELECTIONS[section], str(value))
        elif section in COLLECTIONS and rest and "." not in rest:
            yield registry.get(COLLECTIONS[section], rest)


@check("options", Component, "They take the options that it gives them, none of them deprecated.")
def gives_valid_options(subject: Subject) -> None:
    """Each component takes what it is given, and no option is on its way out."""
    registry = Registry.load()
    choice = choose(registry, layers_of(registry, subject))
    options = parse_options(choice)
    for section, entry in choice.entries.items():
        fields = type(options[section]).model_fields
        old = [name for name in fields if fields[name].deprecated and f"{section}.{name}" in layer_of(subject).values]
        demand(not old, f"{entry.kind} {entry.name} has deprecated options: {', '.join(old)}")


@check("plan", Component, "What it asks for fits together, so that a run can be planned.")
def can_be_planned(subject: Subject) -> None:
    """Networks are built for its data, or for colored blobs of its size where its own are not there."""
    registry = Registry.load()
    layers = layers_of(registry, subject)
    try:
        plan = make_plan(choose(registry, layers))
    except DataError:
        if STAND_IN in layers:
            raise
        plan = make_plan(choose(registry, [*layers, STAND_IN]))
    check_metrics(plan)


@check("portable", Component, "It names no file, device or number of threads of one machine.")
def fits_any_machine(subject: Subject) -> None:
    """No folder of its author's, no graphics card of theirs."""
    for path, value in leaves(layer_of(subject).values).items():
        of_machine = isinstance(value, str) and MACHINE_PATH.match(value)
        demand(not of_machine, f"{path} is {value!r}, a place on one machine; leave it to the user")
        usual = MACHINE_KEYS.get(path, value)
        demand(value == usual, f"{path} is {value!r}, which not every machine has; leave it to the user")
