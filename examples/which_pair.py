"""Which loss with which critic? Six pairs on digits and on CIFAR-10, with equal steps and with equal minutes.

    python examples/which_pair.py --cifar cifar10.tar.gz      # about an hour; what is done is not done again
    python examples/which_pair.py --only digits-steps         # one of the four comparisons

The pairs are three losses × two critics, so that it can be seen which of the two makes a difference. Each of the four
comparisons is one ``ganzoo.compare``: its folder below ``--out`` has every run, and ``ganzoo report FOLDER`` shows it.
CIFAR-10 is any folder or archive with a folder of pictures for each class. Needs ``ganzoo[evaluate,plot]``.

How the hour is made up, on two quiet cores with two runs at once: 4 comparisons × 6 pairs × 3 seeds are 72 runs, so
each has 100 seconds of one core. 30 of them are for training (``--minutes``; ``--steps`` is what the pairs do on
average in about that time), the rest for starting, for looking at ``-n`` samples, and to spare on a slower machine.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

import ganzoo

LOSSES = ("hinge", "bce", "lsgan")
CRITICS = ("patchgan-sn", "dcgan")
NEW, OLD = "hinge + patchgan-sn", "bce + dcgan"
OTHERS = {OLD: "both", "hinge + dcgan": "the critic alone", "bce + patchgan-sn": "the loss alone"}
"""What the new pair is compared with, and what differs then."""
METRICS = ("kernel-distance", "frechet-distance")
EXTRACTOR = "efficientnet-lite0"
FEWEST = 40
FAR_OFF = 1_000_000


@dataclass(frozen=True)
class Pictures:
    """What is learned, and how wide the networks are: as fits a minute on one core."""

    words: str
    side: int
    width: int
    steps: int


PICTURES = {
    "digits": Pictures("Digits, gray", side=16, width=16, steps=1200),
    "cifar": Pictures("CIFAR-10, color", side=32, width=32, steps=200),
}
BUDGETS = {"steps": "equal steps", "minutes": "equal minutes"}
NAMES = [f"{pictures}-{budget}" for pictures in PICTURES for budget in BUDGETS]


def main() -> None:
    options = asked()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("ganzoo").setLevel(logging.INFO)
    boards = {}
    for name in options.only:
        boards[name] = compared(name, options)
        print(f"{name}: {boards[name]['verdict']}", flush=True)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    picture = options.figures.with_suffix(".png")
    draw(boards, picture)
    options.figures.write_text("\n".join(page(boards, picture, options)) + "\n", encoding="utf-8")
    print(options.figures)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar", metavar="PATH", type=Path, help="CIFAR-10 as class folders, or an archive of them")
    parser.add_argument("--only", action="append", choices=NAMES, help="this comparison; can be repeated")
    parser.add_argument("--steps", type=int, help="of each run; by default " + in_words("steps"))
    parser.add_argument("--minutes", type=float, default=0.5, help="of each run, where time is equal")
    parser.add_argument("-n", type=int, default=400, help="samples by which each run is judged")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each pair, at least 2: one has no interval")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--out", type=Path, default=Path("comparisons"), help="folder of the comparisons")
    parser.add_argument("--figures", type=Path, default=Path("docs/figures/which-pair.md"), help="page to write")
    parser.add_argument("--note", help="a sentence for the page, such as what else the machine had to do")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: one run has no interval")
    if options.n < FEWEST:
        parser.error(f"-n must be at least {FEWEST}: kernel-distance measures no fewer")
    if options.only is None:
        options.only = [name for name in NAMES if options.cifar or not name.startswith("cifar")]
    if options.cifar is None and any(name.startswith("cifar") for name in options.only):
        parser.error(
            "the comparisons of CIFAR-10 need --cifar PATH: a folder or an archive with a folder of each class"
        )
    return options


def in_words(what: str) -> str:
    return ", ".join(f"{getattr(one, what):,} on {name}" for name, one in PICTURES.items())


def compared(name: str, options: argparse.Namespace) -> Mapping[str, Any]:
    """The leaderboard of one of the four; the same call goes on with it, and does nothing once it is done."""
    subject, budget = name.split("-")
    pictures = PICTURES[subject]
    steps = options.steps or pictures.steps
    found = ganzoo.compare(
        loss=LOSSES,
        discriminator=CRITICS,
        settings={
            "data.image_size": pictures.side,
            "discriminator.ndf": pictures.width,
            "generator.ngf": pictures.width,
            "train.batch_size": 32,
            # Judged once, at the end: looking at samples costs more than training here.
            "train.checkpoint_every": steps if budget == "steps" else FAR_OFF,
            "train.sample_every": FAR_OFF,
        },
        data="digits" if subject == "digits" else options.cifar,
        seeds=options.seeds,
        metrics=METRICS,
        extractors=EXTRACTOR,
        n=options.n,
        jobs=options.jobs,
        out=options.out,
        **({"steps": steps} if budget == "steps" else {"minutes": options.minutes}),
    )
    return found.leaderboard


def page(boards: Mapping[str, Any], picture: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "# Which loss with which critic?\n"
    yield f"Made by `python examples/which_pair.py`{given(options)} on {datetime.now(UTC):%Y-%m-%d}; do not edit.\n"
    yield f"- pairs: {', '.join(LOSSES)} × {', '.join(CRITICS)}, each with the generator dcgan and batches of 32. The"
    yield "  critics differ in more than spectral norm: dcgan has BatchNorm and one logit, patchgan-sn one per patch"
    for name, one in PICTURES.items():
        if any(board.startswith(name) for board in boards):
            yield f"- {one.words}, {one.side}×{one.side}: networks of width {one.width}"
    yield f"- judged at the last step by {options.n} samples through {EXTRACTOR}; ± is a 95 % interval over"
    yield f"  {options.seeds} seeds. The kernel distance ranks: it is unbiased, while the Fréchet distance is too large"
    yield "  where samples are fewer than the 1,280 features. Neither is the FID of a paper"
    yield f"- machine: {platform.machine()}, {os.cpu_count()} cores, `--jobs {options.jobs}`, torch"
    yield f"  {torch.__version__}, ganzoo {version('ganzoo')}"
    left = [name for name in NAMES if name not in boards]
    if left:
        yield f"- left out: {', '.join(left)}"
    if options.note:
        yield f"- {options.note}"
    yield "\n## Beside the literature\n"
    yield from beside_the_literature(boards)
    yield f"\n![Means with 95 % intervals]({picture.name})"
    for name, board in boards.items():
        yield from section(name, board)


def given(options: argparse.Namespace) -> str:
    """What shaped the numbers, as it was typed."""
    words = [f"--only {name}" for name in options.only if len(options.only) < len(NAMES)]
    words += [] if options.steps is None else [f"--steps {options.steps}"]
    words += [f"--minutes {options.minutes:g}"] if any(name.endswith("minutes") for name in options.only) else []
    words += [f"-n {options.n} --seeds {options.seeds} --jobs {options.jobs}"]
    return f" with `{' '.join(words)}`"


def beside_the_literature(boards: Mapping[str, Any]) -> Iterator[str]:
    """Hinge with a spectrally normalized critic is said to have a 10–20 % lower FID: how it fell here."""
    yield f"Hinge with a spectrally normalized critic is said to have a 10–20 % lower FID. Here, {NEW} has:\n"
    for name, board in boards.items():
        for other, what in OTHERS.items():
            told = "; ".join(change(board, label, other) for label in board["metrics"])
            yield f"- {name}, beside {other} ({what}): {told}"


def change(board: Mapping[str, Any], label: str, other: str = OLD) -> str:
    """How much lower the mean of the new pair is than that of another, and whether that may be chance."""
    mean = {cell["name"]: cell["mean"].get(label) for cell in board["cells"]}
    if mean[NEW] is None or mean[other] is None:
        return f"`{label}` was not measured of both"
    part = mean[NEW] / mean[other] - 1
    alike = any({NEW, other} == set(pair["cells"]) and label == pair["label"] for pair in board["indistinguishable"])
    said = "which may be chance" if alike else "told apart"
    return f"`{label}` {abs(part):.0%} {'higher' if part > 0 else 'lower'}, {said}"


def section(name: str, board: Mapping[str, Any]) -> Iterator[str]:
    subject, budget = name.split("-")
    yield f"\n## {PICTURES[subject].words.split(',')[0]}, {BUDGETS[budget]}\n"
    yield f"{board['verdict']}\n"
    yield f"Budget: {board['budget']['words']}.\n"
    yield f"| pair | seeds | {' | '.join(f'`{label}`' for label in board['metrics'])} | steps | seconds of training |"
    yield "|---" * (4 + len(board["metrics"])) + "|"
    for cell in board["cells"]:
        done = [seed for seed in cell["seeds"] if seed["status"] == "finished"]
        numbers = [shown(cell, label) for label in board["metrics"]]
        counts = [spread([seed[key] for seed in done]) for key in ("steps", "seconds")]
        yield f"| {cell['name']} | {len(done)} | {' | '.join([*numbers, *counts])} |"
    yield f"\nReal against real, real data in place of samples: {floors(board)}.\n"
    for label in board["metrics"]:
        pairs = [pair["cells"] for pair in board["indistinguishable"] if pair["label"] == label]
        told = "; ".join(" and ".join(cells) for cells in pairs) or "none"
        yield f"- not distinguishable by `{label}`: {told}"
    yield f"\n{board['test']}."
    yield from wrong(board)


def wrong(board: Mapping[str, Any]) -> Iterator[str]:
    """What was refused, diverged, failed or could not be measured."""
    refused = [f"{cell['name']}: {cell['reason']}" for cell in board["cells"] if cell["reason"]]
    runs = [(cell["name"], seed) for cell in board["cells"] for seed in cell["seeds"] if seed["reason"]]
    told = [
        *refused,
        *(f"{name}, seed {seed['seed']}: {seed['status']}: {seed['reason'].splitlines()[0]}" for name, seed in runs),
    ]
    yield from ["", *(f"- {line}" for line in told)] if told else []


def shown(cell: Mapping[str, Any], label: str) -> str:
    ends = cell["interval"].get(label)
    if ends is None:
        return "–"
    return f"{cell['mean'][label]:.3g} ± {(ends[1] - ends[0]) / 2:.2g}"


def spread(amounts: Sequence[float]) -> str:
    if not amounts:
        return "–"
    low, high = f"{min(amounts):,.0f}", f"{max(amounts):,.0f}"
    return low if low == high else f"{low} to {high}"


def floors(board: Mapping[str, Any]) -> str:
    """The same number of real data, which is the same for all pairs."""
    rows = [row for cell in board["cells"] for seed in cell["seeds"] for row in seed["values"]]
    found = {row["label"]: row["floor"] for row in rows if row.get("floor") is not None}
    return ", ".join(f"`{label}` {floor:.3g}" for label, floor in found.items() if label in board["metrics"]) or "none"


def draw(boards: Mapping[str, Any], path: Path) -> None:
    """A panel for each comparison: means with their intervals by the first metric, and single seeds as rings."""
    figure = Figure(figsize=(9, 0.6 + 2.2 * len(boards)), layout="constrained")
    panels = figure.subplots(len(boards), 1, squeeze=False)[:, 0]
    for axes, (name, board) in zip(panels, boards.items(), strict=True):
        label = next(iter(board["metrics"]), None)
        cells = [cell for cell in reversed(board["cells"]) if label in cell["mean"]]
        for row, cell in enumerate(cells):
            color = {NEW: "#0072B2", OLD: "#D55E00"}.get(cell["name"], "0.4")
            single = [value["value"] for seed in cell["seeds"] for value in seed["values"] if value["label"] == label]
            axes.plot(single, [row] * len(single), "o", mfc="none", mec=color, alpha=0.6)
            if (ends := cell["interval"][label]) is not None:
                axes.plot(ends, [row, row], color=color, linewidth=2)
            axes.plot(cell["mean"][label], row, "o", color=color, markersize=8)
        axes.set_yticks(range(len(cells)), [cell["name"] for cell in cells])
        axes.set_title(f"{name}: {label}, lower is better; line: 95 % interval, rings: seeds", loc="left", fontsize=10)
        axes.grid(axis="x", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
