"""Channels of one picture in a file each, as in the Human Protein Atlas: noticed by their names, not joined.

Microscopes and satellites write ``ID_red.png`` to ``ID_yellow.png``, ``…_w1.tif``, ``…_B02.tif``. Read one by one they
are several times as many pictures, each of a part of what a network should see together. That every picture has the
same channels tells them from a ``rose_red.jpg``.
"""

from __future__ import annotations

import logging
import re
import shlex
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ganzoo_datasets.files.layouts.placed import Placed

logger = logging.getLogger("ganzoo")

_CHANNEL = re.compile(
    r"(?P<picture>.+)(?P<mark>[\s_.-])"
    r"(?P<channel>red|green|blue|yellow|cyan|magenta|nir|swir\d?|dapi|hoechst|fitc|tritc|[egrycb]fp|mcherry|cy\d|"
    r"w\d|b\d\d|ch\d{1,2}|channel\d{1,2})",
    re.IGNORECASE,
)


def warn_of_channels(place: Path, placed: Sequence[Placed]) -> None:
    """Say that files which are channels of one picture are read as pictures of their own."""
    channels: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in placed:
        if (found := _CHANNEL.fullmatch(one.name.rpartition(".")[0])) is None:
            return
        channels[found["picture"]][found["channel"]] = f"*{found['mark']}{found['channel']}.*"
    kinds = {frozenset(patterns) for patterns in channels.values()}
    if len(kinds) != 1 or len(channels) < 2 or len(next(iter(kinds))) < 2:
        return
    patterns = next(iter(channels.values()))
    first, *others = sorted(patterns)
    logger.warning(
        "%s: the %s pictures look like %s pictures in %s files each, one for every channel (%s), and each file is read "
        "as a picture of its own; join the channels of a picture into one file first, as docs/data.md shows, or read "
        "%s alone with --set data.exclude=%s; --set data.layout=folders says that every file is meant",
        place,
        f"{len(placed):,}",
        f"{len(channels):,}",
        len(patterns),
        ", ".join([first, *others]),
        first,
        shlex.quote(",".join(patterns[other] for other in others)),
    )
