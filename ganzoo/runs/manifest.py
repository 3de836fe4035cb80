"""``manifest.json``: what a run was made with, so that it can be explained, continued and repeated."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from ganzoo import cores
from ganzoo.config.layers import RESUMABLE, leaves
from ganzoo.errors import CheckpointError
from ganzoo.planning.plan import Plan
from ganzoo.protocols import DataSpec
from ganzoo.runs.directory import RunDirectory
from ganzoo.training.setup import Setup

CONDITIONS = ("versions", "plugins", "device", "threads")
"""What must be the same for a resumed run to equal an uninterrupted one bit by bit."""


def describe(
    plan: Plan, setup: Setup, *, warnings: Sequence[str], ancestry: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The manifest of a new run; ``warnings`` were said before it, ``ancestry`` is whose weights it starts from."""
    spec = plan.spec
    return {
        "status": "running",
        "step": setup.state.step,
        "started": _now(),
        "ended": None,
        **conditions(plan, setup),
        "seed": plan.config.seed,
        "config_hash": config_hash(plan),
        "ancestry": list(ancestry),
        "data": {
            "fingerprint": plan.dataset.fingerprint,
            "images": len(plan.dataset),
            "shape": list(spec.shape),
            "classes": list(spec.classes),
            "marginal": list(spec.marginal),
            "conditional": spec.conditional,
        },
        "passes": setup.game.passes,
        "parameters": {
            "generator": sum(parameter.numel() for parameter in setup.state.generator.parameters()),
            "discriminator": sum(parameter.numel() for parameter in setup.state.discriminator.parameters()),
        },
        "warnings": list(warnings),
        "origins": dict(plan.origins),
        "resumed": [],
    }


def conditions(plan: Plan, setup: Setup) -> dict[str, Any]:
    """What bit-equality depends on."""
    device = setup.runtime.device
    return {
        "versions": {
            "ganzoo": version("ganzoo"),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "platform": f"{sys.platform} {platform.machine()}",
        },
        "plugins": {entry.distribution: entry.version for entry in plan.entries.values()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": setup.runtime.threads or torch.get_num_threads(),
        "cores": None if (seen := cores.chosen()) is None else asdict(seen),
    }


def continued(before: Mapping[str, Any], plan: Plan, setup: Setup, *, warnings: Sequence[str]) -> dict[str, Any]:
    """The manifest of a run that goes on; a condition that changed is noted, since bit-equality ends there.

    Of ``warnings``, which were said before it went on, those are added that are new.
    """
    now = conditions(plan, setup)
    changed = {key: {"was": before.get(key), "is": now[key]} for key in CONDITIONS if before.get(key) != now[key]}
    entry = {"at": _now(), "step": setup.state.step, "changed": changed}
    return {
        **before,
        **now,
        "status": "running",
        "ended": None,
        "warnings": list(dict.fromkeys([*before.get("warnings", []), *warnings])),
        "resumed": [*before.get("resumed", []), entry],
    }


def ended(before: Mapping[str, Any], status: str, step: int, *, fault: str | None = None) -> dict[str, Any]:
    """The manifest of a run that stopped, for whatever reason; ``fault`` says what a part of it raised."""
    return {**before, "status": status, "step": step, "ended": _now(), "fault": fault}


def config_hash(plan: Plan) -> str:
    """SHA-256 of all that may not change within a run."""
    fixed = {
        path: value
        for path, value in sorted(leaves(plan.config.model_dump(mode="json")).items())
        if not path.startswith(RESUMABLE)
    }
    return hashlib.sha256(json.dumps(fixed).encode()).hexdigest()


def fixed(plan: Plan) -> dict[str, Any]:
    """What a checkpoint belongs to."""
    return {
        "config_hash": config_hash(plan),
        "data_fingerprint": plan.dataset.fingerprint,
        "versions": {"ganzoo": version("ganzoo"), "torch": torch.__version__},
    }


def check_config(state: Mapping[str, Any], plan: Plan, directory: RunDirectory) -> None:
    """Raise :class:`CheckpointError` if a checkpoint was made under another configuration than its run has."""
    if state.get("config_hash") != config_hash(plan):
        raise CheckpointError(
            f"the checkpoint was made with a different configuration than that in {directory.config}",
            hint=f"undo the change to that file, or start a new run with: ganzoo run --config {directory.config}",
        )


def check_data(before: Mapping[str, Any], plan: Plan) -> None:
    """Raise :class:`CheckpointError` if the data are not those the run was started with."""
    was = before.get("data", {}).get("fingerprint")
    if was not in (None, plan.dataset.fingerprint):
        raise CheckpointError(
            "the data have changed since the run was started",
            given=f"fingerprint {plan.dataset.fingerprint[:16]}…, {len(plan.dataset)} items",
            allowed=f"fingerprint {was[:16]}…, {before['data'].get('images')} items",
            hint="restore the data, or start a new run",
        )


def read_spec(directory: RunDirectory) -> DataSpec:
    """What the networks of a run were built for, without opening its data."""
    data = directory.read_manifest().get("data")
    if not data:
        raise CheckpointError(f"manifest.json of {directory.path.name} is missing or has no section 'data'")
    return DataSpec(
        shape=tuple(data["shape"]),
        classes=tuple(data["classes"]),
        marginal=tuple(data["marginal"]),
        conditional=data["conditional"],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
