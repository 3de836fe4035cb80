"""The classes that options of components derive from. Plugins import them from :mod:`ganzoo.component`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import to_jsonable_python

from ganzoo.numbers import NoTruthAsNumber

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from ganzoo.protocols import Dataset, DataSpec, Extractor, TrackedRun, Tracker

NO_NAMES: Mapping[str, str] = MappingProxyType({})
NO_VALUES: Mapping[str, object] = MappingProxyType({})


class Options(NoTruthAsNumber):
    """Options of a component: one class gives validation, flags, ``info``, documentation and YAML.

    For a loss the options *are* the loss; for a network :meth:`build` returns the module. They are frozen and refuse
    unknown keys, so a slip of the pen is an error and a run cannot change them. The class has a docstring and every
    option a description: they are what ``ganzoo info`` shows. Whatever options are allowed come back from
    ``config.yaml`` as they were. Options can be pickled, for processes that work together. An option without a default
    must be given, to a check as to a run.

    Runs outlive versions, and their ``config.yaml`` holds every option. An option that is going to disappear says what
    to use instead, ``Field(…, deprecated="use target")``: it is still read, warned of once, and hidden from
    ``ganzoo info``.

    Attributes:
        renamed_options: former name of an option → its name. Under the former name it is read and warned of once.
        removed_options: name of an option that is gone → the value that the component acts on ever since. A run that
            has this value goes on; every other value is refused.
        schedulable: options, numbers all, that may follow a schedule while a run trains. What is built then has a
            method ``set_scheduled(option, value)``, after which it is as if it had been built with that value, but for
            what it has learned. It is called before every update of the generator, and before those of the
            discriminator that belong to it; see :class:`ganzoo.protocols.Schedulable`.
    """

    renamed_options: ClassVar[Mapping[str, str]] = NO_NAMES
    removed_options: ClassVar[Mapping[str, object]] = NO_VALUES
    schedulable: ClassVar[frozenset[str]] = frozenset()

    # Neither NaN nor infinity, unless a field says so: they are slips, and NaN does not even equal itself.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
        """Raise :class:`TypeError` if a table of former options contradicts the fields."""
        super().__pydantic_init_subclass__(**keywords)
        for old, new in cls.renamed_options.items():
            if new not in cls.model_fields:
                raise TypeError(f"{cls.__name__}.renamed_options: {old} leads to {new}, which is not an option")
        if unknown := cls.schedulable - cls.model_fields.keys():
            raise TypeError(f"{cls.__name__}.schedulable: {min(unknown)} is not an option")
        for old in (*cls.renamed_options, *cls.removed_options):
            if old in cls.model_fields:
                raise TypeError(f"{cls.__name__}: {old} is an option, so it is neither renamed nor removed")
        for name, info in cls.model_fields.items():
            if info.deprecated and name in vars(cls):
                # pydantic would warn whenever the component itself reads it, in every step, and nothing that warns
                # can be compiled. Whoever gives it is warned, where it is read from a configuration.
                delattr(cls, name)

    @model_validator(mode="before")
    @classmethod
    def _read_former_options(cls, given: Any) -> Any:
        """What earlier versions called otherwise, or had and this one has not."""
        if not isinstance(given, Mapping):
            return given
        read = dict(given)
        for old, new in cls.renamed_options.items():
            if old in read:
                if new in read:
                    raise ValueError(f"{old} is the former name of {new}: give only {new}")
                read[new] = read.pop(old)
        for old, always in cls.removed_options.items():
            if old in read and to_jsonable_python(read.pop(old), fallback=str) != to_jsonable_python(always):
                raise ValueError(f"{old} was removed and can only be {always!r}, or be left out")
        return read

    def resolve(self, spec: DataSpec) -> Self:
        """A copy in which what was left ``None`` is filled from the data."""
        return self

    def tags(self) -> frozenset[str]:
        """Capability tags of these options.

        Tags are honest both ways: what a tag says is so, and what is so is said. Only the tags listed in ``TAGS``
        exist, each for its own kinds.
        """
        return frozenset()

    def build(self, spec: DataSpec) -> Any:
        """The component itself. A component without state returns its options."""
        return self


class RegularizerOptions(Options):
    """Options every regularizer has. Its terms enter the objective as ``weight · every · raw``.

    The step multiplies: a raw term contains neither ``weight`` nor ``every``.
    """

    schedulable: ClassVar[frozenset[str]] = frozenset({"weight"})
    """The step looks at the weight, so that no regularizer has to do anything for it."""

    weight: float = Field(default=1.0, ge=0, description="factor of the term")
    every: int = Field(default=1, ge=1, description="apply at every k-th update of the player, k times as strong")

    def optimizer_correction(self) -> dict[Literal["discriminator", "generator"], float]:
        """Player → c, if Adam's learning rate is to become lr·c and each beta β^c; see StyleGAN2's lazy terms.

        Each c is above 0 and at most 1.
        """
        return {}


class DatasetOptions(Options):
    """Options every dataset has."""

    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="at an item that cannot be read: stop, naming all of them, or skip and list them"
    )

    @classmethod
    def layouts(cls) -> Mapping[str, str]:
        """Layout → how its files lie, in a line; for ``ganzoo info``. Empty where there is one way alone.

        A dataset that recognizes several ways in which data are kept lists them here. No file is looked at.
        """
        return {}

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Open the data. ``None`` leaves size or channels to the dataset, which states them in its ``spec``.

        A size or channels that are asked for are what comes, or a ConfigError or DataError says why not; vectors have
        neither. It has a split ``train``, for a run asks for that one by default. An unknown split is a DataError that
        names those there are. All splits have the same classes and, asked for alike, the same shape. Both answers to
        ``on_error`` are taken; where nothing is broken they mean the same.

        Files are written below ``cache`` and nowhere else; that folder may not be there yet. No global random number is
        drawn, here or in reading.

        Args:
            image_size: width in pixels; height is the same unless the dataset says otherwise.
            channels: 1 gray, 3 RGB.
            split: ``train``, ``val``, ``test``, ``all``, or what else the dataset knows.
            cache: a folder for what is costly to make, such as decoded pictures.

        Raises:
            DataError: the data cannot be read, or have no such split.
            ConfigError: they cannot be had in this size, or with these channels.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement open()")


class TrackerOptions(Options):
    """Options every tracker has: none. Trackers are no part of the configuration; ``--tracker NAME`` asks for one."""

    def start(self, run: TrackedRun) -> Tracker:
        """Begin to follow ``run``, whose folder is there. An error raised here ends the run before it begins."""
        raise NotImplementedError(f"{type(self).__name__} must implement start()")


class ExtractorOptions(Options):
    """Options every extractor has: none of its own."""

    def open(self, *, data: Dataset, device: torch.device, cache: Path) -> Extractor:
        """Make the extractor ready to look at pictures, on ``device``.

        Most do not look at ``data``, the real pictures that a generator learns from. One that is trained on them keeps
        what it learned below ``cache``, by the data's fingerprint, so that it is trained once. Files are written below
        ``cache`` and nowhere else; that folder may not be there yet. Nothing is fetched from elsewhere. No global
        random number is drawn, here or in looking.

        Raises:
            ConfigError: it cannot be had for these data.
            DataError: its weights are missing, or are not what they should be.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement open()")


# Kind → the class that options of its components derive from; of other kinds, that is Options.
BASES: Mapping[str, type[Options]] = MappingProxyType(
    {
        "dataset": DatasetOptions,
        "extractor": ExtractorOptions,
        "regularizer": RegularizerOptions,
        "tracker": TrackerOptions,
    }
)
