"""What a plugin, its package and its components may be called."""

from __future__ import annotations

import builtins
import re
import sys
from importlib.util import find_spec
from keyword import iskeyword

from ganzoo.errors import ConfigError
from ganzoo.registry import installed, is_name, normalized, spelled

LONGEST = 50
"""Letters of a name: with longer ones, lines of the templates would have to be broken in other places."""

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "ganzoo-"


def distribution_name(given: str) -> str:
    """``given`` as package indexes compare it: lower case, joined by ``-``.

    Raises:
        ConfigError: it is not a valid name, or its package would hide another one or be hidden by it.
    """
    name = normalized(given)
    if not _DISTRIBUTION.fullmatch(name) or len(name) > LONGEST:
        raise ConfigError(
            "not a valid plugin name",
            given=repr(given),
            allowed=f"letters and digits joined by - _ or ., beginning with a letter, at most {LONGEST} characters",
            hint="for example ganzoo new-plugin ganzoo-soft-hinge; --out DIR sets the folder",
        )
    if owner := _owner_of(package_name(name), name):
        raise ConfigError(
            f"a plugin called {name} would contain the Python package {package_name(name)}, which is {owner}",
            given=repr(given),
            allowed="a name that is not taken",
            hint=f"ganzoo new-plugin {_PREFIX}my-{short_name(name)}",
        )
    return name


def package_name(distribution: str) -> str:
    """``ganzoo-soft-hinge`` → ``ganzoo_soft_hinge``."""
    return distribution.replace("-", "_")


def short_name(distribution: str) -> str:
    """``ganzoo-soft-hinge`` → ``soft-hinge``."""
    return distribution.removeprefix(_PREFIX)


def component_name(given: str, *, kind: str, said_by: str = "--component ") -> str:
    """``given`` with ``-`` for ``_``. ``said_by`` stands before the name on the command line.

    Raises:
        ConfigError: records, Python modules or classes cannot bear it.
    """
    name = spelled(given)
    if not is_name(name) or not name[0].isalpha() or len(name) > LONGEST:
        raise ConfigError(
            f"not a valid name for a {kind}",
            given=repr(given),
            allowed=f"lower-case letters and digits joined by -, beginning with a letter, at most {LONGEST} characters",
            hint=f"{said_by}soft-hinge",
        )
    for taken in (module_name(name), class_name(name)):
        if iskeyword(taken) or hasattr(builtins, taken):
            raise ConfigError(
                f"not a valid name for a {kind}: {taken} is a keyword or builtin of Python",
                given=repr(given),
                hint=f"{said_by}my-{name}",
            )
    return name


def module_name(component: str) -> str:
    """``soft-hinge`` → ``soft_hinge``."""
    return component.replace("-", "_")


def class_name(component: str) -> str:
    """``soft-hinge`` → ``SoftHinge``."""
    return "".join(word.capitalize() for word in component.split("-"))


def _owner_of(package: str, distribution: str) -> str | None:
    """Who has a package of that name already; a plugin that is installed may be written anew."""
    if package == "tests":
        return "the folder of its tests"
    if iskeyword(package) or package in sys.stdlib_module_names:
        return "part of Python itself"
    if any(source.distribution == distribution and not source.first_party for source in installed()[0]):
        return None
    found = find_spec(package)
    return None if found is None or found.origin is None else f"already installed ({found.origin})"
