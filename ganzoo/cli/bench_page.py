"""What ``ganzoo bench`` prints for people: figures of each contestant, ratios, and where the time of a step goes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.screen import Screen, Text

WIDTH = 80
PARTS = {
    "data": "data: a batch is read and put in place",
    "fakes_for_discriminator": "G's forward pass for D's update",
    "discriminator_forward": "D's forward pass in its update",
    "discriminator_backward": "D's backward pass, that of penalties included",
    "penalty": "penalties and other regularizers",
    "generator_forward": "forward pass of G, and of D on its fakes",
    "generator_backward": "G's backward pass",
    "augmentation": "augmentation",
    "optimizer": "optimizers",
    "watch": "watch: metric rows",
    "rest": "rest: draws, losses, finite check, average",
}


def show(out: Screen, result: Mapping[str, Any]) -> None:
    """Print the figures."""
    for line in page(result):
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ", drop_whitespace=True) or [""]:
            out.print(Text(part), soft_wrap=True)


def page(result: Mapping[str, Any]) -> Iterator[str]:
    """The lines."""
    yield from _head(result["settings"], result["machine"])
    yield ""
    yield f"{'':<14} {'images/s':>9} {'ms per step':>19} {'GFLOP':>7} {'of peak':>8} {'memory':>9} {'start':>7}"
    for label, figures in result["contestants"].items():
        yield _row(label, figures)
    yield ""
    for label, ratio in result["ratios"].items():
        quartiles = "{median:.2f} ({lower_quartile:.2f}–{upper_quartile:.2f})".format_map(ratio)
        yield f"{f'ganzoo / {label}':<22} {quartiles} times as fast; by least times {ratio['of_least_seconds']:.2f}"
    yield ""
    parts = result["breakdown_milliseconds"]
    whole = sum(parts.values())
    yield f"{'where a step of ganzoo goes (mean)':<54} {'ms':>8} {'share':>7}"
    for part, taken in parts.items():
        if taken:
            yield f"  {PARTS[part]:<52} {taken:8.2f} {taken / whole:7.1%}"
    yield f"  {'all':<52} {whole:8.2f} {1:7.1%}"
    yield ""
    yield from _notes(result)


def _head(settings: Mapping[str, Any], host: Mapping[str, Any]) -> Iterator[str]:
    parts = [settings["loss"], settings["discriminator"], settings["generator"]]
    yield " + ".join([*parts, *settings["regularizers"], *settings["augment"]])
    shape = "×".join(map(str, settings["shape"]))
    critics = f", n_critic {settings['n_critic']}" if settings["n_critic"] > 1 else ""
    compiled = ", compiled" if settings["compile"] else ""
    yield (
        f"{settings['data']} {shape}, batch {settings['batch_size']}{critics}, {settings['precision']}{compiled}, "
        f"{settings['device']}"
    )
    processor = host["gpu"] if settings["device"].startswith("cuda") else host["processor"]
    free = "" if host["free_cores"] is None else f" ({host['free_cores']} free at the start)"
    yield f"{processor}, {host['cores']} cores{free}, {host['threads']} threads, torch {host['torch']}"


def _row(label: str, figures: Mapping[str, Any]) -> str:
    seconds = figures["seconds_per_step"]
    low, median, high = (1e3 * seconds[key] for key in ("lower_quartile", "median", "upper_quartile"))
    digits = 1 if median < 100 else 0
    step = f"{median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
    memory = _or_unknown(figures["peak_memory_mib"], "{:.0f} MiB")
    start = _or_unknown(figures["first_step_seconds"], "{:.1f} s")
    rate, gflop, share = figures["images_per_second"], figures["gflop_per_step"], figures["share_of_peak"]
    return f"{label:<14} {rate:9.1f} {step:>19} {gflop:7.2f} {share:8.1%} {memory:>9} {start:>7}"


def _or_unknown(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    settings, rounds = result["settings"], result["rounds"]
    peaks = ", ".join(f"{rate:.0f} GFLOP/s in {name}" for name, rate in result["peak_gflop_per_second"].items())
    of = "processor time" if settings["clock"] == "cpu" else "time that passed"
    per = "one step" if settings["steps_per_turn"] == 1 else f"{settings['steps_per_turn']} steps"
    yield f"medians of {rounds['kept']} rounds in turns of {per}, quartiles in brackets; {of}; ratios within rounds"
    if rounds["disturbed"] is not None:
        again = f"{rounds['repeated']} more were repeated"
        yield f"rounds that other programs disturbed: {rounds['disturbed']}, and {again}"
    yield f"peak: the best rate of large products and convolutions here, {peaks}"
    yield "memory, start: peak of a new process, and its wait for the end of the first step"
    if settings["precision"] == "bf16" and not (result["machine"]["bf16_units"] or result["machine"]["gpu"]):
        yield "this processor says nothing of bf16 units: bf16 is slow without them"
    for remark in result["remarks"]:
        yield f"note: {remark}"
