"""What each recipe makes of the digits in the same short time: narrow networks, a CPU, a digit classifier.

    python examples/recipes.py

Every recipe keeps its loss, optimizer and learning rates; the table shows what was made smaller for a CPU. By default
each recipe gets the same time, and a warm-up determines how many steps fit into it. With --steps all get the same
number of steps, which can be reproduced to the bit. 1,000 samples are judged. Writes docs/figures/recipes.md. Existing
results (--out) are reused. The recipe `unrolled` makes points, not images: see examples/modes.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.metadata import version
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# Before torch is loaded, here and in the workers: two runs side by side use two cores.
os.environ["OMP_NUM_THREADS"] = "1"

import torch
from judge import Judge
from rich.console import Console

from ganzoo import load_run
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import DivergedError
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.registry import Registry
from ganzoo.runs.assembly import assemble
from ganzoo.runs.session import start
from ganzoo.training.loop import train

FIGURES = Path(__file__).parents[1] / "docs" / "figures" / "recipes.md"
SAMPLES = 1000
DIGITS = 10
WARM_UP = 6.0
NARROW = {"generator.ngf": 16, "discriminator.ndf": 16}
NARROW_RESIDUAL = {**NARROW, "train.batch_size": 32}
OVERRIDES: dict[str, dict[str, Any]] = {
    "gan": {},
    "dcgan": NARROW,
    "wgan": NARROW,
    "wgan-gp": NARROW,
    "lsgan": NARROW,
    "acgan": {"generator.ngf": 24, "discriminator.ndf": 16},
    "cgan": NARROW,
    "sngan": NARROW_RESIDUAL,
    "sagan": NARROW_RESIDUAL,
    "sn-hinge": NARROW,
    # At 32 pixels this field of 16 is the share of the image that 70 is of 128.
    "patchgan-sn-hinge": {**NARROW, "discriminator.n_layers": 1, "data.image_size": 32},
    "patchgan-sn-hinge-small": {**NARROW, "discriminator.n_layers": 1, "data.image_size": 32},
    "relativistic": NARROW,
    "r3gan": {"generator.width": 16, "discriminator.width": 16, "train.batch_size": 64},
    "progressive": {"generator.width": 32, "discriminator.width": 32, "generator.latent": 64},
    "biggan": {"generator.ngf": 8, "discriminator.ndf": 8, "train.batch_size": 32, "train.accumulate": 1},
    "stylegan2-small": {"generator.ngf": 8, "discriminator.ndf": 16},
}
"""Recipe → what is made smaller for a CPU."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="time of each run, if --steps does not rule")
    parser.add_argument("--steps", type=int, help="generator steps of each run, whatever time they take")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, of one thread each")
    parser.add_argument("--recipes", nargs="+", default=list(OVERRIDES), choices=list(OVERRIDES))
    parser.add_argument("--out", type=Path, default=Path("runs-recipes"), help="folder of the runs and their results")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tasks = list(product(options.recipes, options.seeds))
    rows = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(measured, *task, options.seconds, options.steps, options.out) for task in tasks]
        for future in futures:
            rows.append(future.result())
            print(json.dumps(rows[-1]), flush=True)
    options.figures.parent.mkdir(parents=True, exist_ok=True)
    options.figures.write_text(page(rows, options), encoding="utf-8")
    print(f"written to {options.figures}")


def measured(recipe: str, seed: int, seconds: float, steps: int | None, out: Path) -> dict[str, Any]:
    """One run and what the judge says of it, or what is known of it from before."""
    budget = f"{seconds:g}s" if steps is None else f"{steps}"
    kept = out / f"{recipe}-{budget}-{seed}.json"
    if kept.exists():
        result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return result
    steps = steps or max(1, round(seconds / seconds_per_step(planned(recipe, seed, steps=10**9))))
    begun = time.perf_counter()
    result = {"recipe": recipe, "seed": seed, "steps": steps}
    try:
        run = start(planned(recipe, seed, steps=steps), out=out, console=Console(quiet=True))
        result |= {"seconds": time.perf_counter() - begun, "images": run.metrics()[-1]["images"]}
        result |= {"run": run.path.name, **verdict(run.path, seed)}
    except DivergedError as error:
        result |= {"seconds": time.perf_counter() - begun, "diverged": error.message.partition(";")[0]}
    result["judge"] = {"accuracy": judge().accuracy, "confident_on_real": judge().confident_on_real}
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps(result), encoding="utf-8")
    partial.replace(kept)
    return result


def planned(recipe: str, seed: int, *, steps: int) -> Plan:
    registry = Registry.load()
    often = {"train.steps": steps, "train.sample_every": max(1, steps // 8), "train.checkpoint_every": steps}
    here = {"seed": seed, "runtime.threads": 1, "runtime.device": "cpu"}
    return make_plan(
        choose(registry, [file_layer(recipe, registry), ConfigLayer("this example", OVERRIDES[recipe] | often | here)])
    )


def seconds_per_step(plan: Plan) -> float:
    """The mean over a few seconds of training that is thrown away, terms that come every 16th step included."""
    setup = assemble(plan)
    with setup.runtime.active():
        reports = train(setup)
        next(reports)
        begun = time.perf_counter()
        for done, _ in enumerate(reports, start=1):
            spent = time.perf_counter() - begun
            if spent > WARM_UP and done >= 4:
                return spent / done
    raise AssertionError("training ended during the warm-up")


@cache
def judge() -> Judge:
    """One judge in each process; its training is seeded, so all of them are the same."""
    return Judge()


def verdict(path: Path, seed: int) -> dict[str, Any]:
    run, digits = load_run(path), judge()
    labels = [number % DIGITS for number in range(SAMPLES)] if run.classes else None
    images = run.sample(SAMPLES, labels=labels, seed=seed)
    found = digits(images)
    asked = None
    if labels is not None:
        of_class = torch.tensor(labels)
        asked = sum(digits(images[of_class == digit]).shares[digit] for digit in range(DIGITS)) / DIGITS
    return {
        "confident": found.confident,
        "ratio": found.ratio,
        "rarest": min(found.shares),
        "commonest": max(found.shares),
        "asked": asked,
        "variety": found.variety,
    }


def page(rows: list[dict[str, Any]], options: argparse.Namespace) -> str:
    of_judge = rows[0]["judge"]
    budget = (
        f"{options.seconds:g} seconds of one thread, {options.workers} runs side by side; a warm-up of {WARM_UP:g} "
        "seconds determines how many steps fit, so another machine does another number"
        if options.steps is None
        else f"{options.steps:,} generator steps"
    )
    lines = [
        "# What the recipes make of the digits in a short time",
        "",
        "Made by `python examples/recipes.py`; do not edit.",
        "",
        "This is not a contest: the settings come from papers whose runs were many times as long, on other data, and "
        "nothing was tuned for this comparison. Each recipe keeps its loss, optimizer, learning rates and "
        "regularizers; the second column shows what was made smaller. Learning-rate schedules run over the steps that "
        "were done.",
        "",
        f"- budget per run: {budget}",
        f"- judge: a small CNN, correct on {of_judge['accuracy']:.1%} of the held-out real digits and confident "
        f"(> 0.9) on {of_judge['confident_on_real']:.1%} of them",
        f"- samples: {SAMPLES} per run, from the averaged generator; a conditional one is asked for all digits equally "
        "often",
        "- ratio: share of confident samples divided by the share of confident real digits",
        "- as asked: share of the samples in which the judge sees the digit that was asked for",
        "- variety: how much samples of one digit differ, divided by how much real ones do. 0 means one picture per "
        "digit, which the other columns do not notice; noise counts as variety",
        "- images seen: real images shown to the discriminator, from a set of 1,438",
        "- `unrolled` makes points, not images: see [mode collapse](modes.md)",
        f"- machine: {platform.machine()}, torch {torch.__version__}, ganzoo {version('ganzoo')}",
        "",
        "| recipe | made smaller | seed | steps | images seen | confident | ratio | rarest digit "
        "| commonest digit | as asked | variety | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(table_row(row) for row in rows),
        "",
    ]
    return "\n".join(lines)


def table_row(row: dict[str, Any]) -> str:
    smaller = ", ".join(f"{path} {value}" for path, value in OVERRIDES[row["recipe"]].items()) or "–"
    if "diverged" in row:
        return f"| {row['recipe']} | {smaller} | {row['seed']} | diverged: {row['diverged']} |" + " – |" * 8
    asked = "–" if row["asked"] is None else f"{row['asked']:.3f}"
    shares = " | ".join(f"{row[key]:.3f}" for key in ("confident", "ratio", "rarest", "commonest"))
    done = f"{row['seed']} | {row['steps']:,} | {row['images']:,}"
    return (
        f"| {row['recipe']} | {smaller} | {done} | {shares} | {asked} | {row['variety']:.2f} | {row['seconds']:.0f} |"
    )


if __name__ == "__main__":
    main()
