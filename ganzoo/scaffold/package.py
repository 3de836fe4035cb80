"""The files of a plugin: templates with the names filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from string import Template
from types import MappingProxyType

from ganzoo.errors import ConfigError
from ganzoo.registry import FIRST_PARTY
from ganzoo.scaffold.names import class_name, module_name, package_name

ASKED_FOR_BY: Mapping[str, str] = MappingProxyType(
    {
        "loss": "--loss {}",
        "discriminator": "--disc {}",
        "generator": "--gen {}",
        "regularizer": "--reg {}",
        "augmentation": "--augment {}",
        "dataset": "--data {}",
        "metric": "--set metrics={}",
        "recipe": "--config {}",
        "tracker": "--tracker {}",
    }
)
"""The kinds that have a template → how ``ganzoo run`` is told to use a component of it."""

_OF_PLUGIN = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "ci.yml",
    "$package/__init__.py": "init.py",
    "tests/test_conformance.py": "test_conformance.py",
}
_OF_PART = {"tests/test_$module.py": "test.py"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A component to be written.

    Attributes:
        kind: canonical, one of :data:`ASKED_FOR_BY`.
        name: as components are named.
        wanted_as: the shortest name that means it: its own, or the qualified one.
    """

    kind: str
    name: str
    wanted_as: str

    @property
    def flag(self) -> str:
        """What makes ``ganzoo run`` use it."""
        return ASKED_FOR_BY[self.kind].format(self.wanted_as)

    @property
    def file(self) -> str:
        """Its file in the package."""
        return f"{self.name}.yaml" if self.kind == "recipe" else f"{module_name(self.name)}.py"


@dataclass(frozen=True, kw_only=True)
class NewPlugin:
    """A plugin to be written: the name of its distribution, normalized, and its components."""

    distribution: str
    parts: tuple[Part, ...]

    @property
    def package(self) -> str:
        """The name by which Python imports it."""
        return package_name(self.distribution)

    @property
    def run(self) -> str:
        """The command that trains for a moment with all its components, and first-party ones for the rest."""
        return f"ganzoo run {' '.join(part.flag for part in self.parts)} --steps 100"

    def files(self) -> dict[str, str]:
        """Path within the plugin's folder → text.

        Raises:
            ConfigError: the name of a component stands for something else in its file.
        """
        words = {
            "distribution": self.distribution,
            "package": self.package,
            "ganzoo": version(FIRST_PARTY),
            "names": ", ".join(part.name for part in self.parts),
            "run": self.run,
            "records": "".join(_filled(f"{part.kind}/record.py", self._words(part)) for part in self.parts),
            "rows": "".join(_filled("plugin/row.md", self._words(part)) for part in self.parts),
            "questions": "".join(f"ganzoo info {part.wanted_as} --kind {part.kind}\n" for part in self.parts),
        }
        found = {
            Template(path).substitute(words): _filled(f"plugin/{name}", words) for path, name in _OF_PLUGIN.items()
        }
        for part in self.parts:
            for path, text in self._files_of(part):
                if path in found:
                    raise _taken(part, f"{path} is a file of every plugin")
                found[path] = text
        return found

    def _files_of(self, part: Part) -> Iterator[tuple[str, str]]:
        words = self._words(part)
        component = _filled(f"{part.kind}/component{part.file[part.file.rindex('.') :]}", words)
        imported = (line for line in component.splitlines() if " import " in f" {line}")
        if any(words["Class"] in line.replace(",", " ").split() for line in imported):
            raise _taken(part, f"its file already imports a different {words['Class']}")
        yield f"{self.package}/{part.file}", component
        for path, name in _OF_PART.items():
            yield Template(path).substitute(words), _filled(f"{part.kind}/{name}", words)

    def _words(self, part: Part) -> dict[str, str]:
        return {
            "distribution": self.distribution,
            "package": self.package,
            "kind": part.kind,
            "component": part.name,
            "module": module_name(part.name),
            "Class": class_name(part.name),
            "file": part.file,
        }


def _filled(name: str, words: Mapping[str, str]) -> str:
    text = files("ganzoo.scaffold").joinpath("templates", f"{name}.template").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _taken(part: Part, reason: str) -> ConfigError:
    return ConfigError(
        f"this {part.kind} cannot be called {part.name}: {reason}",
        given=repr(part.name),
        hint=f"--component my-{part.name}",
    )
