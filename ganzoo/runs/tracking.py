"""Which trackers a run has, and how they receive its data. They are not part of its configuration."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ganzoo.component import TRACKER, TrackerOptions
from ganzoo.config.finding import refusal
from ganzoo.config.layers import Merged
from ganzoo.errors import ConfigError, GanzooError, Interrupted, PluginError
from ganzoo.planning.options import read_options
from ganzoo.registry import Entry, Registry, one_line

if TYPE_CHECKING:
    from ganzoo.protocols import TrackedRun, Tracker

logger = logging.getLogger("ganzoo")

Request = Mapping[str, Mapping[str, Any] | None] | Iterable[str]
"""A tracker's name → its options, or names alone."""


@dataclass(frozen=True)
class Wanted:
    """A requested tracker, with its options as they were given."""

    entry: Entry
    given: Mapping[str, Any]


@dataclass(frozen=True)
class ChosenTracker:
    """A tracker that can be started."""

    entry: Entry
    options: TrackerOptions

    def start(self, run: TrackedRun) -> Tracker:
        """The tracker at work.

        Raises:
            PluginError: it does not start, or what starts is not a tracker.
        """
        from ganzoo.protocols import Tracker  # here, because it imports torch

        try:
            with _quiet_stdout():
                started: object = self.options.start(run)
            if not isinstance(started, Tracker):
                raise TypeError(f"start() returned {type(started).__name__} instead of a ganzoo.protocols.Tracker")
        except (GanzooError, KeyboardInterrupt):
            raise
        except BaseException as error:  # sys.exit() in a plugin must not end ganzoo
            raise PluginError(
                f"tracker {self.entry.name!r} of {self.entry.provider} cannot be started: {one_line(error)}",
                hint=f"fix that, or leave out --tracker {self.entry.name}: metrics.jsonl is written anyway",
            ) from error
        return started


class Trackers:
    """The trackers of a run. If one raises, a warning is logged once and only ``close`` is still called.

    Args:
        started: how a warning names each tracker → the tracker.
    """

    def __init__(self, started: Mapping[str, Tracker]) -> None:
        self._started = dict(started)
        self._failed: set[str] = set()

    def log(self, row: Mapping[str, float]) -> None:
        """Send a row of ``metrics.jsonl`` to every tracker; each gets its own copy."""
        self._tell(lambda tracker: tracker.log(dict(row)))

    def picture(self, step: int, path: Path) -> None:
        """Send a sample grid to every tracker."""
        self._tell(lambda tracker: tracker.picture(step, path))

    def close(self, status: str) -> None:
        """Close every tracker, also those that failed before."""
        with contextlib.ExitStack() as stack:  # a KeyboardInterrupt in one does not cost the others their end
            for name in reversed(self._started):
                stack.callback(self._call, name, lambda tracker: tracker.close(status))

    def _tell(self, message: Callable[[Tracker], None]) -> None:
        for name in self._started:
            if name not in self._failed:
                self._call(name, message)

    def _call(self, name: str, message: Callable[[Tracker], None]) -> None:
        try:
            with _quiet_stdout():
                message(self._started[name])
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # nothing that a tracker does may end a training
            if name not in self._failed:
                logger.warning("tracker %s failed and will not receive any more data: %s", name, one_line(error))
                logger.debug("traceback of tracker %s:", name, exc_info=error)
            self._failed.add(name)


def wanted(registry: Registry, request: Request) -> list[Wanted]:
    """The trackers of a request, each once. Loads none of them, and no torch.

    Raises:
        UnknownNameError: nobody provides one of the names.
        ConfigError: no names, options that are not a mapping, or options of one tracker under two of its names.
    """
    found: dict[str, Wanted] = {}
    under: dict[str, str] = {}
    for name, given in _by_name(request):
        entry = registry.get(TRACKER.name, name)
        one = found.setdefault(entry.qualified, Wanted(entry, {}))
        if not given:
            continue
        if one.given:
            raise ConfigError(
                f"tracker {entry.name} got options under two names",
                given=f"{under[entry.qualified]}, {name}",
                hint="put all of them under one name",
            )
        found[entry.qualified], under[entry.qualified] = Wanted(entry, given), name
    return list(found.values())


def _by_name(request: object) -> list[tuple[str, Mapping[str, Any]]]:
    """The names of a request, each with its options."""
    if isinstance(request, Mapping):
        pairs = list(request.items())
    else:
        names = request if isinstance(request, Iterable) and not isinstance(request, str) else [request]
        pairs = [(name, None) for name in names]
    for name, given in pairs:
        if not isinstance(name, str):
            raise ConfigError(
                "trackers must be a list of names, or a mapping of names to options",
                given=request,
                allowed='for example ["tensorboard"], or {"tensorboard": {"flush_secs": 10}}',
            )
        holds_options = isinstance(given, Mapping) and all(isinstance(option, str) for option in given)
        if given is not None and not holds_options:
            raise ConfigError(
                f"options of tracker {name} must be a mapping", given=given, allowed="for example {flush_secs: 10}"
            )
    return [(name, given or {}) for name, given in pairs]


def asked_for(
    registry: Registry, names: Iterable[str], assignments: Mapping[str, Any]
) -> tuple[list[Wanted], dict[str, Any]]:
    """What ``--tracker`` asks for, and the assignments that are not about trackers.

    Args:
        registry: where the trackers come from.
        names: what ``--tracker`` was given.
        assignments: path → value of ``--set``; ``tracker.NAME.OPTION`` is an option of a tracker.

    Raises:
        UnknownNameError: nobody provides one of the names.
        ConfigError: options of a tracker that is not enabled.
    """
    others, theirs = dict(assignments), {}
    for path in assignments:
        section, dot, place = path.partition(".")
        if TRACKER.answers_to(section):
            theirs[f"{TRACKER.name}{dot}{place}"] = others.pop(path)
    options = Merged(theirs).tree().get(TRACKER.name, {})
    if not isinstance(options, Mapping):
        raise ConfigError(
            "trackers are added with their own flag, not with --set", given=options, hint="--tracker NAME"
        )
    asked, given = wanted(registry, names), wanted(registry, options)
    for one in given:
        if one.entry not in [other.entry for other in asked]:
            name = registry.shortest(one.entry)
            raise ConfigError(
                f"tracker.{name} is set, but tracker {name} is not enabled",
                given=", ".join(f"tracker.{name}.{option}" for option in one.given),
                hint=f"add --tracker {name}, or remove its options",
            )
    with_options = {one.entry.qualified: one for one in [*asked, *given]}
    return list(with_options.values()), others


def chosen(trackers: Iterable[Wanted]) -> list[ChosenTracker]:
    """The trackers with their options; imports their modules, and torch with them.

    Raises:
        ConfigError: wrong options, all of them at once.
        PluginError: a tracker cannot be loaded, or a package it requires is missing.
    """
    found, findings = [], []
    for one in trackers:
        options, wrong = read_options(one.entry, one.given, section=f"{TRACKER.name}.{one.entry.name}")
        findings += wrong
        if options is not None:
            assert isinstance(options, TrackerOptions)
            found.append(ChosenTracker(one.entry, options))
    if findings:
        raise refusal(findings)
    return found


def started(trackers: Iterable[ChosenTracker], run: Callable[[], TrackedRun]) -> Trackers:
    """All trackers at work. If one cannot be started, those before it are told that the run failed or was interrupted.

    Args:
        trackers: which.
        run: makes what a tracker is told of the run, anew for each.

    Raises:
        PluginError: a tracker does not start.
        Interrupted: SIGTERM came meanwhile.
    """
    working: dict[str, Tracker] = {}
    try:
        with _ended_by_sigterm():
            for one in trackers:
                working[f"{one.entry.name!r} of {one.entry.provider}"] = one.start(run())
    except BaseException as error:
        Trackers(working).close("interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed")
        raise
    return Trackers(working)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: a tracker may wait for a login, and what was begun has to be tidied up.

    Outside the main thread, where Python forbids it, do nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt  # a tracker that catches Exception does not catch this

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt as error:
        if not received:
            raise
        raise Interrupted(
            "stopped before training began", signal_number=received[0], hint="run the same command again"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Standard output carries data: a tracker that prints must not spoil ``--json``."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
