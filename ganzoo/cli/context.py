"""What the commands of one invocation share: the registry, loaded when first asked for, and the console."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ganzoo.lines import say
from ganzoo.program import as_started

if TYPE_CHECKING:
    from ganzoo.registry import Registry
    from ganzoo.screen import Screen


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Options that stand before the command.

    Attributes:
        plugins: ``False`` loads first-party components only (``--no-plugins``).
        strict: raise at the first plugin problem that is more than a note (``--strict``).
        debug: print the traceback of each plugin problem (``--debug``).
    """

    plugins: bool = True
    strict: bool = False
    debug: bool = False


_settings = Settings()


def configure(*, plugins: bool = True, strict: bool = False, debug: bool = False) -> None:
    """Take over the options that stand before the command; the next :func:`registry` follows them."""
    global _settings
    _settings = Settings(plugins=plugins, strict=strict, debug=debug)
    _load.cache_clear()


def settings() -> Settings:
    """The options that stood before the command."""
    return _settings


def registry() -> Registry:
    """The registry. Its problems are printed when it is loaded, one line each on standard error.

    Raises:
        PluginError: a plugin has a problem and ``strict`` is set.
    """
    return _load(_settings)


@cache
def _load(settings: Settings) -> Registry:
    from ganzoo.registry import Registry

    loaded = Registry.load(strict=settings.strict, plugins=settings.plugins)
    for problem in loaded.problems:
        say(as_started(f"ganzoo: {problem}"), err=True)
        if settings.debug and problem.traceback:
            say(problem.traceback, err=True)
    return loaded


def console() -> Screen:
    """Standard output for tables. What plugins write is text: brackets are no markup, colons no emoji.

    Where the encoding of the output lacks a letter (λ, ≥), a question mark stands in for it.
    """
    from ganzoo.screen import Screen

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Screen()
