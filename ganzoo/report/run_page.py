"""The report of a run: what came of it, in words and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.config.layers import leaves
from ganzoo.planning.goal import goal_of
from ganzoo.registry import Registry
from ganzoo.report.chart import Chart, line_chart
from ganzoo.report.curves import charts
from ganzoo.report.embedding import frames
from ganzoo.report.measured import Measured, during_training, measured_of
from ganzoo.report.page import render
from ganzoo.report.real_pictures import real_beside_fake
from ganzoo.report.verdict import verdict_of_run
from ganzoo.report.words import count, named
from ganzoo.runs.evaluating import read_evaluations
from ganzoo.runs.run import Run

DECIDED_BY_NOBODY = {"default", "size", "data"}
"""Origins of values that follow from others, or from nothing."""
SHORT = 16
"""Characters of a hash that are shown."""


@dataclass(frozen=True, kw_only=True)
class ConfigValue:
    """A value of the configuration and what decided it."""

    path: str
    value: str
    origin: str

    @property
    def decided(self) -> bool:
        """Whether somebody or something chose it."""
        return self.origin not in DECIDED_BY_NOBODY


def run_page(registry: Registry, run: Run) -> str:
    """The page of a run.

    Raises:
        ConfigError: its configuration cannot be read.
    """
    before = run.directory.read_manifest()
    rows = run.metrics() if run.directory.metrics.exists() else []
    measured = measured_of(read_evaluations(run.path))
    shown = frames(run.directory.grids())
    return render(
        "run.html",
        title=run.path.name,
        subtitle=_parts(run),
        statements=verdict_of_run(run, before, rows, measured),
        frames=shown,
        grids=len(run.directory.grids()),
        classes=run.classes if before.get("data") else (),
        real=real_beside_fake(registry, run),
        charts=[*charts(rows, goal_of(registry, run.config)), *_over_steps(measured)],
        measured=measured,
        during=during_training(rows),
        records=[_record(one) for one in measured],
        settings=_settings(run, before),
        warnings=before.get("warnings", []),
        provenance=_provenance(before),
        ancestry=before.get("ancestry", []),
        resumed=before.get("resumed", []),
    )


def _parts(run: Run) -> str:
    """``loss hinge, discriminator patchgan-sn, generator dcgan, data digits``."""
    config = run.config
    parts = [f"{kind} {getattr(config, kind).name}" for kind in ("loss", "discriminator", "generator", "data")]
    for section, word in (("regularizers", "regularizer"), ("augment", "augmentation")):
        parts += [f"{word} {name}" for name in getattr(config, section)]
    return ", ".join(parts)


def _over_steps(measured: Sequence[Measured]) -> list[Chart]:
    """A chart of every number that was measured at several steps, with real against real."""
    drawn = [
        line_chart(
            one.label,
            {one.label: list(one.steps.items())},
            goal=None if one.floor is None else (one.floor, one.floor),
            goal_label="real against real",
            smooth=False,
            colors=(4,),
        )
        for one in measured
        if len(one.steps) > 1
    ]
    return [chart for chart in drawn if chart is not None]


def _record(one: Measured) -> dict[str, str]:
    """What a number depends on, in words; hashes are shortened."""
    record = {key: value for key, value in one.record.items() if value not in (None, {}, "")}
    record |= {key: str(record[key])[:SHORT] for key in ("data", "extractor_digest") if key in record}
    return {key.replace("_", " "): _value(value) for key, value in record.items()} | {"seed": _value(one.seed)}


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _settings(run: Run, before: Mapping[str, Any]) -> list[ConfigValue]:
    origins = before.get("origins", {})
    values = leaves(run.config.model_dump(mode="json"))
    return [
        ConfigValue(path=path, value=_value(value), origin=str(origins.get(path, "default")))
        for path, value in values.items()
    ]


def _provenance(before: Mapping[str, Any]) -> dict[str, str]:
    data = before.get("data", {})
    found = {
        "started": before.get("started"),
        "ended": before.get("ended"),
        "device": before.get("device"),
        "threads": before.get("threads"),
        "versions": _listed(before.get("versions", {})),
        "plugins": _listed(before.get("plugins", {})),
        "parameters": _listed({name: count(number) for name, number in before.get("parameters", {}).items()}),
        "data": f"{count(data.get('images'))} items of shape {'×'.join(map(str, data.get('shape', ())))}",
        "classes": named(list(data.get("classes", ()))[:20]) + (" …" if len(data.get("classes", ())) > 20 else ""),
        "data fingerprint": data.get("fingerprint"),
        "configuration hash": before.get("config_hash"),
        "seed": before.get("seed"),
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _listed(things: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in things.items())
