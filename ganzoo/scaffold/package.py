"""The files of a plugin: templates with the names filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from string import Template
from types import MappingProxyType

from ganzoo.component import FILES
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
        "extractor": "--extractor {}",
        "preset": "",
    }
)
"""Every kind → how ``ganzoo run`` is told to use a component of it; not at all to use a preset."""

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
        said_by: what stands before its name on the command line that asks for it.
    """

    kind: str
    name: str
    wanted_as: str
    said_by: str = field(default="--component ", compare=False)

    @property
    def flag(self) -> str:
        """What makes ``ganzoo run`` use it."""
        return ASKED_FOR_BY[self.kind].format(self.wanted_as)

    @property
    def file(self) -> str:
        """Its file in the package."""
        return f"{self.name}.yaml" if self.kind in FILES else f"{module_name(self.name)}.py"


@dataclass(frozen=True, kw_only=True)
class NewPlugin:
    """A plugin to be written.

    Attributes:
        distribution: its name, normalized.
        parts: its components.
        imported_as: its package, where that is not called as the distribution is.
    """

    distribution: str
    parts: tuple[Part, ...]
    imported_as: str = ""

    @property
    def package(self) -> str:
        """The name by which Python imports it."""
        return self.imported_as or package_name(self.distribution)

    @property
    def run(self) -> str:
        """The command that trains for a moment with its first component of each kind, and first-party ones else."""
        first = {part.kind: part for part in reversed(self.parts)}
        flags = [part.flag for part in self.parts if part.flag and first[part.kind] is part]
        return " ".join(["ganzoo run", *flags, "--steps 100"])

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
            "records": "".join(self.record(part) for part in self.parts),
            "rows": "".join(self.row(part) for part in self.parts),
            "questions": "".join(f"ganzoo info {part.wanted_as} --kind {part.kind}\n" for part in self.parts),
        }
        found = {
            Template(path).substitute(words): _filled(f"plugin/{name}", words) for path, name in _OF_PLUGIN.items()
        }
        of_every_plugin = set(found)
        for part in self.parts:
            for path, text in self.files_of(part):
                if path in found:
                    owner = "every plugin" if path in of_every_plugin else "another component"
                    raise _taken(part, f"{path} is a file of {owner}")
                found[path] = text
        return found

    def row(self, part: Part) -> str:
        """Its row in the table of the README."""
        return _filled("plugin/row.md", self._words(part))

    def record(self, part: Part) -> str:
        """The record that announces a component, as a line of a list."""
        return _filled(f"{part.kind}/record.py", self._words(part))

    def files_of(self, part: Part) -> Iterator[tuple[str, str]]:
        """Path → text of a component and of its test."""
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
        hint=f"{part.said_by}my-{part.name}",
    )
