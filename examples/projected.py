"""Projected GAN beside a critic of pixels on CIFAR-10, with equal minutes.

    python examples/projected.py --data cifar10.tar.gz      # about 11 minutes on two quiet cores

Both have the same generator, hinge loss and DiffAugment; the critic is ``projected``, through a frozen
EfficientNet-Lite0, or ``dcgan``. Samples are judged by extractors that no critic looks through: a classifier of the
data's own classes, and random convolutions. Pictures are enlarged to 64 px for EfficientNet-Lite0 and not to
224, which would leave some 30 steps in two minutes of one core. Needs ``ganzoo[evaluate]``.

Each critic is one ``ganzoo.compare`` with the same seeds, since only one of them has ``resize``. What is done is not
done again. Its 3 runs of 2 minutes go two at a time, and each run needs about half a minute to start and be judged.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scipy.stats import ttest_ind

import ganzoo

CRITICS: dict[str, dict[str, Any]] = {
    "projected": {"discriminator.resize": 64, "discriminator.ndf": 32},
    "dcgan": {"discriminator.ndf": 32},
}
EXTRACTORS = ("classifier", "random-conv")
FAR_OFF = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 as class folders, or an archive of them")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training, for each run")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each critic, at least 2")
    parser.add_argument("-n", type=int, default=500, help="samples by which each run is judged")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--out", type=Path, default=Path("comparisons"), help="folder of the comparisons")
    parser.add_argument("--page", type=Path, default=Path("projected.md"), help="page to write")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: one run has no spread")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("ganzoo").setLevel(logging.INFO)
    boards = {critic: compared(critic, options).leaderboard for critic in CRITICS}
    options.page.write_text("\n".join(page(boards, options)) + "\n", encoding="utf-8")
    print(options.page.read_text(encoding="utf-8"))


def compared(critic: str, options: argparse.Namespace) -> Any:
    """The runs of one critic."""
    return ganzoo.compare(
        loss="hinge",
        discriminator=critic,
        settings={
            "data.image_size": 32,
            "generator.ngf": 32,
            "train.batch_size": 16,
            "augment.diffaugment": {},
            **CRITICS[critic],
            # Judged once, at the end.
            "train.checkpoint_every": FAR_OFF,
            "train.sample_every": FAR_OFF,
        },
        data=options.data,
        seeds=options.seeds,
        minutes=options.minutes,
        metrics="kernel-distance",
        extractors=EXTRACTORS,
        n=options.n,
        jobs=options.jobs,
        out=options.out,
    )


def page(boards: Mapping[str, Any], options: argparse.Namespace) -> Iterator[str]:
    """A table of every seed's kernel distance, and whether the critics are told apart."""
    labels = list(boards["projected"]["metrics"])
    yield "# Projected GAN beside a critic of pixels\n"
    yield f"CIFAR-10 at 32×32, {options.minutes:g} minutes of training for each run, {options.n} samples. Kernel"
    yield "distances, lower is better. Networks are narrow and minutes few: this says nothing of long trainings.\n"
    yield f"| critic | seed | steps | {' | '.join(f'`{label}`' for label in labels)} |"
    yield "|---" * (3 + len(labels)) + "|"
    for critic, board in boards.items():
        for seed in runs(board):
            values = [f"{value(seed, label):.3g}" for label in labels]
            yield f"| {critic} | {seed['seed']} | {seed['steps']:,} | {' | '.join(values)} |"
    for label in labels:
        sides = [[value(seed, label) for seed in runs(board)] for board in boards.values()]
        means = ", ".join(f"{critic} {sum(side) / len(side):.3g}" for critic, side in zip(boards, sides, strict=True))
        chance = ttest_ind(*sides, equal_var=False).pvalue
        told = f"told apart (p = {chance:.2g})" if chance < 0.05 / len(labels) else f"may be chance (p = {chance:.2g})"
        yield f"\n`{label}`: means {means}; {told}, by Welch's test at 5 % over {len(labels)} extractors."


def runs(board: Mapping[str, Any]) -> list[Any]:
    """Those that came to their end."""
    return [seed for cell in board["cells"] for seed in cell["seeds"] if seed["status"] == "finished"]


def value(seed: Mapping[str, Any], label: str) -> float:
    """What a metric says of one run."""
    return next(float(row["value"]) for row in seed["values"] if row["label"] == label)


if __name__ == "__main__":
    main()
