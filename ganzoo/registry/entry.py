"""A component and who provides it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.resources
import importlib.util
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from ganzoo.component import FILES, Component
from ganzoo.errors import ConfigError, GanzooError, PluginError
from ganzoo.registry.discovery import FIRST_PARTY
from ganzoo.registry.origin import Origin
from ganzoo.registry.problem import one_line
from ganzoo.registry.undisturbed import undisturbed

if TYPE_CHECKING:
    from ganzoo.options import Options

logger = logging.getLogger("ganzoo")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A component as the registry knows it.

    Attributes:
        component: the record its plugin returned.
        distribution: normalized name of the distribution that provides it.
        version: that distribution's version.
        entry_point: name of the entry point that announced it.
        origin: where that distribution was installed from; ``None`` counts as a package index.
    """

    component: Component
    distribution: str
    version: str
    entry_point: str
    origin: Origin | None = None
    _said: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def kind(self) -> str:
        """The canonical name of the component's kind."""
        return self.component.kind

    @property
    def name(self) -> str:
        """The component's own name, which another component of its kind may share."""
        return self.component.name

    @property
    def qualified(self) -> str:
        """``distribution/name``: means this component whatever else is installed."""
        return f"{self.distribution}/{self.name}"

    @property
    def provider(self) -> str:
        """Distribution and version."""
        return f"{self.distribution} {self.version}"

    @property
    def first_party(self) -> bool:
        """Whether ganzoo itself provides it."""
        return self.distribution == FIRST_PARTY

    @property
    def reinstall(self) -> str:
        """The command that installs its distribution anew, from where it came."""
        return (self.origin or Origin(name=self.distribution, version=self.version)).reinstall

    @property
    def requirement(self) -> str:
        """What to give to pip for this version of its distribution, from where it came."""
        return (self.origin or Origin(name=self.distribution, version=self.version)).pinned

    def warn_once(self, message: str) -> None:
        """Log a warning, unless it was said of this component before since the plugins were loaded."""
        if message not in self._said:
            self._said.add(message)
            logger.warning("%s", message)

    def missing(self) -> tuple[str, ...]:
        """The optional packages it requires that cannot be imported, by import name."""
        return tuple(name for name in self.component.requires if not _importable(name))

    def installation(self) -> str:
        """The command that installs what :meth:`missing` names."""
        if self.component.install is not None:
            return f"python -m pip install '{self.component.install}'"
        return f"python -m pip install {' '.join(self.missing())}  # import names; the package name may differ"

    def options(self) -> type[Options]:
        """The options class; imports the component's module, and torch with it.

        Raises:
            ConfigError: a file has no options.
            PluginError: a required package is missing, the import fails, or the target is not an options class.
        """
        if self.kind in FILES:
            raise ConfigError(f"{self.kind} {self.name!r} is a configuration file and has no options of its own")
        self._demand_requirements()
        module, _, path = self.component.target.partition(":")
        with undisturbed() as disturbed, self.blamed(f"cannot be loaded from {self.component.target!r}"):
            target: object = reduce(getattr, path.split("."), importlib.import_module(module))
        if disturbed:
            logger.warning(
                "importing %s %s of %s changes %s for the whole process; put back",
                self.kind,
                self.name,
                self.provider,
                ", ".join(disturbed),
            )
        from ganzoo.options import BASES, Options  # here, since a list needs no pydantic

        base = BASES.get(self.kind, Options)
        if not (isinstance(target, type) and issubclass(target, base)):
            reason = f"{self.component.target!r} is not a subclass of ganzoo.component.{base.__name__}"
            raise self._unusable(f"is broken: {reason}")
        return target

    def file_text(self) -> str:
        """The YAML text of a recipe or a preset.

        Raises:
            ConfigError: this is neither.
            PluginError: its package or its file cannot be read.
        """
        if self.kind not in FILES:
            raise ConfigError(
                f"{self.kind} {self.name!r} is not a {' or a '.join(FILES)}",
                hint="ganzoo list recipes",
            )
        package, _, path = self.component.target.partition(":")
        with self.blamed(f"cannot be loaded from {self.component.target!r}"):
            return importlib.resources.files(package).joinpath(path).read_text(encoding="utf-8")

    @contextlib.contextmanager
    def blamed(self, fault: str) -> Iterator[None]:
        """Run the component's code: what it raises becomes a :class:`PluginError` that names the component.

        Errors of ganzoo's own tree pass, for they say more; so does an interrupt.
        """
        try:
            yield
        except (GanzooError, KeyboardInterrupt):
            raise
        except BaseException as error:  # sys.exit() in a plugin must not end ganzoo
            raise self._unusable(f"{fault}: {one_line(error)}") from error

    def _demand_requirements(self) -> None:
        if missing := self.missing():
            raise PluginError(
                f"{self.kind} {self.name!r} of {self.provider} needs {', '.join(missing)}, which is not installed",
                hint=self.installation(),
            )

    def _unusable(self, fault: str) -> PluginError:
        return PluginError(
            f"{self.kind} {self.name!r} of {self.provider} {fault}",
            hint=f"{self.reinstall}, or report this to its authors",
        )


def _importable(name: str) -> bool:
    top, _, _ = name.partition(".")
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
