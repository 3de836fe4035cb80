"""The data that a run was trained on, opened again, whatever it was measured by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.config import layers as configuration
from ganzoo.config.layers import ConfigLayer
from ganzoo.evaluation.opened import OpenedData, open_measurable
from ganzoo.planning.choice import choose
from ganzoo.registry import Registry
from ganzoo.runs import provenance, same_data
from ganzoo.runs.run import Run

BESIDES = ("metrics", "extractors", "eval")
"""Sections that say what a run is measured by: their components may be gone by now, and nothing is measured."""


def without_measures(values: Mapping[str, Any]) -> dict[str, Any]:
    """The paths of a configuration without what the run was measured by.

    The rule by which checkpoints stay goes as well: ``best`` needs a metric.
    """
    return {
        path: value for path, value in values.items() if path.partition(".")[0] not in BESIDES and path != "train.keep"
    }


def open_own_data(registry: Registry, run: Run) -> OpenedData:
    """The training data of a run.

    Raises:
        CheckpointError: they are other data by now.
        ConfigError: the manifest does not say what they are.
        DataError: they are gone or cannot be read.
        PluginError: what reads them is gone.
    """
    kept = without_measures(configuration.flatten(run.config.model_dump(mode="json")))
    before = run.directory.read_manifest()
    pinned = provenance.as_it_was(registry, before, run.config, section="data")
    saved = ConfigLayer(str(run.directory.config), kept, verbatim=True)
    with provenance.told_of_other_versions(registry, before), same_data.told_where(run.config.data, run.directory):
        opened = open_measurable(choose(pinned, [saved]), labeled=bool(run.classes))
    same_data.check(before.get("data", {}).get("fingerprint"), opened, run.directory)
    return opened
