"""Modules of installed peers that need torch alone, imported without the ``__init__`` of their package.

Some published packages import torchvision, tensorflow or a web service as soon as they are imported, though what is
compared here is mathematics in one file. The package is then a shell with a path, for as long as the import lasts.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from types import ModuleType

import pytest


def modules_of(
    package: str, *names: str, shells: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> list[ModuleType]:
    """Modules by their names within ``package``; the test file is skipped if the package is not installed.

    Args:
        package: the importable package; only looked for, not run.
        names: what is imported, relative to it.
        shells: sub-packages whose ``__init__`` is not run either.
        without: modules that are not run, though others import names from them: these are ``None``.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip(f"{package} is not installed (pip install --no-deps)", allow_module_level=True)
    (folder,) = spec.submodule_search_locations
    before = set(sys.modules)
    for name in (package, *(f"{package}.{shell}" for shell in shells)):
        shell = ModuleType(name)
        shell.__path__ = ["/".join([folder, *name.split(".")[1:]])]
        sys.modules[name] = shell
    for name in without:
        sys.modules[f"{package}.{name}"] = Absent(f"{package}.{name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [importlib.import_module(f"{package}.{name}") for name in names]
    finally:
        for name in set(sys.modules) - before:
            if name.split(".")[0] == package:
                del sys.modules[name]


class Absent(ModuleType):
    """A module that has every name, and nothing behind it."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)
