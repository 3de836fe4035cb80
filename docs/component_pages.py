"""Write ``docs/components``: a page for each first-party component, pictures, an index. Called by ``make docs``.

Nothing on these pages is written by hand. ``python docs/component_pages.py --check`` only says which are out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from page_parts import fenced, judges_patches, linked, table, text

from ganzoo.catalog.description import Description, describe
from ganzoo.catalog.patch_map import SIDES, PatchMap, by_axis, field_in_words, patch_maps, ranks_of
from ganzoo.component import FILES, KINDS, RANKS, Options
from ganzoo.planning.ranks import takes_rank
from ganzoo.registry import Entry, Registry

FOLDER = Path(__file__).parent / "components"
MADE = "<!-- Made by `make docs` from the component itself: change the component, not this page. -->"
DEPTHS = range(1, 6)
FLAGS = {
    "loss": "--loss",
    "discriminator": "--disc",
    "generator": "--gen",
    "regularizer": "--reg",
    "augmentation": "--augment",
    "metric": "--metric",
    "dataset": "--data",
    "recipe": "--config",
    "tracker": "--tracker",
    "extractor": "--extractor",
}


def pages() -> dict[str, str]:
    """File name → text of every page, the index among them."""
    registry = Registry.load(plugins=False)
    entries = registry.entries()
    return {"README.md": index(entries), **{file_name(entry): page(describe(registry, entry)) for entry in entries}}


def file_name(entry: Entry) -> str:
    """``loss-hinge.md``: a name may stand for components of several kinds."""
    return f"{entry.kind}-{entry.name}.md"


def index(entries: Sequence[Entry]) -> str:
    """The table of all components, kind by kind."""
    plurals = {kind.name: kind.plural for kind in KINDS}
    parts = [MADE, "# Components", "What comes with ganzoo. `ganzoo list` also shows what plugins add."]
    for kind, group in groupby(entries, key=lambda entry: entry.kind):
        rows = [[f"[{entry.name}]({file_name(entry)})", text(entry.component.summary)] for entry in group]
        parts += [f"## {plurals[kind].capitalize()}", table(["name", "what it is"], rows)]
    return "\n\n".join(parts) + "\n"


def page(description: Description) -> str:
    """The page of one component."""
    entry = description.entry
    model = None if entry.kind in FILES else entry.options()
    parts = [
        MADE,
        f"# {entry.name} ({entry.kind})",
        text(entry.component.summary),
        table(["what", "value"], facts(entry)),
    ]
    if description.formula:
        parts += ["## Formula", fenced(description.formula.replace("``", ""), "text")]
    parts += pictured(entry)
    if model is not None:
        parts += ["## What it does", *map(shown, description.prose)]
    if description.layouts:
        named = [[f"`{name}`", text(summary)] for name, summary in description.layouts.items()]
        parts += ["## Layouts", "Asked in this order.", table(["layout", "what it is"], named)]
    if description.options:
        rows = [[f"`{one.name}`", text(one.type), text(one.default), text(one.help)] for one in description.options]
        parts += ["## Options", table(["option", "type", "default", "meaning"], rows)]
    if description.suggests:
        pairs = [[f"`{path}`", f"`{value}`"] for path, value in description.suggests.items()]
        parts += ["## Suggests", "Used where you say nothing.", table(["key", "value"], pairs)]
    if model is not None and entry.kind == "discriminator" and "patch" in entry.component.tags:
        parts += patches(model)
    parts += paper_and_recipe(description.yaml or "")
    if description.yaml:
        parts += ["## YAML", fenced(COMPARED.sub("", description.yaml), "yaml")]
    return "\n\n".join(parts) + "\n"


LEAD = re.compile(r"([A-Z][A-Za-z]+(?: \(extra ``\w+``\))?): (?=[^ ])")
"""What a paragraph is about, at its beginning."""
LONG = 250
"""From so many letters a paragraph is shown as a list of its sentences."""


def shown(paragraph: str) -> str:
    """A paragraph, with what it is about in bold; a long one as a list of its sentences."""
    lead = LEAD.match(paragraph)
    if lead is None or len(paragraph) < LONG:
        return linked(text(paragraph))
    sentences = re.split(r"(?<=\.) (?=[A-Z`\d])", paragraph[lead.end() :])
    points = "\n".join(f"- {linked(text(one[0].upper() + one[1:]))}" for one in sentences)
    return f"**{text(lead[1])}**\n\n{points}"


COMPARED = re.compile(r"^# (\|.*\|)\n", re.MULTILINE)
"""A row of the table in a recipe's head."""


def paper_and_recipe(yaml: str) -> Iterator[str]:
    """The table of a recipe's head: what is as in the paper, and what is not."""
    if rows := [[linked(text(cell.strip())) for cell in row.strip("|").split("|")] for row in COMPARED.findall(yaml)]:
        yield "## Paper and recipe"
        yield table(["setting", "paper or its authors' code", "here"], rows)


PICTURES = {
    "loss": (
        "Plot",
        "png",
        "Objective and gradient over one logit",
        "What each player minimizes over one logit, and the gradient; the other logit is 0.",
    ),
    "patches": (
        "Drawing",
        "svg",
        "Images with their logits and the patch that one logit sees",
        "Each dot is a logit, where many are an area; the frame is what the logit in the middle sees of the image.",
    ),
    "maps": (
        "Drawing",
        "svg",
        "The activations between an image and its logits",
        "The activations that it shows as features, and its logits (orange), for an image of 3×64×64.",
    ),
    "generator": (
        "Samples",
        "png",
        "Samples of digits",
        "A small one after 1,000 steps on `digits` at 16×16 pixels (`docs/sample_grids.py`): what it makes of "
        "minutes on a CPU, and no measure of what it can do.",
    ),
}
"""Kind of picture → heading, file format, what it shows for those who cannot see it, and what is written above it."""


def pictured(entry: Entry) -> list[str]:
    """The section with the picture of a loss or network: see ``component_pictures.py``."""
    kind = entry.kind
    if kind == "discriminator":
        if not takes_rank(entry.component.tags, 2):
            return []
        kind = "patches" if judges_patches(entry) else "maps"
    if kind not in PICTURES:
        return []
    title, suffix, seen, words = PICTURES[kind]
    return [f"## {title}", words, f"![{seen}: {entry.name}](images/{entry.kind}-{entry.name}.{suffix})"]


def facts(entry: Entry) -> Iterator[list[str]]:
    """Rows of what the record says."""
    component = entry.component
    yield ["select it with", f"`{selected_by(entry)}`"]
    if component.aliases:
        yield ["aliases", ", ".join(f"`{alias}`" for alias in component.aliases)]
    if component.tags:
        yield ["[tags](../plugin-guide.md#tags)", ", ".join(f"`{tag}`" for tag in sorted(component.tags))]
    if component.paper:
        yield ["paper", linked(text(component.paper))]


def selected_by(entry: Entry) -> str:
    """The flag of ``ganzoo run`` that takes this component; for presets and critics of signals the call."""
    if entry.kind == "preset":
        return f'ganzoo.adversary("{entry.name}", shape=…)'
    if entry.kind == "discriminator" and entry.component.tags & set(RANKS.values()) == {"signal"}:
        return f'ganzoo.build("discriminator", "{entry.name}", spec=ganzoo.protocols.DataSpec(shape=(1, 8192)))'
    name = "PATH" if entry.name == "pictures" else entry.name
    return f"{FLAGS[entry.kind]} {name}"


KINDS_OF_DATA = {
    1: ("signal", "signals of several lengths"),
    2: ("image", "images of several sizes (pixels)"),
    3: ("volume", "cubic volumes of several sizes"),
}


def patches(model: type[Options]) -> Iterator[str]:
    """How far one logit sees and how many there are, by default and by depth."""
    yield "## Patches"
    for rank in ranks_of(model().tags()):
        kind, kinds = KINDS_OF_DATA[rank]
        yield f"By default, for {kinds}:"
        defaults = [
            [str(one.side), shown_field(one), shown_map(one), ", ".join(f"`{k}` {v}" for k, v in one.resolved.items())]
            for one in patch_maps(model(), rank=rank)
        ]
        yield table([kind, "receptive field", "map of logits", "decided by the size"], defaults)
    if "n_layers" in model.model_fields:
        yield "By depth, of images, the side of the map of logits (– where not even one logit fits):"
        by_depth = [(depth, list(patch_maps(model.model_validate({"n_layers": depth})))) for depth in DEPTHS]
        rows = [
            [str(depth), next(map(shown_field, (one for one in found if one.map_side)), "–"), *map(shown_map, found)]
            for depth, found in by_depth
        ]
        yield table(["`n_layers`", "receptive field", *(f"at {side}" for side in SIDES)], rows)


def shown_field(one: PatchMap) -> str:
    """``70``."""
    return field_in_words(one) if one.receptive_field else "all" if one.map_shape else "–"


def shown_map(one: PatchMap) -> str:
    """``14×14``."""
    return by_axis(one.map_shape) if one.map_shape else "–"


def stale(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Names of files that are missing, differ or should not be there."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Make the folder hold these pages and no other."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder, wanted):
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def main() -> None:
    """Write the pages, or with ``--check`` only compare."""
    parser = argparse.ArgumentParser(description="Write docs/components from the installed components.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    options = parser.parse_args()
    wanted = pages()
    from component_pictures import update  # here, because only drawing needs matplotlib

    registry = Registry.load(plugins=False)
    changed = [*stale(FOLDER, wanted), *update(registry, write=not options.check)]
    if options.check:
        sys.exit(f"out of date: {', '.join(changed)}; mend it with: make docs" if changed else 0)
    write(FOLDER, wanted)
    print(f"{len(wanted)} pages, {len(changed)} pages or pictures changed")


if __name__ == "__main__":
    main()
