"""Health while it happens: a phrase for the progress line, and a warning once for each thing that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ganzoo.config.layers import RunConfig
from ganzoo.health.monitor import Monitor
from ganzoo.health.verdict import Verdict
from ganzoo.protocols import Report
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.listing import rows_of
from ganzoo.training.equilibrium import LossScale

logger = logging.getLogger("ganzoo")


class HealthWatch:
    """Judges each row once it is written. Warnings also go into the manifest.

    Args:
        run: where the rows of a run that goes on are, and where warnings are kept.
        config: what is trained.
        scale: how rows are to be read; asked once there are enough of them.
        latest: the numbers of the last metric row.
    """

    def __init__(
        self,
        run: RunDirectory,
        config: RunConfig,
        *,
        scale: Callable[[], LossScale | None],
        latest: Callable[[], Mapping[str, float]],
    ) -> None:
        self._run, self._latest = run, latest
        self._monitor = Monitor(loss=scale, config=config, again=run.again())
        for row in rows_of(run.metrics):
            self._monitor.see(row)
        self._said = {one.name for one in self._monitor.verdicts}

    def __call__(self, report: Report) -> None:
        """Judge the row of a logged step."""
        if not report.scalars:
            return
        for verdict in self._monitor.see({"step": report.step, **self._latest()}):
            if verdict.name not in self._said:
                self._said.add(verdict.name)
                self._warn(verdict)

    def _warn(self, verdict: Verdict) -> None:
        logger.warning("%s", verdict)
        record = self._run.read_manifest()
        self._run.write_manifest({**record, "warnings": [*record.get("warnings", []), str(verdict)]})

    @property
    def phrase(self) -> str:
        """What is wrong now, in a few words; empty while nothing is."""
        first, *others = [one.phrase for one in self._monitor.current] or [""]
        return f"{first} (+{len(others)} more)" if others else first

    def close(self) -> None:
        """Nothing is held open."""
