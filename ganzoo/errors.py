"""The error tree. Each error carries the exit code the command line ends with.

GanzooError                 1   a bug in ganzoo, or nothing more precise is known
├── ConfigError             2   usage or configuration
│   └── UnknownNameError    2   a component, kind or key that does not exist
├── DataError               3   a dataset that cannot be read
├── PluginError             4   a requested plugin is broken
├── DivergedError           5   a term or gradient is no longer finite
├── ResourceError           6   no memory, no disk space, no such device
├── CheckpointError         7   no intact checkpoint
├── LockedError             8   another process owns the run
└── Interrupted           130   SIGINT (143 for SIGTERM), after saving
"""

from __future__ import annotations

from typing import ClassVar

from ganzoo.foreign import visible


class GanzooError(Exception):
    """An error with a culprit, what was given, what is allowed, and the next command.

    ``message`` names the culprit; the other parts are printed on lines of their own where they are known.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        given: object = None,
        allowed: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.given = given
        self.allowed = allowed
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        if self.given is not None:
            lines.append(f"  given:   {self.given}")
        if self.allowed is not None:
            lines.append(f"  allowed: {self.allowed}")
        if self.hint is not None:
            lines.append(f"  next:    {self.hint}")
        return visible("\n".join(lines))  # it quotes names from elsewhere, and ends on somebody's terminal


class ConfigError(GanzooError):
    """The command line, a configuration file or a combination of components is not valid."""

    exit_code = 2


class UnknownNameError(ConfigError):
    """A component, kind or key that does not exist."""


class DataError(GanzooError):
    """The data cannot be read; every offending file is named."""

    exit_code = 3


class PluginError(GanzooError):
    """A requested plugin is broken."""

    exit_code = 4


class DivergedError(GanzooError):
    """A term or a gradient is no longer finite; the optimizer did not step."""

    exit_code = 5


class ResourceError(GanzooError):
    """The device does not exist, or memory or disk space ran out."""

    exit_code = 6


class ProcessLostError(ResourceError):
    """Another of the processes that train a run together ended, or cannot be reached."""


class CheckpointError(GanzooError):
    """No checkpoint is intact, or it does not belong to this configuration."""

    exit_code = 7


class LockedError(GanzooError):
    """Another process holds the lock of the run directory."""

    exit_code = 8


class Interrupted(GanzooError):
    """A signal asked the run to stop; the checkpoint is on disk. Exits 130 (SIGINT) or 143 (SIGTERM)."""

    exit_code = 130

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.signal_number = signal_number
