"""A run goes on with the data it was started with, wherever they lie by now."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ganzoo.config.layers import PLACES
from ganzoo.config.schema import DataConfig
from ganzoo.errors import CheckpointError, DataError, PluginError
from ganzoo.evaluation.opened import Measurable
from ganzoo.runs.directory import RunDirectory


@contextmanager
def told_where(data: DataConfig, directory: RunDirectory, *, command: str = "resume") -> Iterator[None]:
    """If the block fails, and the data of the run are not where ``data`` says, say so and how to name another place.

    Raises:
        DataError: the data are gone.
    """
    try:
        yield
    except (DataError, PluginError) as error:
        gone = [path for path, place in _places(data).items() if not os.path.exists(os.path.expanduser(place))]
        if not gone:
            raise
        raise DataError(
            f"the data of run {directory.path.name} are not where they should be",
            given=", ".join(f"{path} = {_places(data)[path]}" for path in gone),
            allowed="the same data, anywhere",
            hint=f"ganzoo {command} {directory.word} {_elsewhere(gone)}",
        ) from error


def check(fingerprint: str | None, plan: Measurable, directory: RunDirectory, *, command: str = "resume") -> None:
    """Raise :class:`CheckpointError` if the data do not have the fingerprint that was written down with the run.

    ``command`` is what was asked for, and what can be asked for again with the data elsewhere.
    """
    if fingerprint in (None, plan.dataset.fingerprint):
        return
    where = _places(plan.config.data)
    at = f"at {' and '.join(where.values())} " if where else ""
    way_out = f"ganzoo {command} {directory.word} {_elsewhere(list(where))}" if where else "restore the data"
    raise CheckpointError(
        f"the data {at}are not those that run {directory.path.name} was started with, or have changed since",
        given=f"fingerprint {plan.dataset.fingerprint[:16]}…, {len(plan.dataset)} items",
        allowed=f"fingerprint {fingerprint[:16]}…, {directory.read_manifest().get('data', {}).get('images')} items",
        hint=way_out
        if command != "resume"
        else f"{way_out}, or start a new run with: {directory.again()}{_set_to(where)}",
    )


def _places(data: DataConfig) -> dict[str, str]:
    """Path of the configuration → the file or folder there, for data that lie in files."""
    options = data.options()
    return {path: str(value) for path in PLACES if (value := options.get(path.partition(".")[2])) is not None}


def _set_to(places: Mapping[str, str]) -> str:
    return "".join(f" --set {path}={shlex.quote(place)}" for path, place in places.items())


def _elsewhere(paths: list[str]) -> str:
    return " ".join(f"--set {path}=PATH" for path in paths)
