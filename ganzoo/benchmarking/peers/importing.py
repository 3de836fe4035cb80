"""Import other libraries without what they need for anything but a step."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from ganzoo.benchmarking.names import PEERS, Asked, example_needed, library_needed
from ganzoo.errors import ConfigError


def modules_of(peer: str, *names: str, hollow: bool = False, pretended: str | None = None) -> list[ModuleType]:
    """Modules of a library's package.

    Args:
        peer: the library.
        names: of modules within its package.
        hollow: leave out what the package itself imports, such as metrics in tensorflow.
        pretended: a package that they import, and use for pictures alone; where it is missing, an empty one will do.

    Raises:
        ConfigError: one of them cannot be imported.
    """
    package = PEERS[peer].package
    around: AbstractContextManager[None] = _hollow(package) if hollow else nullcontext()
    with _explained(partial(library_needed, peer)), _pretended(pretended), around:
        return [import_module(f"{package}.{name}") for name in names]


def class_of_example(asked: Asked, name: str) -> Any:
    """A class that the file of a library's example has.

    Raises:
        ConfigError: the file cannot be imported, or does not have it.
    """
    assert asked.example is not None
    with _explained(
        lambda why: example_needed(f"the example of {asked.peer} {why}", asked, given=f"--example {asked.example}")
    ):
        spec = spec_from_file_location(f"example_of_{asked.peer}", asked.example)
        if spec is None or spec.loader is None:
            raise ImportError("its name does not end in .py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)


@contextmanager
def _explained(error_for: Callable[[str], ConfigError]) -> Iterator[None]:
    """Errors in words, and no warnings: they are of interest to those who use the library itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # whatever code of others may raise, such as a library older than torch
        raise error_for(f"cannot be imported: {type(error).__name__}: {error}") from error


@contextmanager
def _pretended(name: str | None) -> Iterator[None]:
    if name is None or find_spec(name) is not None:
        yield
        return
    sys.modules[name] = _Nothing(name)
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _hollow(package: str) -> Iterator[None]:
    found = find_spec(package)
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}")
    sys.modules[package] = module = ModuleType(package)
    module.__path__ = list(found.submodule_search_locations)
    try:
        yield
    finally:
        del sys.modules[package]


class _Nothing(ModuleType):
    """A module with every name, and nothing behind it."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)
