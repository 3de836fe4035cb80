"""Every loss, critic, generator and regularizer in two and three processes: gradients are those of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from team_process import REGISTRY, SIZES

from ganzoo.planning.ranks import takes_rank

PROCESS = Path(__file__).with_name("team_process.py")
pytestmark = pytest.mark.xdist_group("team components")  # one process makes what they share

PLAYERS = ("discriminator", "generator")
NARROW = {"ndf": 4, "width": 8, "minibatch": "none", "extractor": "random-conv", "resize": 16}
ONE_STEP = {"train.optimizer": "sgd", "train.n_critic": 1, "train.steps": 1, "train.ema": None}
IN_PARTS = {"train.n_critic": 2, "train.accumulate": 2}
AT_ONCE = {"top-k": {"loss.every": 1, "loss.decay": 0.5}}
"""Options of losses that become what they are later on."""
TWO_WIDE = {"discriminator.ndf": 2}
PLAIN = {"discriminator.name": "dcgan", **TWO_WIDE, "discriminator.norm": "instance"}
HEADS = {"discriminator.name": "acgan", **TWO_WIDE, "discriminator.norm": "instance"}


def of(kind, entry):
    """One component among small ones, with options under which it acts in the first update."""
    tags, options = entry.component.tags, entry.options().model_fields
    if kind == "loss":
        judged = "autoencoder" if "needs_energy" in tags else "multiscale-patchgan"
        return {**AT_ONCE.get(entry.name, {}), "loss.name": entry.name, "discriminator.name": judged, **TWO_WIDE}
    if kind == "regularizer":
        critic = PLAIN
        if "needs_class_logits" in tags:
            critic = HEADS
        if "needs_embedding" in tags:
            critic = {"discriminator.name": "embedding", "discriminator.ndf": 4}
        style = {"generator.name": "stylegan"} if "needs_style" in tags else {}
        acts = {f"regularizers.{entry.name}.{option}": 1 for option in ("every", "weight")}
        return {**critic, **style, "regularizers": True, **acts}
    narrow = {f"{kind}.{name}": NARROW[name] for name in NARROW if name in options}
    critic = PLAIN if kind == "generator" else {}
    return {**critic, f"{kind}.name": entry.name, **narrow}


def trainable(kind, entry):
    """Critics of sound judge no pictures; the minibatch layer of ``progressive`` cannot be left out."""
    tags = entry.component.tags
    couples = "batch_coupled_always" in tags and "minibatch" not in entry.options().model_fields
    return kind not in ("discriminator", "generator") or (takes_rank(tags, 2) and not couples)


COMPONENTS = {
    f"{kind}-{entry.name}": {**ONE_STEP, **of(kind, entry)}
    for kind in ("loss", "discriminator", "generator", "regularizer")
    for entry in REGISTRY.entries(kind)
    if trainable(kind, entry)
}
PARTS = {f"{name}-in-parts": {**values, **IN_PARTS} for name, values in COMPONENTS.items()}
CASES = {**COMPONENTS, **PARTS}
BY = dict.fromkeys(COMPONENTS, 2) | dict.fromkeys(PARTS, 3)
"""How many processes take a case: two a whole batch, and three its parts, for each costs as much as one alone."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All cases in the same processes: size → what the first process of so many found, by case."""
    folder = tmp_path_factory.mktemp("teams")
    sizes = {name: [1, several] for name, several in BY.items()}
    (folder / "cases.json").write_text(json.dumps({"cases": CASES, "sizes": sizes}))
    subprocess.run([sys.executable, PROCESS, folder, folder / "cases.json"], check=True, timeout=600)
    return {size: torch.load(folder / f"{size}-0.pt", weights_only=True) for size in (1, *SIZES)}


@pytest.mark.parametrize(("case", "size"), BY.items())
def test_several_processes_have_the_gradients_of_one(found, case, size):
    one, several = found[1][case], found[size][case]
    gradients = [name for name in one if name.startswith("gradient/")]
    assert all(any(one[name].any() for name in gradients if f"/{player}/" in name) for player in PLAYERS)
    if CASES[case].get("generator.name") == "stylegan":
        # Each process draws noise of its own. It counts nothing in the first update, but in how strong it is to become.
        one, several = ({name: of[name] for name in gradients if "strength" not in name} for of in (one, several))
    torch.testing.assert_close(several, one, rtol=1e-10, atol=1e-10)
