"""The pictures on the pages of components: each loss over the logit, the patches or maps of each discriminator.

``component_pages.py`` writes them to ``docs/components/images``. Drawings are SVG by hand, equal everywhere.
Plots are PNG, whose bytes depend on the version of matplotlib, so each carries the numbers that it shows, and these are
compared. Grids of samples are made by ``sample_grids.py``.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args, get_origin

import torch
from page_parts import judges_patches
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganzoo.catalog.patch_map import PatchMap, patch_maps
from ganzoo.component import Options
from ganzoo.planning.ranks import takes_rank
from ganzoo.plotting import losses
from ganzoo.plotting.curves import LossCurves, loss_curves
from ganzoo.plotting.loss_argument import loss_of_argument
from ganzoo.protocols import DataSpec, DiscriminatorOutput
from ganzoo.registry import Entry, Registry

FOLDER = Path(__file__).parent / "components" / "images"
SPEC = DataSpec(shape=(3, 64, 64), classes=tuple("0123456789"), marginal=(0.1,) * 10, conditional=True)
"""The images that networks are drawn for; those that take no labels make no use of the classes."""
LIMIT = 4.0
SHOWN_EVERY = 16
"""Of the points of a curve, those whose values a picture carries."""
DPI, COLORS = 80, 48
CLOSE = 1e-6


def curves_of(registry: Registry, entry: Entry) -> list[LossCurves]:
    """Those of a loss: with each choice of the first option that changes them, or with the defaults."""
    tried = (
        [loss_curves(word, *loss_of_argument(registry, word), limit=LIMIT) for word in words]
        for words in words_of(entry)
    )
    return next(curves for curves in tried if differ(curves))


def differ(curves: list[LossCurves]) -> bool:
    """Whether no later curve is the first one again; over one logit, many an option changes nothing."""
    first, *others = numbers(curves).values()
    return first not in others


def words_of(entry: Entry) -> list[list[str]]:
    """``[[f-gan:divergence=kl, …], [f-gan]]``, as ``ganzoo plot losses`` takes them."""
    fields = entry.options().model_fields
    choices = [(name, field) for name, field in fields.items() if get_origin(field.annotation) is Literal]
    return [
        *([f"{entry.name}:{name}={one}" for one in get_args(field.annotation)] for name, field in choices),
        [entry.name],
    ]


def plot(curves: list[LossCurves]) -> bytes:
    """The figure of ``ganzoo plot losses`` as a PNG of few colors, with the numbers that it shows."""
    drawn, small, info = io.BytesIO(), io.BytesIO(), PngInfo()
    losses.figure(curves).savefig(drawn, dpi=DPI, format="png")
    info.add_itxt("curves", json.dumps(numbers(curves)), zip=True)
    picture = Image.open(drawn).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    picture.save(small, format="PNG", optimize=True, pnginfo=info)
    return small.getvalue()


def numbers(curves: list[LossCurves]) -> dict[str, list[float]]:
    """Some values and gradients of each curve."""
    return {
        one.name: [
            round(number, 9)
            for curve in (one.d_real, one.d_fake, one.g_fake)
            for side in (curve.values, curve.gradients)
            for number in side[::SHOWN_EVERY]
        ]
        for one in curves
    }


def shows(file: Path, wanted: Mapping[str, list[float]]) -> bool:
    """Whether a plot is there and shows these numbers."""
    if not file.exists():
        return False
    with Image.open(file) as picture:
        there = json.loads(picture.info.get("curves", "{}"))  # type: ignore[attr-defined]
    return list(there) == list(wanted) and all(
        len(there[name]) == len(line)
        and all(abs(one - other) <= CLOSE * max(1, abs(other)) for one, other in zip(there[name], line, strict=True))
        for name, line in wanted.items()
    )


SIDE, GAP, ABOVE, BELOW = 150, 40, 16, 56
MANY = 40
"""A map of more logits a side is drawn as an area."""
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#444;text-anchor:middle}"
    ".image{fill:#ececec;stroke:#999}.logits{stroke:#0072B2;stroke-linecap:round}.area{fill:#0072B2;opacity:.35}"
    ".map{fill:#56B4E9;fill-opacity:.45;stroke:#0072B2}"
    ".patch{fill:#D55E00;fill-opacity:.18;stroke:#D55E00;stroke-width:2}"
)


def patches(options: Options) -> str:
    """For images of several sizes: where the logits are, and what the one in the middle sees."""
    found = [one for one in patch_maps(options) if one.map_side and one.receptive_field]
    width, height = len(found) * (SIDE + GAP), ABOVE + SIDE + BELOW
    parts = []
    for number, one in enumerate(found):
        place = GAP / 2 + number * (SIDE + GAP)
        parts += [f'<g transform="translate({place:g} {ABOVE})">', *panel(one, jump_of(options, one)), "</g>"]
    return drawing(width, height, parts)


def drawing(width: float, height: float, parts: Sequence[str]) -> str:
    """An SVG on white, so that it can be read on a dark page."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{STYLE}</style>"]
    return "\n".join([*head, f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>', *parts, "</svg>"]) + "\n"


def jump_of(options: Options, one: PatchMap) -> float:
    """How many pixels lie between two logits: an image twice as large has so many more of them."""
    fixed = type(options).model_validate({**dict(options), **one.resolved})
    [twice] = patch_maps(fixed, sides=(2 * one.side,))
    assert twice.map_side
    assert one.map_side
    return one.side / (twice.map_side - one.map_side)


def panel(one: PatchMap, jump: float) -> Iterator[str]:
    """An image of one size, its logits, the patch of one of them, and two lines below."""
    assert one.map_side
    assert isinstance(one.receptive_field, int)
    scale, count = SIDE / one.side, one.map_side
    places = [SIDE / 2 + (number - (count - 1) / 2) * jump * scale for number in range(count)]
    yield f'<rect class="image" width="{SIDE}" height="{SIDE}"/>'
    if count > MANY:
        yield square("area", places[0], places[-1])
    else:
        dots = f'stroke-width="{max(1.6, min(5, jump * scale / 2)):.3g}" stroke-dasharray="0 {jump * scale:.6g}"'
        rows = "".join(f"M{places[0]:.4g} {y:.4g}h{places[-1] - places[0] + 0.1:.4g}" for y in places)
        yield f'<path class="logits" {dots} d="{rows}"/>'
    chosen, half = places[count // 2], max(1.5, one.receptive_field * scale / 2)
    yield square("patch", max(0, chosen - half), min(SIDE, chosen + half))
    lines = f"{one.side}×{one.side} px", f"{count}×{count} logits of {one.receptive_field}×{one.receptive_field} px"
    for number, words in enumerate(lines):
        yield f'<text x="{SIDE / 2:g}" y="{SIDE + 22 + 18 * number}">{words}</text>'


def square(kind: str, first: float, last: float) -> str:
    """A square on the diagonal."""
    return (
        f'<rect class="{kind}" x="{first:.4g}" y="{first:.4g}" width="{last - first:.4g}" height="{last - first:.4g}"/>'
    )


SLOT = 92
"""The width of a map with what is written below it."""


def maps(options: Options) -> str:
    """How the maps of a discriminator shrink on their way from an image to a logit."""
    stages = list(stages_of(options))
    parts = []
    for number, (shape, kind) in enumerate(stages):
        middle = (number + 0.5) * SLOT
        side = min(72.0, max(4.0, 72 * shape[-1] / SPEC.shape[-1])) if len(shape) == 3 else 4.0
        tall = side if len(shape) == 3 else max(4.0, min(72.0, 9 * math.log2(max(shape) + 1)))
        place = f'x="{middle - side / 2:.4g}" y="{50 - tall / 2:.4g}" width="{side:.4g}" height="{tall:.4g}"'
        parts.append(f'<rect class="{kind}" {place}/>')
        if number:
            between = "and" if kind == stages[number - 1][1] == "patch" else "→"
            parts.append(f'<text x="{middle - SLOT / 2:g}" y="54">{between}</text>')
        parts.append(f'<text x="{middle:g}" y="108">{"×".join(map(str, shape))}</text>')
    return drawing(len(stages) * SLOT, 124, parts)


def stages_of(options: Options) -> Iterator[tuple[tuple[int, ...], str]]:
    """The shape of the image, of each activation that the network shows, and of its logits; and how each is drawn."""
    network = options.resolve(SPEC).build(SPEC).eval()
    with torch.no_grad():
        output: DiscriminatorOutput = network(torch.zeros(1, *SPEC.shape), torch.zeros(1, dtype=torch.long))
    yield SPEC.shape, "image"
    for feature in output.features:
        yield tuple(feature.shape[1:]), "map"
    for logits in output.maps():
        yield tuple(logits.shape[1:]) or (1,), "patch"


def drawings(registry: Registry) -> dict[str, str]:
    """File name → SVG of every discriminator of pictures: its patches, or else its maps."""
    found = {}
    for entry in registry.entries("discriminator"):
        if not takes_rank(entry.component.tags, 2):
            continue
        draw = patches if judges_patches(entry) else maps
        found[f"discriminator-{entry.name}.svg"] = draw(entry.options()())
    return found


def update(registry: Registry, *, write: bool) -> list[str]:
    """Names of the pictures that are missing or out of date; with ``write`` they are drawn anew."""
    changed = []
    for name, wanted in drawings(registry).items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            changed.append(name)
            if write:
                file.write_text(wanted, encoding="utf-8")
    for entry in registry.entries("loss"):
        curves, file = curves_of(registry, entry), FOLDER / f"loss-{entry.name}.png"
        if not shows(file, numbers(curves)):
            changed.append(file.name)
            if write:
                file.write_bytes(plot(curves))
    return changed
