"""ganzoo beside every other library that is installed, in one table: one ``ganzoo bench`` for each.

    pip install --no-deps torchgan torch-mimicry && pip install lightning
    OMP_NUM_THREADS=1 python examples/benchmarks/peers.py --clock cpu --example generative_adversarial_net.py

Each library trains its own networks with its own loop, at the settings of its own example, and ganzoo trains the same
networks: see ``ganzoo bench --help``. What cannot be compared is left out, and the reason printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.benchmarking.names import PEERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--example", metavar="FILE", help="of Lightning, which ships its example with its sources alone"
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    found = {}
    for name in given.peers:
        asked = ["--rounds", str(given.rounds), "--clock", given.clock]
        asked += ["--example", given.example] if PEERS[name].example and given.example else []
        figures = measured(name, asked)
        if figures is not None:
            found[name] = figures
    if not found:
        raise SystemExit("nothing could be compared: see above what each library needs")
    print(json.dumps(found, indent=1) if given.json else table(found))


def measured(name: str, asked: Sequence[str]) -> dict[str, Any] | None:
    """What ``ganzoo bench`` found, or ``None`` after it has said why it found nothing."""
    command = [sys.executable, "-m", "ganzoo", "bench", "--against", name, *asked, "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found: dict[str, Any] | None = json.loads(answer.stdout) if answer.returncode == 0 else None
    return found


def table(found: Mapping[str, Any]) -> str:
    """For people."""
    lines = [
        "| | batch | ms per step | ganzoo, ms | ratio | of least times | GFLOP | ganzoo, GFLOP |",
        "|---" * 8 + "|",
    ]
    for name, figures in found.items():
        sides, ratio = [figures["contestants"][who] for who in (name, "ganzoo")], figures["ratios"][name]
        times = " | ".join(quartiles(side["seconds_per_step"], 1e3, ".1f") for side in sides)
        operations = " | ".join(f"{side['gflop_per_step']:.3g}" for side in sides)
        lines.append(
            f"| {name} | {figures['settings']['batch_size']} | {times} | {quartiles(ratio, 1, '.2f')} "
            f"| {ratio['of_least_seconds']:.2f} | {operations} |"
        )
    return "\n".join(lines)


def quartiles(values: Mapping[str, float], unit: float, digits: str) -> str:
    """The median, and the quartiles in brackets."""
    median, lower, upper = (
        f"{values[name] * unit:{digits}}" for name in ("median", "lower_quartile", "upper_quartile")
    )
    return f"{median} ({lower}–{upper})"


if __name__ == "__main__":
    main()
