"""Does the default configuration learn? A classifier judges three runs of `ganzoo run --loss hinge --disc patchgan-sn`.

    python examples/quality.py

A run sees the train split only. The judge must recognize at least 95 % of the held-out real digits. For every seed, it
must be convinced by at least 75 % as many of 1,000 samples as of held-out real digits, and each digit must make up at
least 4 % of the samples. Writes the figures to docs/figures/quality.md; exits 1 if anything falls short.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path

import torch
from judge import Judge, Verdict

import ganzoo

SAMPLES = 1000
LEAST_ACCURACY, LEAST_RATIO, LEAST_SHARE = 0.95, 0.75, 0.04
FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "quality.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="folder of the runs (default: a temporary one)")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    options = parser.parse_args()
    judge = Judge()
    print(
        f"judge: {judge.accuracy:.3f} of held-out digits right, {judge.confident_on_real:.3f} confidently", flush=True
    )
    rows: list[tuple[int, float, Verdict]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in options.seeds:
            start = time.perf_counter()
            run = ganzoo.run(
                {"loss": "hinge", "discriminator": "patchgan-sn", "seed": seed}, out=options.out or Path(scratch)
            )
            seconds = time.perf_counter() - start
            rows.append((seed, seconds, judge(run.sample(SAMPLES, seed=seed))))
            print(table_row(*rows[-1]), flush=True)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page(judge, rows), encoding="utf-8")
    print(f"written to {options.figures}")
    sys.exit(0 if passed(judge, rows) else "the default configuration falls short of what it promises")


def passed(judge: Judge, rows: list[tuple[int, float, Verdict]]) -> bool:
    return judge.accuracy >= LEAST_ACCURACY and all(
        verdict.ratio >= LEAST_RATIO and min(verdict.shares) >= LEAST_SHARE for _, _, verdict in rows
    )


def table_row(seed: int, seconds: float, verdict: Verdict) -> str:
    return (
        f"| {seed} | {verdict.ratio:.3f} | {verdict.confident:.3f} | {min(verdict.shares):.3f} "
        f"| {max(verdict.shares):.3f} | {seconds:.0f} |"
    )


def page(judge: Judge, rows: list[tuple[int, float, Verdict]]) -> str:
    lines = [
        "# Quality of the default run",
        "",
        "Made by `make quality` (`python examples/quality.py`); do not edit.",
        "",
        f"- judge: a small CNN, correct on {judge.accuracy:.1%} of the held-out real digits (required: at least "
        f"{LEAST_ACCURACY:.0%}) and confident (> 0.9) on {judge.confident_on_real:.1%} of them",
        f"- samples: {SAMPLES} per run, from the averaged generator",
        f"- required for every seed: ratio at least {LEAST_RATIO}, rarest digit at least {LEAST_SHARE:.0%}",
        f"- machine: {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"ganzoo {ganzoo_version()}",
        "",
        "| seed | ratio: confident, samples / real | confident | rarest digit | commonest digit | seconds |",
        "|---|---|---|---|---|---|",
        *(table_row(*row) for row in rows),
        "",
        "All requirements are met." if passed(judge, rows) else "**Not all requirements are met.**",
        "",
    ]
    return "\n".join(lines)


def ganzoo_version() -> str:
    from importlib.metadata import version

    return version("ganzoo")


if __name__ == "__main__":
    main()
