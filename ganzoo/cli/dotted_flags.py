"""``--loss.margin-real 0.5`` is short for ``--set loss.margin_real=0.5``, written out before Typer parses."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence

COMMANDS = ("run", "resume", "matrix", "data", "evaluate", "bench")
_DOTTED = re.compile(r"--(?P<path>[a-z]+(?:\.[A-Za-z0-9_/-]+)+)(?:=(?P<value>.*))?", re.DOTALL)


def written_out(arguments: Sequence[str]) -> list[str]:
    """The arguments with every dotted flag as a ``--set``; others, and those of other commands, stay as they are."""
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    return list(_written_out(deque(arguments))) if command in COMMANDS else list(arguments)


def _written_out(arguments: deque[str]) -> Iterable[str]:
    while arguments:
        argument = arguments.popleft()
        found = _DOTTED.fullmatch(argument)
        if argument == "--":
            yield argument
            yield from arguments
            return
        elif found and _has_options(found["path"].split(".")[0]):
            from ganzoo.config.layers import canonical_path

            value = found["value"] if found["value"] is not None else _following(arguments)
            # Without a value it stays as it is, and the command says what is missing.
            yield from [argument] if value is None else ("--set", f"{canonical_path(found['path'])}={value}")
        else:
            yield argument


def is_dotted(argument: str, command: str) -> bool:
    """Whether a command reads the argument as such a flag."""
    found = _DOTTED.fullmatch(argument)
    return command in COMMANDS and found is not None and _has_options(found["path"].split(".")[0])


def _following(arguments: deque[str]) -> str | None:
    """The value after a flag. The next flag is none: ``--disc.norm --dry-run`` must not train."""
    return arguments.popleft() if arguments and not arguments[0].startswith("--") else None


def _has_options(word: str) -> bool:
    from ganzoo.component import TRACKER
    from ganzoo.config.layers import section_name
    from ganzoo.config.schema import RunConfig

    return section_name(word) in RunConfig.model_fields or TRACKER.answers_to(word)
