"""Hints of critics where a preset builds them: how its ``discriminators`` are written instead of a call."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Mapping
from typing import Any

CALL = re.compile(
    r"""(?:(\w+)=("?[\w.]+"?)\ in\ )?  # an option in front of the call, whose critic is the one at hand
    ganzoo\.build\("discriminator",\ (?:…|"([\w-]+)"(?:,\ spec=spec)?(?:,\ (\w+)=([\w.]+))?)\)""",
    re.VERBOSE,
)
"""How other hints say that a critic is to be built."""


def of_preset(hint: str, critic: str, given: Mapping[str, Any]) -> str:
    """The same hint for :func:`ganzoo.adversary`.

    Args:
        hint: as the component or :func:`ganzoo.build` has it.
        critic: its name among the preset's.
        given: name and options that it was to be built of.
    """

    def written(found: re.Match[str]) -> str:
        option, value, other, last_option, last_value = found.groups()
        option, value = option or last_option, value or last_value
        options = dict(given) if other in (None, given["name"]) else {"name": other}
        if option is not None:
            options[option] = literal_eval(value)
        return "discriminators=" + repr({critic: options}).replace("'", '"')

    return CALL.sub(written, hint)
