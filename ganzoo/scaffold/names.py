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
        ConfigError: it is no name, or its package would hide another one or be hidden by it.
    """
    name = normalized(given)
    if not _DISTRIBUTION.fullmatch(name) or len(name) > LONGEST:
        raise ConfigError(
            "no plugin can be called that",
            given=repr(given),
            allowed=f"letters and digits joined by - _ or ., a letter first, at most {LONGEST} in all",
            hint="ganzoo new-plugin ganzoo-soft-hinge; --out DIR says where it is written",
        )
    if owner := _owner_of(package_name(name), name):
        raise ConfigError(
            f"a plugin called {name} would bring the Python package {package_name(name)}, and that is {owner}",
            given=repr(given),
            allowed="a name that is free",
            hint=f"ganzoo new-plugin {_PREFIX}my-{short_name(name)}",
        )
    return name


def package_name(distribution: str) -> str:
    """``ganzoo-soft-hinge`` → ``ganzoo_soft_hinge``."""
    return distribution.replace("-", "_")


def short_name(distribution: str) -> str:
    """``ganzoo-soft-hinge`` → ``soft-hinge``."""
    return distribution.removeprefix(_PREFIX)


def component_name(given: str, *, kind: str) -> str:
    """``given`` with ``-`` for ``_``.

    Raises:
        ConfigError: records, Python modules or classes cannot bear it.
    """
    name = spelled(given)
    if not is_name(name) or not name[0].isalpha() or len(name) > LONGEST:
        raise ConfigError(
            f"no {kind} can be called that",
            given=repr(given),
            allowed=f"lower-case letters and digits joined by -, a letter first, at most {LONGEST} in all",
            hint="--component soft-hinge",
        )
    for taken in (module_name(name), class_name(name)):
        if iskeyword(taken) or hasattr(builtins, taken):
            raise ConfigError(
                f"no {kind} can be called that: {taken} is a word of Python itself",
                given=repr(given),
                hint=f"--component my-{name}",
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
    return None if found is None or found.origin is None else f"installed already ({found.origin})"
