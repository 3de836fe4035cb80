"""Processor time until ganzoo has answered: without third-party plugins and with 50 light ones, in new processes.

    python examples/benchmarks/startup.py --rounds 20

The plugins are written to a temporary folder as pip would leave them: a distribution each, with one loss whose class
stands in a module of its own, as the plugin guide advises. In a round every question is asked without them, then with
them; a ratio compares two answers of one round, so that whatever else the machine does hits both: those with and
without plugins, or one and the time that typer and pydantic take to be imported ("of the libraries"). Processor time
is what one waits for on an idle core, and beside other work stays nearly what it is. A first round is not counted: in
it Python compiles the modules that pip has not compiled. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

Ask = Callable[[], float]
PLUGINS = 50
QUESTIONS = ("ganzoo --version", "ganzoo --help", "ganzoo run --help", "ganzoo list", "ganzoo list losses --json")
LIBRARIES = "python -c 'import typer, pydantic'"
YARDSTICKS = ("python -c pass", LIBRARIES, "python -c 'import torch'")

TOP_MODULE = '''\
"""What the plugin provides; importing it imports neither torch nor the loss."""

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [Component(kind="loss", name="{name}", target="{module}.loss:Light", summary="a light loss")]
'''

LOSS = '''\
"""Wasserstein's objective, the shortest one."""

from ganzoo.component import Options


class Light(Options):
    def discriminator_loss(self, *, real, fake):
        return fake.mean() - real.mean()

    def generator_loss(self, *, fake):
        return -fake.mean()
'''


def install(folder: Path, number: int) -> list[str]:
    """Write that many plugins into the folder; returns the names of their losses, which are also their modules'."""
    names = [f"light-{one:02}" for one in range(1, number + 1)]
    for name in names:
        module = name.replace("-", "_")
        (folder / module).mkdir(parents=True)
        (folder / module / "__init__.py").write_text(TOP_MODULE.format(name=name, module=module), encoding="utf-8")
        (folder / module / "loss.py").write_text(LOSS, encoding="utf-8")
        metadata = folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (metadata / "entry_points.txt").write_text(f"[ganzoo]\nmain = {module}\n", encoding="utf-8")
    return names


def environment(folder: Path) -> dict[str, str]:
    """The present environment with the folder on the path, where Python keeps what it compiles and all is loaded."""
    switches = {"PYTHONDONTWRITEBYTECODE", "GANZOO_PLUGINS", "GANZOO_DISABLE_PLUGINS"}
    kept = {name: value for name, value in os.environ.items() if name not in switches}
    path = os.pathsep.join(filter(None, [str(folder), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path}


def seconds_of(question: str, environ: dict[str, str]) -> float:
    """Processor time, of user and system, that a new process takes to answer."""
    program, *arguments = shlex.split(question)
    command = [sys.executable, *(["-m", "ganzoo"] if program == "ganzoo" else []), *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure(ask: dict[str, list[Ask]], *, rounds: int, warmup: int) -> dict[str, list[list[float]]]:
    """Question → seconds of every round, in the order of its ways of asking."""
    taken: dict[str, list[list[float]]] = {question: [] for question in ask}
    for number in range(warmup + rounds):
        for question, ways in ask.items():
            seconds = [way() for way in ways]
            if number >= warmup:
                taken[question].append(seconds)
    return taken


def asked(without: dict[str, str], beside: dict[str, str]) -> dict[str, list[Ask]]:
    """Every question without plugins and with them, the yardsticks once."""
    both = {
        question: [partial(seconds_of, question, environ) for environ in (without, beside)] for question in QUESTIONS
    }
    return both | {question: [partial(seconds_of, question, without)] for question in YARDSTICKS}


def summarize(taken: dict[str, list[list[float]]]) -> list[dict[str, Any]]:
    """A row a question: median milliseconds of each column, and median and range of the ratios within rounds.

    One ratio is that of both columns, the other that of the first one to what the libraries take by themselves.
    """
    libraries = taken[LIBRARIES]
    return [
        {
            "question": question,
            "milliseconds": [1000 * statistics.median(column) for column in zip(*rounds, strict=True)],
            "of_libraries": ratio_of([[one[0], other[0]] for one, other in zip(libraries, rounds, strict=True)]),
            "ratio": ratio_of(rounds) if len(rounds[0]) > 1 else None,
        }
        for question, rounds in taken.items()
    ]


def ratio_of(rounds: list[list[float]]) -> dict[str, float]:
    ratios = [beside / without for without, beside in rounds]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def machine() -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "ganzoo": version("ganzoo"),
    }


def shown(ratio: dict[str, float] | None) -> str:
    return "{median:.2f} ({min:.2f}–{max:.2f})".format_map(ratio) if ratio else "–"


def table(rows: list[dict[str, Any]], *, plugins: int) -> str:
    lines = [
        f"| question | no plugin, ms | of the libraries | {plugins} plugins, ms | ratio (range) |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        without, *beside = (f"{milliseconds:.0f}" for milliseconds in row["milliseconds"])
        cells = [f"`{row['question']}`", without, shown(row["of_libraries"]), *(beside or ["–"]), shown(row["ratio"])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show(result: dict[str, Any]) -> None:
    host = result["machine"]
    print("{processor}, {cores} cores, Python {python}, torch {torch}, ganzoo {ganzoo}".format_map(host))
    print("milliseconds of processor time, medians of {rounds} rounds\n".format_map(result["settings"]))
    print(table(result["rows"], plugins=result["settings"]["plugins"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often each question is asked both ways")
    parser.add_argument("--warmup", type=int, default=1, help="rounds before those, which are not counted")
    parser.add_argument("--plugins", type=int, default=PLUGINS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        without, beside = Path(folder) / "without", Path(folder) / "beside"
        install(beside, arguments.plugins)
        taken = measure(
            asked(environment(without), environment(beside)), rounds=arguments.rounds, warmup=arguments.warmup
        )
    settings = {"plugins": arguments.plugins, "rounds": arguments.rounds}
    result = {"machine": machine(), "settings": settings, "rows": summarize(taken)}
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
