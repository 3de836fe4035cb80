"""What ganzoo's step is compared with, by name; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ganzoo.did_you_mean import did_you_mean, nearest
from ganzoo.errors import ConfigError

LOOPS = ("plain", "hand", "reused")
"""The plain loop, the careful one, and the plain one whose players share their fakes."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library whose training ganzoo is compared with.

    Attributes:
        package: what is imported.
        install: what pip is given.
        example: where the file of its example is, if that holds the networks and no package does.
    """

    package: str
    install: str
    example: str = ""


# torchgan asks for torchvision, and torch-mimicry for tensorflow: neither is used in a step.
PEERS: Mapping[str, Library] = {
    "torchgan": Library(package="torchgan", install="--no-deps torchgan"),
    "torch-mimicry": Library(package="torch_mimicry", install="--no-deps torch-mimicry"),
    "lightning": Library(
        package="lightning",
        install="lightning",
        example="https://raw.githubusercontent.com/Lightning-AI/pytorch-lightning/2.6.6/examples/pytorch/"
        "domain_templates/generative_adversarial_net.py",
    ),
}
NAMES = (*LOOPS, *PEERS)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which library, and what may be chosen beside it.

    Attributes:
        peer: its name.
        batch: images per batch; that of its example if it is not given.
        example: the file that holds its networks, if its package does not.
    """

    peer: str
    batch: int | None = None
    example: str | None = None


def peer_among(names: Sequence[str]) -> str | None:
    """The library among these names, if there is one.

    Raises:
        ConfigError: nothing of that name can be compared with; or two libraries, each with networks of its own.
    """
    for name in names:
        if name not in NAMES:
            raise ConfigError(
                f"there is nothing called {name!r} to compare with{did_you_mean(name, NAMES)}",
                given=f"--against {name}",
                allowed=", ".join(NAMES),
                hint=f"ganzoo bench --against {nearest(name, NAMES) or 'plain'}",
            )
    peers = [name for name in dict.fromkeys(names) if name in PEERS]
    if len(peers) > 1:
        raise ConfigError(
            f"{' and '.join(peers)} train networks of their own, so each is compared by itself",
            given=" ".join(f"--against {name}" for name in names),
            allowed=f"one of {', '.join(PEERS)}, alone or with {', '.join(LOOPS)}",
            hint=f"ganzoo bench --against {peers[0]}",
        )
    return peers[0] if peers else None


def check_there(asked: Asked) -> None:
    """Raise :class:`ConfigError` if the library is not installed, or its example is needed and missing."""
    peer, example, library = asked.peer, asked.example, PEERS[asked.peer]
    if library.example and (example is None or not Path(example).is_file()):
        raise example_needed(
            f"--against {peer} needs the file of its example, since its package holds no networks",
            asked,
            given="no --example" if example is None else f"--example {example}, which is not a file",
        )
    if not library.example and example is not None:
        raise ConfigError(
            f"{peer} needs no example: its package holds its networks",
            given=f"--example {example}",
            hint=f"ganzoo bench --against {peer}",
        )
    if find_spec(library.package) is None:
        raise library_needed(peer, "is not installed")


def library_needed(peer: str, why: str) -> ConfigError:
    """The error for a library that is not there, with what installs it."""
    return ConfigError(
        f"--against {peer} trains with {peer}, which {why}", hint=f"python -m pip install {PEERS[peer].install}"
    )


def example_needed(message: str, asked: Asked, *, given: str) -> ConfigError:
    """The error for an example that is not there, with what fetches it."""
    address = PEERS[asked.peer].example
    again = f"ganzoo bench --against {asked.peer} --example {address.rpartition('/')[2]}"
    return ConfigError(message, given=given, allowed="--example FILE", hint=f"curl -O {address}\n           {again}")
