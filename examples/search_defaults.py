"""Which setting lets hinge + patchgan-sn learn the digits best within the time of the default run?

    python examples/search_defaults.py                     # every candidate, one seed: about 15 minutes on 2 cores
    python examples/search_defaults.py --only chosen --seeds 0 1 2

Every candidate is a whole `ganzoo run`, judged as in quality.py. Writes a table to docs/figures/search.md, best first.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from judge import Judge
from quality import SAMPLES

import ganzoo

FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "search.md"

BASE: dict[str, Any] = {
    "loss": "hinge",
    "discriminator": {"name": "patchgan-sn", "ndf": 32, "n_layers": 2},
    "data": "digits",
    "train": {
        "steps": 1500,
        "batch_size": 64,
        "g_lr": 5e-4,
        "d_lr": 1e-3,
        "g_betas": (0.0, 0.999),
        "d_betas": (0.0, 0.999),
    },
}
DEEPER = {"discriminator": {"n_layers": 3}}
FASTER = {"train": {"g_lr": 1e-3, "d_lr": 2e-3}}
SMALL_BATCHES = {"train": {"batch_size": 32, "steps": 2500}}
SHORT_MEMORY = {"train": {"g_betas": (0.0, 0.99), "d_betas": (0.0, 0.99)}}
CANDIDATES: dict[str, tuple[dict[str, Any], ...]] = {
    "the design's numbers": (),
    "one layer deeper": (DEEPER,),
    "deeper, twice the rates": (DEEPER, FASTER),
    "deeper, twice the rates, batch 32": (DEEPER, FASTER, SMALL_BATCHES),
    "chosen": (DEEPER, FASTER, SMALL_BATCHES, SHORT_MEMORY),
    "chosen, two critic updates": (DEEPER, FASTER, SMALL_BATCHES, SHORT_MEMORY, {"train": {"n_critic": 2}}),
    "chosen, no average": (DEEPER, FASTER, SMALL_BATCHES, SHORT_MEMORY, {"train": {"ema": None}}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--figures", type=Path, default=FIGURES)
    options = parser.parse_args()
    judge = Judge()
    rows: list[tuple[float, str]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only:
            for seed in options.seeds:
                run = ganzoo.run({**merged(BASE, *CANDIDATES[name]), "seed": seed}, out=scratch)
                verdict = judge(run.sample(SAMPLES, seed=seed))
                row = f"| {name} | {seed} | {verdict.ratio:.3f} | {min(verdict.shares):.3f} |"
                rows.append((verdict.ratio, row))
                print(row, flush=True)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page([row for _, row in sorted(rows, reverse=True)]), encoding="utf-8")
    print(f"written to {options.figures}")


def merged(config: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    """The configuration with each change written over it, section by section."""
    for change in changes:
        config = config | {section: config[section] | keys for section, keys in change.items()}
    return config


def page(rows: list[str]) -> str:
    lines = [
        "# Settings tried for the digits",
        "",
        "Made by `python examples/search_defaults.py`; do not edit. [quality.md](quality.md) explains the columns.",
        "",
        "| setting | seed | ratio: confident, samples / real | rarest digit |",
        "|---|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
