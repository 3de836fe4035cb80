"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
"""Followed from top to bottom, each in an environment of its own: see test_tutorials.py."""
OTHERS = [page for page in PAGES if page not in TUTORIALS]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``file`` is the name it is to be saved under, if it says one."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str, pages: list[Path] = OTHERS) -> list[Block]:
    return [block for page in pages for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path) -> list[Block]:
    content = page.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", content, re.DOTALL | re.MULTILINE):
        above = content[: match.start()].rstrip().rpartition("\n")[2]
        named = re.match(r"# ([\w./-]+\.(?:py|yaml))\n", match[2]) or re.search(r"`([\w/-]+\.(?:py|toml))`:$", above)
        line = content[: match.start()].count("\n") + 1
        found.append(Block(page, line, match[1], match[2], named[1] if named else None))
    return found
