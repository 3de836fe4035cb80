"""What the scripts that write pages share: tables, blocks, words that Markdown leaves alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ganzoo.catalog.patch_map import patch_maps
from ganzoo.registry import Entry

__all__ = ["fenced", "judges_patches", "linked", "table", "text"]


def judges_patches(entry: Entry) -> bool:
    """Whether the logits of a discriminator are of patches that are smaller than the whole image."""
    if "patch" not in entry.component.tags:
        return False
    [one] = patch_maps(entry.options()(), sides=(64,))
    return one.receptive_field is not None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def fenced(content: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{content.rstrip()}\n```"


def text(words: str) -> str:
    """Words in which Markdown sees no markup, except for code in backticks."""
    parts = re.split(r"(``.+?``|`.+?`)", words)
    return "".join(
        part.replace("``", "`") if number % 2 else re.sub(r"([*\[\]])", r"\\\1", part).replace("<", "&lt;")
        for number, part in enumerate(parts)
    )


def linked(words: str) -> str:
    """Words in which arXiv numbers and DOIs are links."""
    words = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", words)
    return re.sub(r"doi:(10\.[^\s,;]*[\w)])", r"[doi:\1](https://doi.org/\1)", words)
