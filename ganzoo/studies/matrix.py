"""Every loss with every discriminator: what fits, what is ill-posed, what is refused, what breaks in training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from ganzoo.config.finding import Finding, refusal
from ganzoo.config.layers import ConfigLayer, Merged, merge
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError, DataError, GanzooError, PluginError
from ganzoo.planning.choice import choose
from ganzoo.planning.options import read_options
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.protocols import Dataset
from ganzoo.registry import Entry, Registry, one_line
from ganzoo.runs.assembly import assemble
from ganzoo.training.loop import train

Status = Literal["ok", "warn", "refused", "failed"]

SECTIONS = ("loss", "discriminator")
SMALL = ConfigLayer(
    "ganzoo matrix",
    {
        "discriminator.ndf": 8,
        "discriminator.resize": 32,
        "discriminator.width": 16,
        "generator.ngf": 8,
        "generator.width": 16,
        "generator.latent": 16,
        "train.batch_size": 8,
    },
    suggestion=True,
)
"""Narrow networks and small batches, where a component has these options. Widths decide nothing about what fits."""


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """What became of a loss with a discriminator.

    Attributes:
        status: ``ok``; ``warn``: runs, but is ill-posed; ``refused``: cannot be computed; ``failed``: it should work,
            and broke while it was built or trained, or a number was not finite.
        reasons: what was found, each with what mends it; empty if all is well.
    """

    loss: str
    discriminator: str
    status: Status
    reasons: tuple[str, ...] = ()

    def row(self) -> dict[str, str]:
        """The result for programs; of several reasons each has a line."""
        return {
            "loss": self.loss,
            "discriminator": self.discriminator,
            "status": self.status,
            "reason": "\n".join(self.reasons),
        }


def pairs(
    registry: Registry, *, losses: Iterable[str] = (), discriminators: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """The names of all pairs, third parties' included, or of those that are named.

    Raises:
        ConfigError: a name that nobody provides, or several do.
    """
    chosen = (_names(registry, "loss", losses), _names(registry, "discriminator", discriminators))
    return [(loss, discriminator) for loss in chosen[0] for discriminator in chosen[1]]


def _names(registry: Registry, kind: str, asked: Iterable[str]) -> list[str]:
    entries = [registry.get(kind, name) for name in asked] or registry.entries(kind)
    return [registry.shortest(entry) for entry in entries]


def matrix(
    registry: Registry,
    layers: Sequence[ConfigLayer] = (),
    *,
    steps: int = 0,
    losses: Iterable[str] = (),
    discriminators: Iterable[str] = (),
) -> Iterator[PairResult]:
    """Plan each pair as ``ganzoo run`` would, and with ``steps`` train it.

    A loss brings what it suggests, as in a run. Options of losses and discriminators in ``layers`` hold where a
    component has them.

    Args:
        registry: where the components come from.
        layers: the configuration that all pairs share.
        steps: generator steps each pair is trained for; 0 trains none.
        losses: those to be looked at; all of them unless given.
        discriminators: likewise.

    Raises:
        ConfigError: what is wrong with ``layers`` whatever the pair.
        DataError: the data cannot be read.
    """
    choose(registry, layers)
    opened: dict[str, Dataset] = {}
    shared = [SMALL, *_where_they_apply(registry, layers)]
    for loss, discriminator in pairs(registry, losses=losses, discriminators=discriminators):
        names = ConfigLayer("pair", {"loss.name": loss, "discriminator.name": discriminator})
        count = ConfigLayer("--run", {"train.steps": steps, "train.log_every": 1} if steps else {})
        pair = PairResult(loss=loss, discriminator=discriminator, status="ok")
        yield _result(registry, [*shared, names, count], pair, steps, opened)


def _result(
    registry: Registry, layers: Sequence[ConfigLayer], result: PairResult, steps: int, opened: dict[str, Dataset]
) -> PairResult:
    entries = (registry.get("loss", result.loss), registry.get("discriminator", result.discriminator))
    lacking = tuple(_lack(entry) for entry in entries if entry.missing())
    if lacking:
        return replace(result, status="refused", reasons=lacking)
    try:
        plan = make_plan(choose(registry, layers), opened=opened)
    except DataError:
        raise
    except ConfigError as error:
        return replace(result, status="refused", reasons=(_told(error.message, error.hint),))
    except Exception as error:
        return replace(result, status="failed", reasons=(_fault(error),))
    warnings = tuple(_told(finding.reason, finding.fix) for finding in plan.warnings)
    if warnings:
        result = replace(result, status="warn", reasons=warnings)
    fault = _train(plan) if steps else None
    return result if fault is None else replace(result, status="failed", reasons=(fault, *warnings))


def _lack(entry: Entry) -> str:
    return f"{entry.kind} {entry.name} needs {', '.join(entry.missing())}, which is not installed"


def _train(plan: Plan) -> str | None:
    """Train the pair; what went wrong, if something did. One broken pair must not stop the others."""
    try:
        setup = assemble(plan)
        with setup.runtime.active():
            for report in train(setup):
                infinite = [name for name, value in report.scalars.items() if not torch.isfinite(value).all()]
                if infinite:
                    return f"not finite at step {report.step}: {', '.join(infinite)}"
        for player in ("discriminator", "generator"):
            network: torch.nn.Module = getattr(setup.state, player)
            if not all(torch.isfinite(weight).all() for weight in network.parameters()):
                return f"the weights of the {player} are not finite after step {setup.state.step}"
    except (Exception, SystemExit) as error:
        return _fault(error)
    return None


def _fault(error: BaseException) -> str:
    return _told(error.message, error.hint) if isinstance(error, GanzooError) else one_line(error)


def _told(reason: str, fix: str | None) -> str:
    return f"{reason} (next: {fix})" if fix else reason


def _where_they_apply(registry: Registry, layers: Sequence[ConfigLayer]) -> list[ConfigLayer]:
    """The layers, options of losses and discriminators apart: those hold where a component has them.

    Raises:
        ConfigError: an option that none of them has, or a value that none of those who have it takes.
    """
    options: dict[str, set[str]] = {}
    found = []
    for layer in layers:
        paths = [path for path in layer.values if path.partition(".")[0] in SECTIONS and not path.endswith(".name")]
        for path in paths:
            section, _, key = path.partition(".")
            if section not in options:
                options[section] = _all_options(registry, section)
            if key.partition(".")[0] not in options[section]:
                raise ConfigError(
                    f"no {section} has an option {key}{did_you_mean(key, options[section])}",
                    given=path,
                    allowed=", ".join(sorted(options[section])),
                )
        found.append(replace(layer, values={path: layer.values[path] for path in paths}, suggestion=True))
        rest = {path: value for path, value in layer.values.items() if path not in paths}
        found.append(replace(layer, values=rest))
    _refuse_values(registry, merge(layers))
    return found


def _refuse_values(registry: Registry, merged: Merged) -> None:
    """Refuse a value of an option that no loss or discriminator takes; one that some take is for each row to judge."""
    for section in SECTIONS:
        values = merged.tree().get(section, {})
        for key in [key for key in values if key != "name"]:
            refused = [_complaints(entry, key, values[key], merged) for entry in registry.entries(section)]
            judged = [findings for findings in refused if findings is not None]
            if judged and all(judged):
                raise refusal(judged[0])


def _complaints(entry: Entry, key: str, value: object, merged: Merged) -> list[Finding] | None:
    """What is wrong with the value of an option; ``None`` if the component cannot be asked, or has no such option."""
    try:
        model = entry.options()
        if key not in model.model_fields:
            return None
        _, findings = read_options(entry, {key: value}, section=entry.kind, origins=merged.origins)
    except GanzooError:  # its own row will say so
        return None
    about = re.compile(rf"{entry.kind}\.{re.escape(key)}\b")  # not what other options lack
    return [finding for finding in findings if about.match(finding.reason)]


def _all_options(registry: Registry, kind: str) -> set[str]:
    options: set[str] = set()
    for entry in registry.entries(kind):
        try:
            options |= set(entry.options().model_fields)
        except PluginError:  # its own row will say so
            continue
    return options


def by_reason(results: Iterable[PairResult]) -> dict[str, list[PairResult]]:
    """Reason → the pairs it holds for; the reasons that differ by the names of the pair alone are one."""
    found: dict[str, list[PairResult]] = {}
    for result in results:
        for reason in result.reasons:
            found.setdefault(_nameless(reason, result), []).append(result)
    return found


def _nameless(reason: str, result: PairResult) -> str:
    for kind in SECTIONS:
        reason = re.sub(rf"(?<!the )\b{kind} {re.escape(getattr(result, kind))}(?![\w/-])", f"the {kind}", reason)
    return reason
