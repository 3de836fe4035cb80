"""Rows one by one, as they are written, and the verdicts on them: live and afterwards the same."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from ganzoo.config.schema import RunConfig
from ganzoo.health import signs, signs_of_samples
from ganzoo.health.advice import WORDS, advice
from ganzoo.health.past import Past
from ganzoo.health.rows import Row
from ganzoo.health.verdict import Name, Sign, Verdict
from ganzoo.training.equilibrium import LossScale

AGAIN = "ganzoo run"
Found = dict[Name, tuple[Sign, int]]
"""What is found: with its evidence, and the step since which it can be seen."""


def verdicts(
    rows: Iterable[Row],
    *,
    loss: LossScale | None = None,
    config: RunConfig | None = None,
    again: str = AGAIN,
    diverged: str | None = None,
) -> list[Verdict]:
    """All verdicts on a run, in the order in which they began; too few rows give none.

    Args:
        rows: of ``metrics.jsonl``, in order.
        loss: how its rows are to be read: :func:`ganzoo.planning.goal.scale_of`, or
            :meth:`ganzoo.training.equilibrium.LossScale.of` of a loss. Without it, what depends on the loss is left
            out, but what D's objective has no part in is judged.
        config: of the run, for the values that commands suggest.
        again: the command that starts a run like this one.
        diverged: how the run ended, if a number was not finite.
    """
    monitor = Monitor(loss=lambda: loss, config=config, again=again)
    for row in rows:
        monitor.see(row)
    if diverged is not None:
        monitor.diverge(diverged)
    return monitor.verdicts


class Monitor:
    """Sees the rows of a run in order.

    Args:
        loss: asked once, when there are rows enough to judge.
        config: of the run.
        again: the command that starts a run like this one.

    Attributes:
        verdicts: all of them, in the order in which they began.
    """

    def __init__(
        self,
        *,
        loss: Callable[[], LossScale | None] = lambda: None,
        config: RunConfig | None = None,
        again: str = AGAIN,
    ) -> None:
        self.verdicts: list[Verdict] = []
        self._ask, self._config, self._again = loss, config, again
        self._loss: LossScale | None = None
        self._rows: deque[Row] = deque(maxlen=signs_of_samples.SWINGS)
        self._looks: deque[Row] = deque(maxlen=signs_of_samples.LOOKS)
        self._past = Past()

    @property
    def current(self) -> list[Verdict]:
        """Those that hold in the last row."""
        return [verdict for verdict in self.verdicts if verdict.until_step is None]

    def see(self, row: Row) -> list[Verdict]:
        """Judge with another row; gives the verdicts that begin with it."""
        self._rows.append(row)
        found = self._of_rows(row) | self._of_samples(row)
        return self._take(found, int(row["step"]))

    def diverge(self, evidence: str) -> Verdict:
        """The run ended with a number that was not finite."""
        step = int(self._rows[-1]["step"]) if self._rows else 0
        held: Found = {one.name: (Sign(one.evidence), one.since_step) for one in self.current}
        self._take({**held, "NaN": (Sign(evidence), step)}, step)
        return next(one for one in reversed(self.verdicts) if one.name == "NaN")

    def _of_rows(self, row: Row) -> Found:
        """What is found in the last rows."""
        found: Found = {}
        if bad := [name for name, value in row.items() if name.startswith(TRAINED) and not math.isfinite(value)]:
            found["NaN"] = (Sign(f"{', '.join(bad)} is not finite."), int(row["step"]))
        self._past.rows += 1
        if self._past.rows < signs.WINDOW:
            return found
        if self._past.rows == signs.WINDOW:
            self._loss = self._ask()
        rows = list(self._rows)
        window = rows[-signs.WINDOW :]
        for name, sign in SIGNS.items():
            if told := sign(window, self._past, self._loss):
                found[name] = (told, int(window[0]["step"]))
        if told := signs_of_samples.oscillation(rows):
            found["oscillation"] = (told, int(rows[0]["step"]))
        self._past.extend(window, self._loss)
        return found

    def _of_samples(self, row: Row) -> Found:
        """What is found in the last samples. They are not looked at in every row: until then, what was said stays."""
        if not any(name.startswith("samples/") for name in row):
            return {one.name: (Sign(one.evidence), one.since_step) for one in self.current if one.name in OF_SAMPLES}
        self._looks.append(row)
        self._past.diversity = max(self._past.diversity, row.get("samples/diversity", 0.0))
        looks, since = list(self._looks), int(self._looks[0]["step"])
        told = {
            "diversity falling": signs_of_samples.diversity_falling(looks, self._past.diversity),
            "memorizing": signs_of_samples.memorizing(looks),
        }
        return {name: (told[name], since) for name in OF_SAMPLES if told[name]}  # type: ignore[misc]

    def _take(self, found: Found, step: int) -> list[Verdict]:
        """End what holds no longer, and begin what is new: what returns before it could be over was never over."""
        kept = [
            replace(one, until_step=step) if one.until_step is None and one.name not in found else one
            for one in self.verdicts
        ]
        new = []
        for name, (sign, since) in found.items():
            last = next((at for at in reversed(range(len(kept))) if kept[at].name == name), None)
            until = since - 1 if last is None else kept[last].until_step
            if last is not None and (until is None or until >= since):
                kept[last] = replace(kept[last], until_step=None)
            else:
                new.append(self._verdict(name, sign, since))
        self.verdicts = kept + new
        return new

    def _verdict(self, name: Name, sign: Sign, since: int) -> Verdict:
        told = advice(name, sign.cause, config=self._config, again=self._again)
        return Verdict(
            name=name,
            since_step=since,
            words=WORDS[name],
            evidence=sign.evidence,
            try_=told.try_,
            command=told.command,
        )


TRAINED = ("d/", "g/", "logits/", "grad_norm/")
SIGNS: dict[Name, Callable[[list[Row], Past, LossScale | None], Sign | None]] = {
    "D won": signs.d_won,
    "D blind": signs.d_blind,
    "G's gradient gone": signs.gradient_gone,
}
OF_SAMPLES: tuple[Name, ...] = ("diversity falling", "memorizing")
