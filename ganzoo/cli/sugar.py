"""``--loss.margin-real 0.5`` is sugar for ``--set loss.margin_real=0.5``, written out before Typer parses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ganzoo.config import RunConfig, canonical_path, section_name

_DOTTED = re.compile(r"--(?P<path>[a-z]+(?:\.[A-Za-z0-9_/-]+)+)(?:=(?P<value>.*))?", re.DOTALL)


def written_out(arguments: Sequence[str]) -> list[str]:
    """The arguments with every dotted flag as a ``--set``; others stay as they are."""
    return list(_written_out(iter(arguments)))


def _written_out(arguments: Iterator[str]) -> Iterable[str]:
    for argument in arguments:
        found = _DOTTED.fullmatch(argument)
        if argument == "--":
            yield argument
            yield from arguments
        elif found and section_name(found["path"].split(".")[0]) in RunConfig.model_fields:
            value = found["value"] if found["value"] is not None else next(arguments, "")
            yield from ("--set", f"{canonical_path(found['path'])}={value}")
        else:
            yield argument
