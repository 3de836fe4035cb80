"""``manifest.json``: what a run was made with, so that it can be explained, continued and repeated."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from ganzoo import cores
from ganzoo.config.layers import leaves, read_yaml, resumable
from ganzoo.errors import CheckpointError
from ganzoo.planning.plan import Plan
from ganzoo.protocols import DataSpec
from ganzoo.regular import regular_text
from ganzoo.runs.directory import RunDirectory
from ganzoo.training.setup import Setup

CONDITIONS = ("versions", "plugins", "device", "threads", "processes")
"""What must be the same for a resumed run to equal an uninterrupted one bit by bit."""
LARGEST_ITEM = 2**28
"""Numbers of one item: a volume of 512×512×512 has half as many."""


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
        "config_hash": config_hash(written(plan)),
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
        "requirements": {entry.distribution: entry.requirement for entry in plan.entries.values()},
        "components": {section: entry.qualified for section, entry in plan.entries.items()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": setup.runtime.threads or torch.get_num_threads(),
        **({} if setup.game.team.alone else {"processes": setup.game.team.size}),
        "cores": None if (seen := cores.chosen()) is None else asdict(seen),
    }


def continued(before: Mapping[str, Any], plan: Plan, setup: Setup, *, warnings: Sequence[str]) -> dict[str, Any]:
    """The manifest of a run that goes on; a condition that changed is noted, since bit-equality ends there.

    Of ``warnings``, which were said before it went on, those are added that are new. A newer version of a plugin may
    write other options than the run was started with: the former hash is kept, for the checkpoints that bear it.
    """
    now = conditions(plan, setup)
    changed = {
        key: {"was": before.get(key), "is": now.get(key)} for key in CONDITIONS if before.get(key) != now.get(key)
    }
    entry = {"at": _now(), "step": setup.state.step, "changed": changed}
    if (former := before.get("config_hash")) != config_hash(written(plan)):
        entry["config_hash"] = former
    return {
        **describe(plan, setup, warnings=()),  # in place of what was lost with the manifest, if it was
        **{key: value for key, value in before.items() if key != "processes"},
        **now,
        "config_hash": config_hash(written(plan)),
        "status": "running",
        "ended": None,
        "warnings": list(dict.fromkeys([*before.get("warnings", []), *warnings])),
        "resumed": [*before.get("resumed", []), entry],
    }


def ended(before: Mapping[str, Any], status: str, step: int, *, fault: str | None = None) -> dict[str, Any]:
    """The manifest of a run that stopped, for whatever reason; ``fault`` says what a part of it raised."""
    return {**before, "status": status, "step": step, "ended": _now(), "fault": fault}


def written(plan: Plan) -> dict[str, Any]:
    """What ``config.yaml`` holds of a plan."""
    return plan.config.model_dump(mode="json")


def config_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of all in a ``config.yaml`` that may not change within a run."""
    fixed = {path: value for path, value in sorted(leaves(content).items()) if not resumable(path)}
    return hashlib.sha256(json.dumps(fixed).encode()).hexdigest()


def fixed(plan: Plan) -> dict[str, Any]:
    """What a checkpoint belongs to."""
    return {
        "config_hash": config_hash(written(plan)),
        "data_fingerprint": plan.dataset.fingerprint,
        "versions": {"ganzoo": version("ganzoo"), "torch": torch.__version__},
    }


def check_config(before: Mapping[str, Any], plan: Plan, directory: RunDirectory) -> None:
    """Raise :class:`CheckpointError` if ``config.yaml`` is not what its run wrote, nor means the same.

    The file is looked at as it stands, for another version of a plugin may make other options of it. A manifest that
    was lost says nothing: then the checkpoint is asked.
    """
    if before and not _present_hashes(plan, directory) & _known_hashes(before):
        raise _changed(directory)


def check_checkpoint(state: Mapping[str, Any], before: Mapping[str, Any], plan: Plan, directory: RunDirectory) -> None:
    """Raise :class:`CheckpointError` if a checkpoint was made under another configuration than its run has."""
    if state.get("config_hash") not in (_known_hashes(before) or _present_hashes(plan, directory)):
        raise _changed(directory)


def _present_hashes(plan: Plan, directory: RunDirectory) -> set[object]:
    """Those of ``config.yaml`` as it stands, and as these versions of its plugins write it."""
    content = read_yaml(regular_text(directory.config), str(directory.config))
    return {config_hash(content), config_hash(written(plan))}


def _known_hashes(before: Mapping[str, Any]) -> set[object]:
    """Those of the run's configuration, as every version of its plugins wrote it."""
    return {before.get("config_hash"), *(entry.get("config_hash") for entry in before.get("resumed", ()))} - {None}


def _changed(directory: RunDirectory) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint was made with a different configuration than that in {directory.config}",
        hint=f"undo the change to that file, or start a new run with: {directory.again()}",
    )


def read_spec(directory: RunDirectory) -> DataSpec:
    """What the networks of a run were built for, without opening its data.

    Raises:
        CheckpointError: the manifest does not say, or says what no data are; a stranger's may say anything.
    """
    data = directory.read_manifest().get("data", {})
    if not {"shape", "classes", "marginal", "conditional"} <= data.keys():
        raise CheckpointError(f"manifest.json of {directory.path.name} is missing or has no whole section 'data'")
    if fault := _fault_of(data):
        key, allowed = fault
        raise CheckpointError(
            f"manifest.json of {directory.path.name} does not describe data: {key}",
            given=f"data.{key} = {str(data[key])[:60]}",
            allowed=allowed,
            hint="take the manifest.json with which the run was trained",
        )
    return DataSpec(
        shape=tuple(data["shape"]),
        classes=tuple(data["classes"]),
        marginal=tuple(data["marginal"]),
        conditional=data["conditional"],
    )


def _fault_of(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """The key whose value no data have, and what it may be."""
    shape, marginal = data["shape"], data["marginal"]
    if not shape or min(shape) < 1 or math.prod(shape) > LARGEST_ITEM:
        return "shape", f"numbers of at least 1, whose product is at most {LARGEST_ITEM:,}"
    if len(marginal) != len(data["classes"]) or not all(0 <= share <= 1 for share in marginal):
        return "marginal", "a share from 0 to 1 of each class"
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
