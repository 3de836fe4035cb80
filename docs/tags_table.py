"""Write the table of tags into ``docs/plugin-guide.md``. Called by ``make docs``.

``python docs/tags_table.py --check`` only says whether it is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ganzoo.component import NETWORKS, PARTS, TAGS

PAGE = Path(__file__).parent / "plugin-guide.md"
SHORT = {NETWORKS: "networks", PARTS: "any"}
TABLE = re.compile(r"\| tag \| on \| meaning.*?(?=\n\n)", re.DOTALL)


def table() -> str:
    """A row for each tag."""
    lines = ["| tag | on | meaning, and what reads it |", "|---|---|---|"]
    lines += [f"| `{tag.name}` | {SHORT.get(tag.kinds) or ', '.join(tag.kinds)} | {tag.meaning} |" for tag in TAGS]
    return "\n".join(lines)


def main() -> None:
    """Write the table, or with ``--check`` only compare."""
    parser = argparse.ArgumentParser(description="Write the table of tags into docs/plugin-guide.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is out of date")
    there = PAGE.read_text(encoding="utf-8")
    wanted, found = TABLE.subn(lambda _: table(), there)
    if found != 1:
        sys.exit(
            f"docs/plugin-guide.md has {found} tables of tags; one is needed, with the columns of docs/tags_table.py"
        )
    if parser.parse_args().check:
        sys.exit(0 if there == wanted else "out of date: the tags in docs/plugin-guide.md; mend it with: make docs")
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
