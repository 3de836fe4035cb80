"""``make torture``: every operation on files fails, tears, meets a full disk or is the last, in all that is tortured.

Each case is a line of JSON in a log. What is in it is not done again, so that the whole, which takes hours, can be
stopped and gone on with; a case in which something went wrong is done again, since it was mended meanwhile. Every
second kill of all comes first, so that a part is a fair sample. At the end a table of all cases in the log is printed
for docs/reliability.md, and what went wrong; the exit code says whether anything did.

``--of hinge`` takes those whose name has that word, ``--every 10`` every tenth operation, ``--figures`` prints the
table of the log and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faulty_runs import HERE, outcomes, shim
from tortured import TORTURED

MODES = ("kill", "tear", "fail", "full")
STAGES = ((("kill", 0, 2),), (("kill", 1, 2),), (("tear", 0, 1), ("fail", 0, 1), ("full", 0, 1)))
"""What is met first of all that is tortured: every second kill, then the others, then what fails."""
IN_MEMORY = Path("/dev/shm")

Row = dict[str, Any]


class Log:
    """The cases so far, one to a line; several threads write to it."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._commit = path, threading.Lock(), commit()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows = [json.loads(line) for line in lines if line.endswith("}")]  # the last may be cut off

    def add(self, name: str, row: Row) -> None:
        """Keep a row of a server."""
        full = {"of": name, **row, "commit": self._commit}
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            self.rows.append(full)
            file.write(json.dumps(full) + "\n")

    def cases(self) -> dict[tuple[str, str, str, int], Row]:
        """The newest row of each case."""
        return {
            (row["of"], row["phase"], row["mode"], row["number"]): row for row in self.rows if "operations" not in row
        }

    def done(self, name: str) -> list[tuple[str, str, int]]:
        """Phase, mode and number of the cases of one work that went well."""
        return [key[1:] for key, row in self.cases().items() if key[0] == name and not row["trouble"]]

    def operations(self) -> dict[str, Counter[str]]:
        """How many cases of each mode there are, by what is tortured."""
        found: dict[str, Counter[str]] = {}
        for row in self.rows:
            if "operations" in row:
                kinds = "".join(row["operations"].values())
                found[row["of"]] = Counter(operations=len(kinds), phases=len(row["operations"]))
        return found


def commit() -> str:
    """The commit that is checked out; empty outside a repository."""
    asked = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def figures(log: Log) -> Iterator[str]:
    """The table of the log, in Markdown."""
    yield "| | operations | kills | torn | failed | full disks | went wrong |"
    yield "|---|---|---|---|---|---|---|"
    met, wrong = Counter[tuple[str, str]](), Counter[str]()
    for (name, _, mode, _), row in log.cases().items():
        met[name, mode] += 1
        wrong[name] += bool(row["trouble"])
    counted = log.operations()
    for name, operations in counted.items():
        counts = " | ".join(f"{met[name, mode]:,}" for mode in MODES)
        yield f"| {name} | {operations['operations']:,} | {counts} | {wrong[name]} |"
    totals = " | ".join(f"{sum(met[name, mode] for name in counted):,}" for mode in MODES)
    yield f"| all | {sum(one['operations'] for one in counted.values()):,} | {totals} | {wrong.total()} |"


def meet_all(log: Log, names: Iterable[str], *, every: int, jobs: int) -> None:
    """Meet every case that is not in the log, kills first."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        library = shim(Path(folder))

        def meet(name: str, stage: int) -> None:
            tortured, place = TORTURED[name], Path(folder) / f"{name.replace(', ', '-')}-{stage}"
            cases = [
                (mode, first + apart * (MODES.index(mode) % every), apart * every)
                for mode, first, apart in STAGES[stage]
            ]
            for row in outcomes(
                place, library, work=tortured.work, settings=tortured.settings, cases=cases, done=log.done(name)
            ):
                log.add(name, row)

        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(meet, name, stage) for stage in range(len(STAGES)) for name in names]
            for one in waiting:
                one.result()


def main() -> int:
    """Meet the cases that were asked for; 1 if any in the log went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", default="", help="a word of the names of what is tortured")
    parser.add_argument("--every", type=int, default=1, help="every how many-th operation")
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    parser.add_argument("--log", type=Path, default=Path("torture.jsonl"), help="where cases are kept")
    parser.add_argument("--figures", action="store_true", help="print the figures of the log, and do nothing else")
    asked = parser.parse_args()
    log = Log(asked.log)
    if not asked.figures:
        meet_all(log, [name for name in TORTURED if asked.of in name], every=asked.every, jobs=asked.jobs)
    print("\n".join(figures(log)))
    troubles = [row for row in log.cases().values() if row["trouble"]]
    print("\n".join(f"{row['of']}: {row}" for row in troubles), file=sys.stderr)
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
