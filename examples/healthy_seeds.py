"""Does ganzoo cry wolf? The health of runs that nothing is wrong with: ten seeds of the default run, and other losses.

    python examples/healthy_seeds.py                # what is done is not done again

Each run is `ganzoo run --loss LOSS --disc patchgan-sn`, shorter. Rows and looks at samples
are closer together, so that every verdict can come: a swing is sought in 60 rows, so 300 steps have one. Any
verdict is a false alarm. Writes docs/figures/health.md; exits 1 if there was one. Finished runs in --out are judged
again with the thresholds of today.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Beside other work: a second thread costs more than it gives.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ganzoo
from ganzoo.runs.listing import run_number

FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "health.md"
DEFAULT, OTHERS = "hinge", ("lsgan", "bce")
TRAIN = {"log_every": 5, "sample_every": 50, "checkpoint_every": 1_000_000}


def main() -> None:
    options = asked()
    jobs = [(options.loss, seed) for seed in range(options.seeds)]
    jobs += [(loss, seed) for loss in options.others for seed in range(options.other_seeds)]
    rows = []
    for loss, seed in jobs:
        rows.append(row(loss, seed, trained(loss, seed, options.steps, options.out)))
        print(rows[-1], flush=True)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page(rows, options), encoding="utf-8")
    print(f"written to {options.figures}")
    sys.exit(1 if any(not line.endswith("| none |") for line in rows) else 0)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", default=DEFAULT)
    parser.add_argument("--seeds", type=int, default=10, help="how many of it, from 0")
    parser.add_argument("--others", nargs="*", default=list(OTHERS), help="other losses")
    parser.add_argument("--other-seeds", type=int, default=3, help="how many of each of them, from 0")
    parser.add_argument("--steps", type=int, default=300, help="generator steps of each run")
    parser.add_argument("--out", type=Path, default=Path("runs-health"), help="folder of the runs")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    return parser.parse_args()


def trained(loss: str, seed: int, steps: int, out: Path) -> ganzoo.Run:
    """One run, or what is there of it from before."""
    place = out / f"{loss}-{steps}-{seed}"
    done = [path for path in place.glob("*") if run_number(path) and list(path.glob("checkpoints/*"))]
    if done:
        return ganzoo.load_run(done[0])
    config = {"loss": loss, "discriminator": "patchgan-sn", "seed": seed, "train": {**TRAIN, "steps": steps}}
    return ganzoo.run(config, out=place)


def row(loss: str, seed: int, run: ganzoo.Run) -> str:
    last = [row for row in run.metrics() if "samples/copies" in row][-1]
    said = "; ".join(str(verdict) for verdict in run.health()) or "none"
    shown = " | ".join(f"{last[name]:.2f}" for name in ("samples/diversity", "samples/copies", "samples/copies_real"))
    return f"| {loss} | {seed} | {shown} | {said} |"


def page(rows: list[str], options: argparse.Namespace) -> str:
    alarms = sum(not line.endswith("| none |") for line in rows)
    lines = [
        "# Health of runs that nothing is wrong with",
        "",
        f"Made by `python examples/healthy_seeds.py`{given(options)}; do not edit.",
        "",
        f"- each run: `patchgan-sn` on the digits at 32×32 and otherwise the defaults, {options.steps} steps, with a",
        f"  row every {TRAIN['log_every']} steps and a look at the samples every {TRAIN['sample_every']}",
        "- a swing is sought in 60 rows, so that 300 steps have a single look for it",
        "- diversity and copies: of the last look, as in the columns `samples/diversity`, `samples/copies` and",
        "  `samples/copies_real` of `metrics.jsonl`",
        "",
        "| loss | seed | diversity | copies | copies among real | verdicts |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"{alarms or 'No'} false {'alarm' if alarms == 1 else 'alarms'} in {several(rows)}.",
        "",
    ]
    return "\n".join(lines)


def several(rows: list[str]) -> str:
    return "1 run" if len(rows) == 1 else f"{len(rows)} runs"


def given(options: argparse.Namespace) -> str:
    """What was asked for beside the defaults."""
    words = {"--seeds": (options.seeds, 10), "--steps": (options.steps, 300), "--other-seeds": (options.other_seeds, 3)}
    text = "".join(f" {flag} {value}" for flag, (value, usual) in words.items() if value != usual)
    text += "" if options.loss == DEFAULT else f" --loss {options.loss}"
    return text + ("" if tuple(options.others) == OTHERS else f" --others {' '.join(options.others)}".rstrip())


if __name__ == "__main__":
    main()
