"""Which metric notices what? CIFAR-10 pictures are made worse in known ways, and every metric looks at them.

    python examples/which_metric_notices.py --data cifar10-jpeg.tar.gz      # some minutes, on an idle core

Held-out pictures stand for the samples of a perfect generator. They are degraded in eight ways, with three strengths.
A metric notices a degradation if its value is worse than in all of ten draws of undegraded held-out pictures, of the
same number. Features of clean pictures are taken once; a degradation that only chooses pictures takes none anew.
Classes are those that the extractor ``classifier`` finds. Writes a page of figures and a picture.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageFilter
from torch import Tensor

import ganzoo
from ganzoo.data import cache_folder
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.evaluation.traits import Traits
from ganzoo.protocols import Dataset, Extractor, Features

METRICS = (
    "frechet-distance",
    "kernel-distance",
    "precision-recall",
    "density-coverage",
    "intra-class-frechet-distance",
    "nearest-neighbor",
    "class-score",
    "class-coverage",
    "ms-ssim",
    "sliced-wasserstein",
)
CLEAN_DRAWS = 10
TRAINED_ON = 3000
"""Training pictures that the classifier learns from, at least."""
MOST_SHOWN = 1000
"""Standard deviations: what is beyond has the strongest color."""
POOL = 3
"""So many times as many held-out pictures as samples: what is left where classes are dropped must be different ones."""


@dataclass(frozen=True)
class Degradation:
    """A way to make samples worse.

    Attributes:
        name: in the table.
        strengths: from weak to strong, with their unit in ``shown``.
        shown: what a strength is called.
        make: (pictures of everybody, n, strength) → samples.
    """

    name: str
    strengths: tuple[float, float, float]
    shown: Callable[[float], str]
    make: Callable[[Pictures, int, float], Features]


class Pictures:
    """Real and held-out pictures, looked at once."""

    def __init__(self, real: Dataset, held_out: Dataset, extractor: Extractor, classifier: Extractor, n: int) -> None:
        self._looks = extractor, classifier
        self.real = self.seen(real.read(torch.arange(len(real))), real.labels)
        count = min(len(held_out), POOL * n)
        self.pool = self.seen(held_out.read(torch.arange(count)), held_out.labels)

    def seen(self, images: Tensor, labels: Tensor | None) -> Features:
        extractor, classifier = self._looks
        return Features(
            images=images,
            labels=None if labels is None else labels[: len(images)],
            features=extractor(images).features,
            class_probs=classifier(images).class_probs,
        )


def chosen(features: Features, index: Tensor) -> Features:
    """The pictures at ``index``, with what was seen in them."""
    names = ("images", "labels", "features", "class_probs")
    return Features(**{name: getattr(features, name)[index] for name in names})


def clean(pictures: Pictures, n: int, seed: float) -> Features:
    """``n`` of the held-out pictures."""
    return chosen(pictures.pool, shuffled(len(pictures.pool.images), seed)[:n])


def shuffled(count: int, seed: float) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(int(seed)))


def changed(change: Callable[[Tensor, float], Tensor]) -> Callable[[Pictures, int, float], Features]:
    """A degradation of pixels: features are taken anew."""

    def make(pictures: Pictures, n: int, strength: float) -> Features:
        part = clean(pictures, n, 0)
        return pictures.seen(change(part.images, strength), part.labels)

    return make


def noisy(images: Tensor, strength: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + strength * noise).round().clamp(0, 255).to(torch.uint8)


def blurred(images: Tensor, strength: float) -> Tensor:
    return one_by_one(images, lambda image: image.filter(ImageFilter.GaussianBlur(strength)))


def compressed(images: Tensor, strength: float) -> Tensor:
    def through_a_file(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(strength))
        return Image.open(file)

    return one_by_one(images, through_a_file)


def one_by_one(images: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    found = []
    for image in images:
        picture = change(Image.fromarray(image.permute(1, 2, 0).numpy())).convert("RGB")
        found.append(torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(*picture.size[::-1], 3))
    return torch.stack(found).permute(0, 3, 1, 2).contiguous()


def without_classes(pictures: Pictures, n: int, strength: float) -> Features:
    kept = torch.nonzero(pictures.pool.labels >= strength).flatten()
    return chosen(pictures.pool, kept[shuffled(len(kept), 0)][:n])


def repeated(pictures: Pictures, n: int, strength: float) -> Features:
    few = shuffled(len(pictures.pool.images), 0)[: max(1, round(n / strength))]
    return chosen(pictures.pool, few[torch.arange(n) % len(few)])


def collapsed(pictures: Pictures, n: int, strength: float) -> Features:
    index = shuffled(len(pictures.pool.images), 0)[:n]
    index[: round(strength * n)] = index[0].item()
    return chosen(pictures.pool, index)


def memorized(pictures: Pictures, n: int, strength: float) -> Features:
    """A share of copies of training pictures."""
    copies = shuffled(len(pictures.real.images), 1)[: round(strength * n)]
    others = shuffled(len(pictures.pool.images), 0)[: n - len(copies)]
    parts = chosen(pictures.real, copies), chosen(pictures.pool, others)
    names = ("images", "labels", "features", "class_probs")
    return Features(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def wrong_labels(pictures: Pictures, n: int, strength: float) -> Features:
    """A share of samples was asked for as the next class."""
    part = clean(pictures, n, 0)
    wrong = torch.arange(n) < round(strength * n)
    labels = torch.where(wrong, (part.labels + 1) % (int(pictures.pool.labels.max()) + 1), part.labels)
    return Features(images=part.images, labels=labels, features=part.features, class_probs=part.class_probs)


def percent(share: float) -> str:
    return f"{share:.0%}"


DEGRADATIONS = (
    Degradation("noise", (5, 15, 45), lambda s: f"σ {s:g}", changed(noisy)),
    Degradation("blur", (0.5, 1, 2), lambda s: f"σ {s:g} px", changed(blurred)),
    Degradation("JPEG", (50, 20, 5), lambda s: f"quality {s:g}", changed(compressed)),
    Degradation("classes dropped", (1, 3, 6), lambda s: f"{s:g} of 10", without_classes),
    Degradation("samples repeated", (2, 5, 20), lambda s: f"{s:g} times", repeated),
    Degradation("mode collapse", (0.1, 0.5, 0.9), lambda s: f"{percent(s)} one picture", collapsed),
    Degradation("training pictures copied", (0.05, 0.2, 1.0), percent, memorized),
    Degradation("wrong class", (0.1, 0.5, 1.0), percent, wrong_labels),
)


def unpacked(archive: Path, folder: Path, *, train: int, test: int) -> Path:
    """The first pictures of each class, so many in all, in a folder ``train`` and ``test`` beside each other."""
    if not folder.is_dir():
        left: dict[str, int] = defaultdict(int)
        with tarfile.open(archive) as files:
            for member in files:
                path = Path(member.name)
                split, kind = path.parts[-3:-1] if len(path.parts) >= 3 else ("", "")
                most = {"train": train, "test": test}.get(split, 0) // 10
                if member.isfile() and left[f"{split}/{kind}"] < most:
                    left[f"{split}/{kind}"] += 1
                    place = folder / split / kind / path.name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(files.extractfile(member).read())
    return folder


def opened(folder: Path, extractor: str, n: int) -> Pictures:
    data = ganzoo.build("dataset", "pictures", path=str(folder))
    splits = [data.open(image_size=32, channels=3, split=split, cache=cache_folder()) for split in ("train", "test")]
    looks = [
        ganzoo.build("extractor", name).open(data=splits[0], device=torch.device("cpu"), cache=cache_folder())
        for name in (extractor, "classifier")
    ]
    return Pictures(Part(splits[0], n), splits[1], *looks, n)


class Part:
    """As many of the data as there are samples, of all classes alike."""

    def __init__(self, whole: Dataset, n: int) -> None:
        self._whole = whole
        self._index = shuffled(len(whole), 0)[:n]
        self.labels = whole.labels[self._index]

    def __len__(self) -> int:
        return len(self._index)

    def read(self, index: Tensor) -> Tensor:
        return self._whole.read(self._index[index])


def measured(metrics: dict[str, Any], real: Features, fake: Features) -> dict[str, float | None]:
    """Number → value, of the numbers that rank; ``None`` where a metric refuses."""
    found: dict[str, float | None] = {}
    for name, metric in metrics.items():
        try:
            values = metric(real=real, fake=fake, random=torch.Generator().manual_seed(0))
        except ConfigError:
            values = dict.fromkeys(ranking(name, metric))
        found |= {key: values[key] for key in ranking(name, metric)}
    return found


FIRST = {
    "frechet-distance": "fd",
    "kernel-distance": "kd",
    "precision-recall": "precision",
    "density-coverage": "coverage",
    "intra-class-frechet-distance": "intra_fd",
    "nearest-neighbor": "copies",
    "class-score": "class_score",
    "class-coverage": "classes",
    "ms-ssim": "ms_ssim",
    "sliced-wasserstein": "swd",
}


TWO_SIDED = {"density-coverage": {"density": -1}, "nearest-neighbor": {"nearest": 1}}
"""Numbers that rank nothing, since more of them and less are both signs; the one that a poor generator has is worse."""


def ranking(name: str, metric: Any) -> dict[str, int]:
    """Number → 1 if more of it is worse, −1 if less of it is; of those that rank nothing, the two of ``TWO_SIDED``."""
    first = {FIRST[name]: -1 if metric.higher_is_better else 1}
    ways = {key: way for key, way in Traits.of(metric).better.items() if way is not None}
    return first | {key: 1 if way == "lower" else -1 for key, way in ways.items()} | TWO_SIDED.get(name, {})


@dataclass(frozen=True)
class Result:
    """What was measured: of clean pictures draw by draw, and of each degradation and strength."""

    worse: dict[str, int]
    clean: list[dict[str, float | None]]
    degraded: dict[str, list[dict[str, float | None]]]

    def draws(self, key: str) -> list[float]:
        """Its values of clean pictures."""
        return [one[key] for one in self.clean if one[key] is not None]

    def notices(self, key: str, value: float | None) -> str:
        """● if a value is worse than that of every clean draw, · if it is not, × if the metric refuses.

        ○ if it is beyond them on the other side, of a number that ranks nothing.
        """
        if value is None:
            return "×"
        beyond = [self.worse[key] * (value - other) for other in self.draws(key)]
        if all(one > 0 for one in beyond):
            return "●"
        two_sided = any(key in keys for keys in TWO_SIDED.values())
        return "○" if two_sided and all(one < 0 for one in beyond) else "·"

    def strength(self, key: str, value: float | None) -> float:
        """How many standard deviations of clean draws a value is worse than their mean."""
        draws = torch.tensor(self.draws(key), dtype=torch.float64)
        if value is None or len(draws) < 2:
            return float("nan")
        return float(self.worse[key] * (value - draws.mean()) / draws.std().clamp(min=1e-9))


def result_of(pictures: Pictures, n: int) -> Result:
    metrics = {name: ganzoo.build("metric", name) for name in METRICS}
    worse = {key: sign for name, metric in metrics.items() for key, sign in ranking(name, metric).items()}
    draws = [measured(metrics, pictures.real, clean(pictures, n, seed)) for seed in range(CLEAN_DRAWS)]
    degraded = {}
    for one in DEGRADATIONS:
        rows = [one.make(pictures, n, strength) for strength in one.strengths]
        degraded[one.name] = [measured(metrics, pictures.real, row) for row in rows]
        print(one.name, degraded[one.name], flush=True)
    return Result(worse, draws, degraded)


def summary(result: Result) -> Iterator[str]:
    """From which of three strengths on each number notices each degradation."""
    yield "| degradation | " + " | ".join(f"`{key}`" for key in result.worse) + " |"
    yield "|---|" + "---|" * len(result.worse)
    for one in DEGRADATIONS:
        cells = ["".join(result.notices(key, row[key]) for row in result.degraded[one.name]) for key in result.worse]
        yield f"| {one.name} ({', '.join(map(one.shown, one.strengths))}) | " + " | ".join(cells) + " |"


SIGNS = {
    "density": {"●": "sparser", "○": "denser"},
    "nearest": {"●": "farther from training pictures", "○": "nearer to them"},
}


def in_words(result: Result) -> Iterator[str]:
    """What the numbers that rank nothing notice, at which strengths, and in which way."""
    for key, ways in SIGNS.items():
        if key not in result.worse:
            continue
        told = []
        for sign, way in ways.items():
            found = []
            for one in DEGRADATIONS:
                rows = zip(one.strengths, result.degraded[one.name], strict=True)
                noticed = [one.shown(strength) for strength, row in rows if result.notices(key, row[key]) == sign]
                found += [f"{one.name} ({', '.join(noticed)})"] if noticed else []
            told += [f"{way} with {', '.join(found)}"] if found else []
        yield f"- `{key}` is {'; '.join(told) or 'what it is of clean pictures, whatever is done'}."


def values(result: Result) -> Iterator[str]:
    yield "| | " + " | ".join(f"`{key}`" for key in result.worse) + " |"
    yield "|---|" + "---|" * len(result.worse)
    draws = [result.draws(key) for key in result.worse]
    spans = [f"{min(some):.3g} to {max(some):.3g}" if some else "refuses" for some in draws]
    yield f"| clean, {CLEAN_DRAWS} draws | " + " | ".join(spans) + " |"
    for one in DEGRADATIONS:
        for strength, row in zip(one.strengths, result.degraded[one.name], strict=True):
            cells = ["refuses" if row[key] is None else f"{row[key]:.3g}" for key in result.worse]
            yield f"| {one.name}, {one.shown(strength)} | " + " | ".join(cells) + " |"


def page(result: Result, options: argparse.Namespace, command: str) -> Iterator[str]:
    yield "# Which metric notices what"
    yield ""
    yield f"Written by `{command}`."
    yield f"{options.n:,} held-out CIFAR-10 pictures (32×32, JPEG copies) stand for the samples of a perfect"
    yield f"generator, beside {options.n:,} training pictures. Features are those of `{options.extractor}`,"
    yield "classes those of `classifier`. One degradation per row, from weak to strong. ● says that the number is worse"
    yield f"than in all of {CLEAN_DRAWS} draws of clean held-out pictures, · that it is not: a small change may be"
    yield f"seen with more samples. By chance alone about 1 of {CLEAN_DRAWS + 1} would be ●: one alone says little, and"
    yield "three in a row say much. × says that the metric refuses, because a class has no samples. `density` and"
    yield "`nearest` rank nothing: ● says that samples are sparser, or farther from training pictures, than all clean"
    yield "draws, ○ that they are denser, or nearer. `copies` asks"
    yield "whether samples are training pictures, and `ms_ssim` whether they are too much alike: both may well call"
    yield "noise an improvement. Most others call copies of training pictures one."
    yield ""
    yield from summary(result)
    yield ""
    yield "What the two that rank nothing notice:"
    yield ""
    yield from in_words(result)
    yield ""
    yield f"![how many standard deviations of clean draws each number is worse]({options.out.with_suffix('.png').name})"
    yield ""
    yield "## The numbers"
    yield ""
    yield from values(result)
    yield ""
    yield "`downstream` and `mode-coverage` are left out: one trains classifiers, the other needs known modes."


def draw(result: Result, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.colors import SymLogNorm

    columns = [f"{one.name}, {one.shown(strength)}" for one in DEGRADATIONS for strength in one.strengths]
    rows = list(result.worse)
    found = [[result.strength(key, row[key]) for rows in result.degraded.values() for row in rows] for key in rows]
    figure, axes = pyplot.subplots(figsize=(11, 6.5), layout="constrained")
    colors = pyplot.get_cmap("coolwarm").copy()
    colors.set_bad("black")
    scale = SymLogNorm(linthresh=1, vmin=-MOST_SHOWN, vmax=MOST_SHOWN)
    shown = torch.tensor(found).clamp(-MOST_SHOWN, MOST_SHOWN).numpy()
    image = axes.imshow(shown, cmap=colors, norm=scale, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(rows)), rows)
    for border in range(3, len(columns), 3):
        axes.axvline(border - 0.5, color="white", linewidth=2)
    axes.set_title("red: worse than clean pictures; blue: better; black: the metric refuses")
    figure.colorbar(image, label="standard deviations of clean draws, logarithmic beyond 1")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="cifar10-jpeg.tar.gz, or its folder with train and test"
    )
    parser.add_argument("-n", type=int, default=500, help="samples")
    parser.add_argument("--extractor", default="efficientnet-lite0", help="the extractor of all metrics on features")
    parser.add_argument("--work", type=Path, default=Path("runs/metrics-notice"), help="folder to unpack pictures to")
    parser.add_argument("--out", type=Path, default=Path("docs/figures/metrics-notice.md"), help="page to write")
    options = parser.parse_args(arguments)
    folder = options.data
    if not folder.is_dir():
        folder = unpacked(
            options.data, options.work / f"cifar-{options.n}", train=max(TRAINED_ON, options.n), test=POOL * options.n
        )
    try:
        result = result_of(opened(folder, options.extractor, options.n), options.n)
    except GanzooError as error:
        raise SystemExit(str(error)) from error
    options.work.mkdir(parents=True, exist_ok=True)
    (options.work / "found.json").write_text(json.dumps(asdict(result)), encoding="utf-8")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(result, options.out.with_suffix(".png"))
    command = f"python examples/which_metric_notices.py --data cifar10-jpeg.tar.gz -n {options.n}"
    command += f" --extractor {options.extractor}"
    options.out.write_text("\n".join(page(result, options, command)) + "\n", encoding="utf-8")
    print("\n".join(summary(result)))


if __name__ == "__main__":
    main()
