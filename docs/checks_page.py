"""Write ``docs/reference/checks.md``: every check of the conformance kit. Called by ``make docs``.

``python docs/checks_page.py --check`` only says whether it is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ganzoo.component import KINDS
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.check import Checked

PAGE = Path(__file__).parent / "reference" / "checks.md"
HEAD = """\
<!-- Made by `make docs` from the checks themselves: change them, not this page. -->

# Checks

What `ganzoo check` and `ganzoo.testing` hold a component to, by kind. Each check cites a sentence of the docstring
that it tests; [Test your plugin](../plugin-guide.md#test-your-plugin) says how to run them. If too many checks do not
apply, the component counts as unchecked.
"""


def page() -> str:
    """The whole page."""
    plurals = {kind.name: kind.plural for kind in KINDS}
    parts = [section(plurals[kind], checked) for kind, checked in CHECKED.items()]
    return "\n".join([HEAD, *parts])


def section(plural: str, checked: Checked) -> str:
    """The table of one kind."""
    lines = [
        f"## {plural.capitalize()}",
        "",
        f"{len(checked.checks)} checks, of which at least {checked.at_least} must run.",
    ]
    lines += ["", "| check | the sentence | of |", "|---|---|---|"]
    for check in checked.checks:
        module, _, name = check.cites.partition(":")
        said = f"{check.meaning} {check.sentence}".strip().replace("``", "`").replace("|", "\\|")
        sentence = re.sub(";$", ".", re.sub(r":(class|meth):", "", said))
        lines.append(f"| `{check.name}` | {sentence} | `{module.removeprefix('ganzoo.')}.{name}` |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page, or with ``--check`` only compare."""
    parser = argparse.ArgumentParser(description="Write docs/reference/checks.md from the checks.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page is out of date")
    wanted = page()
    if parser.parse_args().check:
        there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        sys.exit(0 if there == wanted else "out of date: docs/reference/checks.md; mend it with: make docs")
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
