"""Opening the chosen data, and telling whose fault it is when a component's code fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ganzoo.component import DatasetOptions, Options
from ganzoo.data import cache_folder
from ganzoo.planning.choice import Choice
from ganzoo.protocols import Dataset
from ganzoo.registry import Entry
from ganzoo.training.lack_of_memory import told_of_memory


def open_data(choice: Choice, chosen: Options, *, split: str | None = None) -> Dataset:
    """The dataset as configured, or another split of it.

    Raises:
        DataError: the data cannot be read.
        ConfigError: they cannot be had in this size, or with these channels.
    """
    data = choice.config.data
    assert isinstance(chosen, DatasetOptions)
    with code_of(choice.entries["data"], "cannot be opened"):
        return chosen.open(
            image_size=data.image_size, channels=data.channels, split=split or data.split, cache=cache_folder()
        )


@contextmanager
def code_of(entry: Entry, fault: str) -> Iterator[None]:
    """Run a component's code: its bugs are told apart from a lack of memory."""
    words = f"{entry.kind} {entry.name} does not fit into memory"
    with entry.blamed(fault), told_of_memory(words, hint="use narrower networks, or a smaller --image-size"):
        yield
