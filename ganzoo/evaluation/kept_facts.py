"""What follows from real features, in a folder for this evaluation and all that come later."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganzoo.errors import ResourceError
from ganzoo.files import whole_file
from ganzoo.protocols import FeatureFacts

logger = logging.getLogger("ganzoo")

DIGEST = "digest"
"""What a file says of its own content: a flipped bit would make a number wrong that nothing else looks at."""


class KeptFacts(MutableMapping[str, Tensor]):
    """Name → fact, a file each in a folder that belongs to one matrix of features.

    A file that is damaged, or of another fact, is as if it were not there. Facts are read whenever they are asked for:
    a covariance takes 32 MiB at 2,048 features, and each floor has its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """The fact. Raises :class:`KeyError` if nobody found it yet."""
        return self._unwritten[name] if name in self._unwritten else _read(self._place(name), name)

    def __setitem__(self, name: str, fact: Tensor) -> None:
        """Keep it. Where it cannot be written it is kept in memory alone: it can be found again."""
        content = {"name": name, DIGEST: _digest(fact)}
        try:
            with whole_file(self._place(name), place="GANZOO_CACHE") as beside:
                save_file({"fact": fact.contiguous()}, beside, metadata=content)
        except ResourceError as error:
            self._unwritten[name] = fact
            logger.warning("what was found out about real features is not kept for next time: %s", error)

    def __delitem__(self, name: str) -> None:
        """Forget it, in the folder too. Raises :class:`KeyError` if nobody found it yet."""
        self[name]  # looks for it
        self._unwritten.pop(name, None)
        self._place(name).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        """Names of those that are in memory, since they could not be written."""
        return iter(self._unwritten)

    def __len__(self) -> int:
        """How many these are."""
        return len(self._unwritten)

    def _place(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.safetensors"


def _read(path: Path, name: str) -> Tensor:
    try:
        with safe_open(path, framework="pt") as file:
            said, fact = file.metadata() or {}, file.get_tensor("fact")
    except (OSError, SafetensorError) as error:
        raise KeyError(name) from error
    if said.get("name") != name or said.get(DIGEST) != _digest(fact):
        raise KeyError(name)
    # A copy begins at an address like those of all tensors. In the file it does not, and sums then differ in rounding.
    found: Tensor = fact.clone()
    return found


def _digest(fact: Tensor) -> str:
    return FeatureFacts(of=fact, found={}).digest
