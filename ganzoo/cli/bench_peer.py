"""What may be asked for where ``ganzoo bench`` compares with a library, which brings its networks and settings."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ConfigError
from ganzoo.files import expanded

if TYPE_CHECKING:
    from ganzoo.benchmarking.names import Asked

BESIDE = ("--against", "--example", "--batch", "--rounds", "--clock", "--json")


def peer_asked_for(ctx: Any, rivals: Sequence[str], batch: int | None, example: Path | None) -> Asked | None:
    """The library among the names, if there is one, with what may be chosen beside it.

    Raises:
        ConfigError: a name that does not exist, two libraries, one that is not there, or options that choose what the
            library has chosen.
    """
    from ganzoo.benchmarking.names import Asked, check_there, peer_among

    peer = peer_among(rivals)
    if peer is not None:
        _refuse_choices(ctx, peer)
        asked = Asked(peer=peer, batch=batch, example=None if example is None else str(expanded(example)))
        check_there(asked)
        return asked
    if example is not None:
        raise ConfigError(
            "--example is the file of a library's example, and no library is compared with",
            given=f"--example {example}",
            hint=f"ganzoo bench --against lightning --example {shlex.quote(str(example))}",
        )
    return None


def _refuse_choices(ctx: Any, peer: str) -> None:
    given = list(_given(ctx))
    refused = [words for name, words in given if name not in BESIDE]
    if refused:
        again = " ".join(["ganzoo bench", *(words for name, words in given if name in BESIDE)])
        raise ConfigError(
            f"{peer} trains networks of its own at the settings of its example: nothing else can be chosen beside it",
            given=" ".join(refused),
            allowed=", ".join(BESIDE),
            hint=again,
        )


def _given(ctx: Any) -> Iterator[tuple[str, str]]:
    """Each option on the command line, with its value as it could be written."""
    for param in ctx.command.params:
        if ctx.get_parameter_source(param.name).name == "COMMANDLINE":
            name, value = param.opts[0], ctx.params[param.name]
            for one in value if isinstance(value, list | tuple) else [value]:
                yield name, name if one is True else f"{name} {shlex.quote(str(one))}"
