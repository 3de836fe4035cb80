"""Which numbers of a run move, and how: from the configuration to curves, or what does not fit in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from ganzoo.component import Options
from ganzoo.config.explanation import explain
from ganzoo.config.finding import Finding
from ganzoo.config.layers import Merged
from ganzoo.config.schema import MOVABLE, SCHEDULES, RunConfig, ScheduleConfig, TrainConfig
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError
from ganzoo.training.schedule_curve import ScheduleCurve, Value

RATES = ("train.g_lr", "train.d_lr")
BETAS = ("train.g_betas", "train.d_betas")


def movable(options: Mapping[str, Options]) -> list[str]:
    """The path of every number of a run that may follow a schedule."""
    parts = [f"{section}.{name}" for section, chosen in options.items() for name in sorted(chosen.schedulable)]
    return [*(f"train.{key}" for key in MOVABLE), *parts]


def read_schedules(
    config: RunConfig, merged: Merged, options: Mapping[str, Options]
) -> tuple[dict[str, ScheduleConfig], list[Finding]]:
    """Path → its schedule, and a finding for everything that is wrong with one."""
    read: dict[str, ScheduleConfig] = {}
    findings: list[Finding] = []
    known = movable(options)
    for path, given in config.schedules.items():
        place = f"{SCHEDULES}.{path}"
        try:
            schedule = ScheduleConfig.model_validate(given)
        except ValidationError as error:
            findings += explain(error, ScheduleConfig, section=place, origins=merged.origins)
            continue
        wrong = list(_misplaced(path, config, options, known, merged)) or [
            finding for value in schedule.values for finding in _out_of_range(path, value, config, options, merged)
        ]
        if not wrong and path in merged.values and merged.values[path] != _plain(schedule.values[0]):
            wrong = [_contradicted(path, merged.values[path], schedule)]
        findings += wrong
        read[path] = schedule
    return read, [*dict.fromkeys(findings), *_apart(config, options, read)]


def curves(schedules: Mapping[str, Mapping[str, Any]]) -> dict[str, ScheduleCurve]:
    """The curves of schedules that were found right."""
    found: dict[str, ScheduleCurve] = {}
    for path, content in schedules.items():
        schedule = ScheduleConfig.model_validate(content)
        found[path] = ScheduleCurve(
            at=schedule.at,
            values=schedule.values,
            shape=schedule.shape,
            over="steps" if schedule.images is None else "images",
        )
    return found


def refused_by_networks(networks: Mapping[str, Any], schedules: Mapping[str, ScheduleConfig]) -> Iterator[Finding]:
    """What a network that is built for these data cannot take; each one ends with its first value."""
    for path, schedule in schedules.items():
        section, _, option = path.partition(".")
        if section not in networks:
            continue
        for value in (*schedule.values, schedule.values[0]):
            try:
                networks[section].set_scheduled(option, value)
            except ConfigError as error:
                yield Finding("refused", f"{SCHEDULES}.{path}: {error.message}", error.hint or "", section=section)
                return


def _plain(value: Value) -> float | list[float]:
    return list(value) if isinstance(value, tuple) else value


def _misplaced(
    path: str, config: RunConfig, options: Mapping[str, Options], known: Sequence[str], merged: Merged
) -> Iterator[Finding]:
    """Numbers that cannot move, are not there, or are moved by another key already."""
    place = f"{SCHEDULES}.{path}"
    said = f" (from {origin})" if (origin := merged.origins.get(place)) else ""
    if path not in known:
        section = path.rpartition(".")[0]
        there = section in options or section in type(config).model_fields
        why = f"{path} is not a number that can follow a schedule" if there else f"this run has no {section}"
        guess = did_you_mean(path, known) or f"; known: {', '.join(known)}"
        yield Finding(
            "refused", f"{place}{said}: {why}{guess}", "leave it out, or end all schedules with --set schedules=none"
        )
    elif path in RATES and config.train.lr_schedule != "constant":
        yield Finding(
            "refused",
            f"{place}{said} and train.lr_schedule = {config.train.lr_schedule!r} both move the learning rate",
            "--set train.lr_schedule=constant, or --set schedules=none",
        )
    elif path in BETAS and config.train.optimizer == "rmsprop":
        yield Finding(
            "refused",
            f"{place}{said} has no effect: optimizer rmsprop has no betas",
            "leave it out, or end all schedules with --set schedules=none",
        )


def _out_of_range(
    path: str, value: Value, config: RunConfig, options: Mapping[str, Options], merged: Merged
) -> Iterator[Finding]:
    """What the key itself would say of a value of its schedule."""
    section, _, key = path.rpartition(".")
    model: type[BaseModel] = TrainConfig if section == "train" else type(options[section])
    now: BaseModel = config.train if section == "train" else options[section]
    try:
        model.model_validate({**now.model_dump(), key: value})
    except ValidationError as error:
        origins = {path: merged.origins.get(f"{SCHEDULES}.{path}", SCHEDULES)}
        for finding in explain(error, model, section=section, origins=origins):
            reason = finding.reason.replace(path, f"{SCHEDULES}.{path}.values", 1)
            yield replace(finding, reason=reason, section=section)


def _contradicted(path: str, said: Any, schedule: ScheduleConfig) -> Finding:
    begins = _plain(schedule.values[0])
    return Finding(
        "refused",
        f"{path} = {said!r}, but its schedule ({SCHEDULES}.{path}) begins with {begins!r}",
        "leave one of the two out",
    )


def _apart(
    config: RunConfig, options: Mapping[str, Options], schedules: Mapping[str, ScheduleConfig]
) -> Iterator[Finding]:
    """What both networks have to do at the same time, as growing is."""
    critic, generator = options.get("discriminator"), options.get("generator")
    if critic is None or generator is None:
        return
    for option in sorted(critic.schedulable & generator.schedulable):
        one, other = (schedules.get(f"{section}.{option}") for section in ("generator", "discriminator"))
        if one != other:
            yield Finding(
                "refused",
                f"generator.{option} and discriminator.{option} must follow the same schedule, and they do not",
                "give both the same points and values, or leave out both",
            )
        elif getattr(generator, option) != getattr(critic, option):
            yield Finding(
                "refused",
                f"generator.{option} = {getattr(generator, option)} and discriminator.{option} = "
                f"{getattr(critic, option)} must be the same",
                "give both the same number",
            )
