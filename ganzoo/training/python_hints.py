"""Hints of components in the words of a loop of one's own, where there is no command line to give options to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ganzoo.errors import GanzooError

FORMS = (
    (r",? ?(?:or )?a dataset of images from: ganzoo list datasets", ""),
    (r"--augment none, or augment=None in a loop of your own", "augment=None"),
    (r"--set '?regularizers\.([\w-]+)\.(\w+)=([a-z][\w-]*)'?", r'regularizers={"\1": {"\2": "\3"}}'),
    (r"--set '?regularizers\.([\w-]+)\.(\w+)=([^\s,;']+)'?", r'regularizers={"\1": {"\2": \3}}'),
    (r"""--set '?augment\.([\w-]+)\.(\w+)=(\[[^\]]*\]|[^\s,;']+)'?""", r'augment={"\1": {"\2": \3}}'),
    (r"--set discriminator\.(\w+)=([a-z]\w*)", r'\1="\2" in ganzoo.build("discriminator", …)'),
    (r"--set discriminator\.(\w+)=([^\s,;]+)", r'\1=\2 in ganzoo.build("discriminator", …)'),
    (r"--set train\.batch_size=(\d+) --set train\.accumulate=1", r"batches of \1 in one part"),
    (r"a larger --batch-size, or a smaller train\.accumulate", "a larger batch, or fewer parts of it"),
    (r"--disc ([a-z][\w-]*)", r'ganzoo.build("discriminator", "\1", spec=spec)'),
    (r"--gen ([a-z][\w-]*)", r'ganzoo.build("generator", "\1", spec=spec)'),
    (r"--loss ([a-z][\w-]*)", r'loss="\1"'),
    (r"--reg none", "regularizers=()"),
    (r"--image-size (\d+)", r"pictures of \1 px per side"),
    (r"--data FOLDER with one sub-folder per class", "a DataSpec with classes and conditional=True"),
)
"""What a hint of a component says to ``ganzoo run`` → what does the same in Python."""


def in_python(hint: str) -> str:
    """A hint without options of the command line; one that has none is as it was."""
    for pattern, written in FORMS:
        hint = re.sub(pattern, written, hint)
    return hint


@contextmanager
def hints_in_python() -> Iterator[None]:
    """Errors of the block, or of a function that this decorates, have hints for Python."""
    try:
        yield
    except GanzooError as error:
        if error.hint is not None:
            error.hint = in_python(error.hint)
        raise
