"""Does augmentation help where two classes are rare? Real pictures, classic augmentation, and samples of a GAN.

    python examples/does_augmentation_help.py             # some minutes; runs that are done are not trained again

Digits are reduced to 20 training pictures of each of two classes; the other classes keep theirs. On the reduced set,
ganzoo trains a class-conditional GAN with balanced sampling and DiffAugment. The metric ``downstream`` then trains a
small classifier on real pictures, on real ones and samples, both without and with shifts and rotations (flips do not
fit digits), and tests it on all held-out real digits. Every classifier makes the same number of updates and sees each
class equally often; nothing is chosen by the test split. A seed decides everything anew: which 20 pictures are left,
the GAN, and the classifiers. Intervals are 95 % (Student's t) over seeds. Writes a page of figures.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.errors import GanzooError
from ganzoo.protocols import Dataset, DataSpec, Features

RARE = (3, 8)
SIDE = 16
CLASSIC = {"shift": 0.1, "rotate": 10.0}
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Quantiles t(0.975) for 1 to 9 degrees of freedom; beyond, that of 9, which is a little too wide."""
ROWS = {
    "real": "real pictures",
    "classic": "real, shifted and rotated",
    "samples": "real and samples of the GAN",
    "classic_samples": "both, all shifted and rotated",
}
MEASURES = {"all": "balanced accuracy", **{str(rare): f"recall of {rare}" for rare in RARE}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/augmentation"), help="folder of data and runs")
    parser.add_argument("--figures", type=Path, default=Path("docs/figures/augmentation.md"), help="page to write")
    parser.add_argument("--few", type=int, default=20, help="training pictures of each rare class")
    parser.add_argument("--gan-steps", type=int, default=1000, help="generator steps of each GAN")
    parser.add_argument("--samples", type=int, default=150, help="samples of each class")
    parser.add_argument("--updates", type=int, default=400, help="of each classifier")
    parser.add_argument("--classifiers", type=int, default=2, help="of each sort and seed, at least 2")
    parser.add_argument("--seeds", type=int, default=3, help="at least 2")
    options = parser.parse_args()
    if min(options.seeds, options.classifiers) < 2:
        parser.error("--seeds and --classifiers must be at least 2: one has no interval")
    found = [of_seed(seed, options) for seed in range(options.seeds)]
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text("\n".join(page(found, options)) + "\n", encoding="utf-8")
    print("\n".join(table(found)))


def of_seed(seed: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """What was measured with a seed; read from its file if that was done with the same settings."""
    settings = {name: value for name, value in vars(options).items() if name not in ("out", "figures", "seeds")}
    kept = options.out / f"seed-{seed}.json"
    if kept.exists() and (known := json.loads(kept.read_text(encoding="utf-8")))["settings"] == settings:
        return known["found"]
    folder = reduced(options.out / f"digits-{options.few}-{seed}", options.few, seed)
    run = trained(folder, options.out / f"runs-{options.few}-{options.gan_steps}-{seed}", options.gan_steps, seed)
    found = compared(run, folder, seed, options)
    kept.write_text(json.dumps({"settings": settings, "found": found}), encoding="utf-8")
    print(f"seed {seed}: {json.dumps(found)}", flush=True)
    return found


def reduced(folder: Path, few: int, seed: int) -> Path:
    """The digits as a folder of pictures, with so many of each rare class in ``train``."""
    for split in ("train", "test"):
        data = ganzoo.build("dataset", "digits").open(image_size=SIDE, channels=1, split=split, cache=cache_folder())
        images, labels = data.read(torch.arange(len(data))), data.labels
        for number in kept_of(labels, few if split == "train" else len(labels), seed):
            path = folder / split / str(int(labels[number])) / f"{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[number, 0].numpy()).save(path)
    return folder


def kept_of(labels: Tensor, few: int, seed: int) -> list[int]:
    """All positions but those of rare classes beyond the first ``few`` in an order drawn by seed."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    taken = dict.fromkeys(RARE, 0)
    kept = []
    for number in order.tolist():
        label = int(labels[number])
        if label in taken:
            taken[label] += 1
            if taken[label] > few:
                continue
        kept.append(number)
    return sorted(kept)


def trained(data: Path, out: Path, steps: int, seed: int) -> ganzoo.Run:
    """A small class-conditional GAN of the reduced digits; one that was trained before is taken again."""
    for path in sorted(out.glob("*")) if out.exists() else []:
        try:
            run = ganzoo.load_run(path)
            run.network()
        except GanzooError:
            continue
        if run.metrics() and run.metrics()[-1]["step"] == steps:
            return run
    config = {
        "seed": seed,
        "data": {"name": str(data), "image_size": SIDE, "channels": 1, "sampling": "balanced"},
        "discriminator": {"name": "acgan", "ndf": 16},
        "generator": {"name": "dcgan", "ngf": 16},
        "augment": "diffaugment",
        "train": {"steps": steps},
    }
    return ganzoo.run(config, out=out)


def opened(folder: Path, split: str) -> Dataset:
    data = ganzoo.build("dataset", "pictures", path=str(folder))
    return data.open(image_size=SIDE, channels=1, split=split, cache=cache_folder())


def everything(data: Dataset, **more: Any) -> Features:
    return Features(images=data.read(torch.arange(len(data))), labels=data.labels, **more)


def compared(run: ganzoo.Run, folder: Path, seed: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Sort of training pictures → balanced accuracy (``all``) and the recall of each rare class."""
    train = opened(folder, "train")
    real = everything(train, held_out=everything(opened(folder, "test")))
    labels = torch.arange(len(run.classes)).repeat_interleave(options.samples)
    fake = Features(images=run.sample(len(labels), labels=labels.tolist(), seed=seed), labels=labels)
    found = {}
    for prefix, classic in (("", {}), ("classic", CLASSIC)):
        numbers = measured(train.spec, real, fake, seed, options, classic)
        for key, name in (("real", prefix or "real"), ("both", f"{prefix}_samples".strip("_"))):
            rare = {str(rare): numbers[f"recall/{key}/{rare}"] for rare in RARE}
            found[name] = {"all": numbers[key], **rare}
    return found


def measured(
    spec: DataSpec, real: Features, fake: Features, seed: int, options: argparse.Namespace, classic: dict[str, float]
) -> dict[str, float]:
    chosen = {"seeds": options.classifiers, "updates": options.updates, **classic}
    metric = ganzoo.build("metric", "downstream", spec=spec, **chosen)
    return metric(real=real, fake=fake, random=torch.Generator().manual_seed(seed))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and t(0.975, n − 1)·s/√n."""
    n = len(values)
    quantile = STUDENT[min(n - 1, len(STUDENT)) - 1]
    return statistics.fmean(values), quantile * statistics.stdev(values) / math.sqrt(n)


def table(found: Sequence[dict[str, dict[str, float]]]) -> Iterator[str]:
    """Each sort of training pictures, and its difference from real pictures alone, seed by seed."""
    yield "| trained on | " + " | ".join(MEASURES.values()) + " | change in balanced accuracy |"
    yield "|---" * (len(MEASURES) + 2) + "|"
    for name, words in ROWS.items():
        cells = [shown([one[name][key] for one in found]) for key in MEASURES]
        change = "–" if name == "real" else shown([one[name]["all"] - one["real"]["all"] for one in found], sign="+")
        yield f"| {words} | " + " | ".join([*cells, change]) + " |"


def shown(values: Sequence[float], sign: str = "") -> str:
    mean, half = interval(values)
    return f"{mean:{sign}.3f} ± {half:.3f}"


def verdict(found: Sequence[dict[str, dict[str, float]]]) -> Iterator[str]:
    """For each sort whether it helps, beside real pictures alone."""
    for name, words in ROWS.items():
        if name == "real":
            continue
        mean, half = interval([one[name]["all"] - one["real"]["all"] for one in found])
        said = "cannot be told from no change" if abs(mean) <= half else "helps" if mean > 0 else "harms"
        yield f"- {words}: {said} ({mean:+.3f} ± {half:.3f})"


def page(found: Sequence[dict[str, dict[str, float]]], options: argparse.Namespace) -> Iterator[str]:
    yield "# Does augmentation help where two classes are rare?\n"
    yield "Made by `python examples/does_augmentation_help.py`; do not edit.\n"
    yield f"- data: digits at {SIDE}×{SIDE}, {options.few} training pictures of {RARE[0]} and of {RARE[1]}, about"
    yield "  144 of each other digit; tested on all 359 held-out digits"
    yield "- GAN: acgan and dcgan of width 16, hinge, balanced sampling, DiffAugment,"
    yield f"  {options.gan_steps:,} steps on the reduced set; {options.samples} samples of each digit"
    yield f"- classic: shifts by up to {CLASSIC['shift']:.0%} of a side, rotations by up to {CLASSIC['rotate']:.0f}°"
    yield f"- classifiers: those of the metric `downstream`, {options.updates} updates each, {options.classifiers} of"
    yield "  each sort and seed"
    yield f"- {options.seeds} seeds; ± is a 95 % interval over them. A seed decides which rare pictures are left, the"
    yield "  GAN and the classifiers"
    yield f"- machine: {platform.machine()}, torch {torch.__version__}, ganzoo {version('ganzoo')}\n"
    yield from table(found)
    yield "\nBeside real pictures alone:\n"
    yield from verdict(found)


if __name__ == "__main__":
    main()
