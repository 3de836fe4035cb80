"""Where a distribution was installed from, and the words that make pip install it again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from urllib.parse import urlsplit, urlunsplit

_NAMES_OF_VARIABLES = re.compile(r"\$\{\w+\}(:\$\{\w+\})?")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What an installer recorded in ``direct_url.json`` (PEP 610). Without a ``url`` it came from a package index.

    Attributes:
        name: normalized name of the distribution.
        version: its version, or ``"unknown"``.
        url: of a repository, an archive or a local folder, as the installer was given it.
        vcs: ``git``, ``hg``, ``bzr`` or ``svn``; empty for an archive or a folder.
        commit: what was checked out of the repository.
        digest: hash of the archive, such as ``sha256=…``.
        subdirectory: where the project stands in the repository or archive.
        editable: whether a local folder is used in place.
    """

    name: str
    version: str
    url: str = ""
    vcs: str = ""
    commit: str = ""
    digest: str = ""
    subdirectory: str = ""
    editable: bool = False

    @property
    def pinned(self) -> str:
        """The line of a requirements file that gives this very version."""
        if self.url:
            return self._direct(f"@{self.commit}" if self.commit else "", self.digest)
        return self.name if self.version == "unknown" else f"{self.name}=={self.version}"

    @property
    def reinstall(self) -> str:
        """The command that installs this very version anew."""
        return f"python -m pip install --force-reinstall --no-deps {self._quoted(self.pinned)}"

    @property
    def upgrade(self) -> str:
        """The command that installs the newest version from the same place."""
        newest = self._direct("", "") if self.url else self.name
        return f"python -m pip install --upgrade {self._quoted(newest)}"

    @property
    def uninstall(self) -> str:
        """The command that removes it."""
        return f"python -m pip uninstall {self.name}"

    def _direct(self, revision: str, digest: str) -> str:
        if self.editable:
            from urllib.request import url2pathname  # here, since it brings all of http with it

            return f"-e {shlex.quote(url2pathname(urlsplit(self.url).path))}"
        subdirectory = f"subdirectory={self.subdirectory}" if self.subdirectory else ""
        fragment = "&".join(filter(None, [digest, subdirectory]))
        scheme = f"{self.vcs}+" if self.vcs else ""
        return f"{self.name} @ {scheme}{self.url}{revision}{'#' if fragment else ''}{fragment}"

    def _quoted(self, line: str) -> str:
        return line if self.editable else shlex.quote(line)


def origin_of(distribution: Distribution, *, name: str, version: str) -> Origin:
    """The origin of an installed distribution; what cannot be read counts as a package index."""
    try:
        record = json.loads(distribution.read_text("direct_url.json") or "{}")
        return _origin(record, name, version) if record else Origin(name=name, version=version)
    except Exception:  # a file that some installer wrote must not stop anything
        return Origin(name=name, version=version)


def _origin(record: Mapping[str, object], name: str, version: str) -> Origin:
    repository = _part(record, "vcs_info")
    archive = _part(record, "archive_info")
    return Origin(
        name=name,
        version=version,
        url=_without_secrets(str(record["url"])),
        vcs=str(repository.get("vcs", "")),
        commit=str(repository.get("commit_id", "")),
        digest=_digest(archive),
        subdirectory=str(record.get("subdirectory") or ""),
        editable=bool(_part(record, "dir_info").get("editable")),
    )


def _without_secrets(url: str) -> str:
    """An address without passwords and tokens: it goes into manifests, which are passed on.

    Installers leave out a password, but keep what stands behind ``?``, as in an address that was signed for one person.
    The user ``git`` is no secret, and neither is the name of a variable.
    """
    scheme, place, path, _, _ = urlsplit(url)
    user, at, host = place.rpartition("@")
    kept = f"{user}{at}{host}" if user == "git" or _NAMES_OF_VARIABLES.fullmatch(user) else host
    return urlunsplit((scheme, kept, path, "", "")) if scheme != "file" else url


def _part(record: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def _digest(archive: Mapping[str, object]) -> str:
    """``sha256=…``, from either form that the specification knows."""
    hashes = _part(archive, "hashes")
    if hashes:
        algorithm = "sha256" if "sha256" in hashes else min(hashes)
        return f"{algorithm}={hashes[algorithm]}"
    return str(archive.get("hash") or "")
