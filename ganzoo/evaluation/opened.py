"""Data, metrics and extractors that were chosen, without networks: what it takes to judge pictures from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from ganzoo.component import Options
from ganzoo.config.schema import RunConfig
from ganzoo.planning.choice import Choice, parse_options
from ganzoo.planning.opening import open_data
from ganzoo.protocols import Dataset, DataSpec
from ganzoo.registry import Entry


class Measurable(Protocol):
    """What is measured: a plan, or data alone."""

    @property
    def config(self) -> RunConfig:
        """The configuration."""
        ...

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The component of each section."""
        ...

    @property
    def options(self) -> Mapping[str, Options]:
        """Their options."""
        ...

    @property
    def dataset(self) -> Dataset:
        """The real data."""
        ...

    @property
    def spec(self) -> DataSpec:
        """Shape and classes; ``conditional`` if generated data have labels."""
        ...


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Where generated data come from, in words, and how such data get classes."""

    words: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class OpenedData:
    """Opened data and what is measured on them. See :class:`Measurable`.

    ``maker`` says where generated data come from, if not from the generator of the configuration.
    """

    config: RunConfig
    entries: Mapping[str, Entry]
    options: Mapping[str, Options]
    dataset: Dataset
    spec: DataSpec
    maker: Maker | None = None


def open_measurable(choice: Choice, *, labeled: bool, maker: Maker | None = None) -> OpenedData:
    """Open the chosen data.

    Args:
        choice: data, metrics and extractors; networks are not looked at.
        labeled: whether generated pictures have labels.
        maker: where these come from, if not from the generator of the configuration.

    Raises:
        ConfigError: values that do not fit.
        DataError: the data cannot be read.
    """
    options = parse_options(choice)
    dataset = open_data(choice, options["data"])
    spec = replace(dataset.spec, conditional=labeled and len(dataset.spec.classes) > 1)
    return OpenedData(
        config=choice.config, entries=choice.entries, options=options, dataset=dataset, spec=spec, maker=maker
    )
