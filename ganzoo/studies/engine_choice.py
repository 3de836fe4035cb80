"""Where the runs of a comparison are computed, as its folder remembers: ``engine.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from ganzoo import files
from ganzoo.errors import ConfigError
from ganzoo.regular import regular_text
from ganzoo.runs.shapes import NOTHING, fits
from ganzoo.studies.comparison import Comparison

FILE = "engine.json"
ENGINES = ("local", "ray")
AUTO = "auto"
"""The cluster that this machine belongs to."""


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Where runs are computed.

    Attributes:
        engine: one of ``ENGINES``.
        address: of the Ray cluster.
        keeper: name of the actor that computes the comparison now, or did when it was last heard of.
    """

    engine: str = "local"
    address: str = AUTO
    keeper: str | None = None


def check_engine(engine: str | None, address: str | None) -> None:
    """Raise :class:`ConfigError` for an engine that does not exist, or an address of one that has none."""
    if engine is not None and engine not in ENGINES:
        raise ConfigError("there is no such engine", given=engine, allowed=", ".join(ENGINES), hint="--engine local")
    if engine == "local" and address is not None:
        raise ConfigError("--address is that of a Ray cluster", given=f"--address {address}", hint="--engine ray")


def check_installed(engine: str | None) -> None:
    """Raise :class:`ConfigError` with the command that installs what an engine needs."""
    if engine == "ray" and find_spec("ray") is None:
        raise ConfigError("--engine ray needs Ray, which is not installed", hint="python -m pip install 'ganzoo[ray]'")


def choose_engine(comparison: Comparison, engine: str | None, address: str | None) -> EngineChoice:
    """What is asked for; where nothing is, what the comparison was begun with.

    Raises:
        ConfigError: what :func:`check_engine` and :func:`check_installed` refuse; or it is still computed elsewhere.
    """
    check_engine(engine, address)
    before = read_choice(comparison)
    engine = engine or before.engine
    check_engine(engine, address)
    check_installed(engine)
    place = address or before.address
    if before.keeper is None:
        return EngineChoice(engine=engine, address=place)
    if (engine, place) != (before.engine, before.address):
        raise ConfigError(
            f"comparison {comparison.path.name} was left running on the Ray cluster {before.address}",
            given=f"--engine {engine}" + (f" --address {address}" if address else ""),
            allowed=f"to follow it there, and to stop it with Ctrl-C; if that cluster is gone, remove its {FILE}",
            hint=f"ganzoo compare {comparison.word}",
        )
    return before


def read_choice(comparison: Comparison) -> EngineChoice:
    """What the folder says; local processes if it says nothing."""
    try:
        content = json.loads(regular_text(comparison.path / FILE))
        if not fits(content, {"engine": str, "address": str, "keeper": (str, NOTHING)}):
            raise ValueError("engine and address are texts, and so is keeper, or null")
        return EngineChoice(**content)
    except FileNotFoundError:
        return EngineChoice()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{comparison.path / FILE} cannot be read: {error}",
            allowed="what ganzoo compare wrote there",
            hint=f"remove that file: the runs then go on on this machine, with ganzoo compare {comparison.word}",
        ) from error


def write_choice(comparison: Comparison, choice: EngineChoice) -> None:
    """Remember it; a folder that says nothing means local processes, and stays so."""
    if choice == read_choice(comparison):
        return
    files.write_text(comparison.path / FILE, json.dumps(asdict(choice), indent=2) + "\n")
