"""What is checked: a component with the options it is checked with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import EnumType
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import torch
from pydantic import ValidationError

from ganzoo.component import FILES, Component, Options
from ganzoo.config.explanation import explain
from ganzoo.config.finding import refusal
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec
from ganzoo.registry import Entry

NOTHING: Mapping[str, Any] = MappingProxyType({})

NARROW: Mapping[str, Any] = MappingProxyType(
    {
        "ndf": 2,
        "ngf": 2,
        "latent": 3,
        "width": 8,
        "blocks": 1,
        "resize": 32,
        "periods": (2, 3),
        "n_ffts": (64, 32),
        "resolutions": ((64, 16, 64), (32, 8, 24)),
    }
)
"""Options by which networks, and what they look at, are made small where a class is checked, and not chosen options."""

Answer = TypeVar("Answer")

CLASSES = ("a", "b", "c")
MARGINAL = (0.2, 0.3, 0.5)


def images_like(channels: int, height: int, width: int | None = None) -> DataSpec:
    """Images of three classes, whose networks are to use the labels."""
    shape = (channels, height, height if width is None else width)
    return DataSpec(shape=shape, classes=CLASSES, marginal=MARGINAL, conditional=True)


VECTORS = DataSpec(shape=(2,), classes=CLASSES, marginal=MARGINAL, conditional=True)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A component under test.

    Attributes:
        kind: canonical, such as ``loss``.
        options: what it is built from; ``None`` for a recipe or a preset.
        entry: the component as the registry knows it, or ``None``.
        expected_failures: name of a check → why it is known to fail.
        given: what else the author said, by name; such as ``reference``.
    """

    kind: str
    options: Options | None
    entry: Entry | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    _known: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, question: Callable[[Subject], Answer]) -> Answer:
        """The answer to a question that many checks ask and that takes a while; it is found out at the first."""
        if question.__name__ not in self._known:
            self._known[question.__name__] = question(self)
        answer: Answer = self._known[question.__name__]
        return answer

    @property
    def record(self) -> Component | None:
        """What its plugin announces; ``None`` if the options were given without it."""
        return None if self.entry is None else self.entry.component

    @property
    def name(self) -> str:
        """Distribution and name; of options given by themselves the class, with those that are not the default ones."""
        return _in_words(self.chosen) if self.entry is None else self.entry.qualified

    @property
    def tags(self) -> frozenset[str]:
        """Those of the options under test."""
        return self.chosen.tags()

    @property
    def chosen(self) -> Options:
        """The options.

        Raises:
            ConfigError: there are none.
        """
        if self.options is None:
            named = self.kind if self.entry is None else self.entry.qualified
            raise ConfigError(f"{named} has no options to be checked with")
        return self.options

    def build(self, spec: DataSpec, *, seed: int = 0) -> Any:
        """The component, built as a run builds it; its weights follow from ``seed``."""
        torch.default_generator.manual_seed(seed)
        return self.chosen.resolve(spec).build(spec)

    def choices(self) -> tuple[Subject, ...]:
        """The subject itself, and each with one choice among few (a literal, an enum, yes or no) made otherwise.

        They are always the same ones, so that what is known of them is found out once as well.
        """
        return self, *self.once(_chosen_otherwise)

    def _otherwise(self) -> Iterator[Subject]:
        options = self.chosen
        for name, info in type(options).model_fields.items():
            for value in _few(info.annotation):
                if value != getattr(options, name):
                    try:
                        yield replace(self, options=type(options)(**{**dict(options), name: value}))
                    except ValidationError:
                        continue  # the choice does not go with the other options

    def difference(self, other: Subject) -> str:
        """How the options of ``other`` differ, as ``norm='batch'``; empty where they do not."""
        mine = dict(self.chosen)
        return ", ".join(f"{name}={value!r}" for name, value in other.chosen if value != mine[name])


def _chosen_otherwise(subject: Subject) -> tuple[Subject, ...]:
    return tuple(subject._otherwise())


def is_default(options: Options) -> bool:
    """Whether they are the default ones, but for what must be given and what a check makes narrow."""
    fields = type(options).model_fields
    return not any(name for name in _unusual(options) if not fields[name].is_required())


def _unusual(options: Options) -> dict[str, object]:
    """Those that are neither so by default nor as :data:`NARROW` has them."""
    fields = type(options).model_fields
    return {
        name: value
        for name, value in options
        if value != fields[name].get_default(call_default_factory=True)
        and not (name in NARROW and value == NARROW[name])
    }


def _in_words(options: Options) -> str:
    """``LogCosh(target=2.0)``; without what is so by default, or as :data:`NARROW` has it."""
    unusual = [f"{name}={value!r}" for name, value in _unusual(options).items()]
    return f"{type(options).__name__}({', '.join(unusual)})" if unusual else type(options).__name__


def _few(annotation: object) -> tuple[object, ...]:
    """The values of a type that are so few that each is tried; ``None`` only beside such."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is bool:
        return (False, True)
    if origin is Literal:
        return inner
    if isinstance(annotation, EnumType):
        return tuple(annotation)
    if origin is Annotated:
        return _few(inner[0])
    if origin in (Union, UnionType):
        found = tuple(value for part in inner for value in _few(part))
        return (*found, None) if found and NoneType in inner else found
    return ()


def small(model: type[Options], given: Mapping[str, object] = NOTHING) -> Options:
    """The default options of a class, as narrow as a check wants them.

    Raises:
        ValidationError: an option has no default, or one in ``given`` is not allowed.
    """
    narrow = {name: value for name, value in NARROW.items() if name in model.model_fields}
    try:
        return model.model_validate({**narrow, **given})
    except ValidationError:
        return model.model_validate(dict(given))


def subject_of(kind: str, options: Options | type[Options], **details: Any) -> Subject:
    """What ``check_loss`` and its like check: options as given, or those of a class made small.

    Raises:
        ConfigError: ``options`` is neither, or a class that refuses its own defaults or lacks one.
    """
    if isinstance(options, Options):
        return Subject(kind=kind, options=options, **details)
    if not (isinstance(options, type) and issubclass(options, Options)):
        raise ConfigError(
            f"what is checked of a {kind} is its options",
            given=repr(options),
            allowed="a class of ganzoo.component.Options, or an instance of one",
            hint=f"ganzoo check {options}" if isinstance(options, str) else None,
        )
    try:
        return Subject(kind=kind, options=small(options), **details)
    except ValidationError as error:
        name = options.__name__
        fix = f"check an instance with these options given: {name}(…)"
        raise refusal(explain(error, options, section=name, fix=fix)) from None


def subject_of_entry(entry: Entry, given: Mapping[str, object] = NOTHING) -> Subject:
    """A component that is installed.

    Args:
        entry: the component.
        given: options to check it with, in place of its defaults.

    Raises:
        PluginError: it cannot be loaded.
        ValidationError: an option has no default, or one in ``given`` is not allowed.
    """
    options = None if entry.kind in FILES else small(entry.options(), given)
    return Subject(kind=entry.kind, options=options, entry=entry, expected_failures=entry.component.expected_failures)
