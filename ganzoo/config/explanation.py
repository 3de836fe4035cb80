"""What pydantic found wrong, in the words of the configuration: path, value, who said so, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ganzoo.component import TRACKER
from ganzoo.config.finding import Finding
from ganzoo.config.reasons import reason
from ganzoo.config.schema import SHARED_DATA_KEYS
from ganzoo.did_you_mean import nearest


def listed_keys(key: str, known: Sequence[str]) -> str:
    """What is said of an unknown key that is like none of the known ones."""
    return f"unknown key; known: {', '.join(known)}" if known else "unknown key; there are no options"


def explain(
    error: ValidationError,
    model: type[BaseModel],
    *,
    section: str = "",
    origins: Mapping[str, str] | None = None,
    fix: str = "see every key and its value with: ganzoo run --dry-run --full",
    unknown: Callable[[str, Sequence[str]], str] = listed_keys,
) -> list[Finding]:
    """A finding for each value that is wrong: path, what was given, who said so, what is allowed.

    Args:
        error: what pydantic found.
        model: what was validated.
        section: where in the configuration ``model`` stands; empty for its root.
        origins: path → who gave it.
        fix: what every finding advises.
        unknown: an unknown key and the known ones, none of which is like it → what to say.
    """
    reasons: dict[str, list[str]] = {}
    wrong = error.errors()
    for item in wrong:
        if _follows_up(item, wrong):
            continue
        keys = list(_keys(model, item))
        if item["type"] == "missing" and isinstance(item["loc"][-1], int):
            keys.pop()  # the list is too short
        path = ".".join(filter(None, [section, *keys]))
        complaints = reasons.setdefault(_culprit(path, item, origins or {}), [])
        if (complaint := _complaint(keys, item, model, section, unknown)) not in complaints:
            complaints.append(complaint)
    return [
        Finding(
            "refused",
            # What is wrong with the configuration as a whole names its keys itself.
            ": ".join(filter(None, [culprit, " or ".join(complaints).replace(" or must be ", " or ")])),
            fix=fix,
            section=section,
        )
        for culprit, complaints in reasons.items()
    ]


def _follows_up(item: ErrorDetails, wrong: Sequence[ErrorDetails]) -> bool:
    """Whether a list is said to be too short only because items of it are wrong."""
    length = len(item["loc"])
    within = (other["loc"] for other in wrong if len(other["loc"]) > length)
    return item["type"] == "too_short" and any(loc[:length] == item["loc"] for loc in within)


def _keys(model: type[BaseModel], item: ErrorDetails) -> Iterator[str]:
    """Where the value stands. Pydantic also names the members of a union it tried, which are no keys."""
    inner: type[BaseModel] | None = model
    for part in item["loc"]:
        if inner is not None or isinstance(part, int):
            yield str(part)
        inner = _section_at(inner, str(part))


def _section_at(model: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    annotation = model.model_fields[key].annotation if model and key in model.model_fields else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _culprit(path: str, item: ErrorDetails, origins: Mapping[str, str]) -> str:
    if item["type"] == "value_error" and isinstance(item["input"], Mapping):
        return path  # keys that do not go together; the message names them
    around = (known for known in origins if f"{path}.".startswith(f"{known}.") or known.startswith(f"{path}."))
    nearby = max(around, key=len, default=None)
    said = f" (from {origins[nearby]})" if nearby else ""
    if item["type"] == "missing" and isinstance(item["input"], tuple | list):
        return f"{path} = {list(item['input'])!r}{said}"
    shown = item["type"] not in ("extra_forbidden", "missing") and not isinstance(item["input"], Mapping)
    return f"{path} = {item['input']!r}{said}" if shown else f"{path}{said}"


def _complaint(
    keys: Sequence[str],
    item: ErrorDetails,
    model: type[BaseModel],
    section: str,
    unknown: Callable[[str, Sequence[str]], str],
) -> str:
    if item["type"] == "extra_forbidden":
        return _unknown_key(keys, model, section, unknown)
    if item["type"] == "missing" and isinstance(item["loc"][-1], int):
        return f"must be {len(_example(keys, model))} values in brackets, such as {json.dumps(_example(keys, model))}"
    if item["type"] in ("tuple_type", "list_type"):
        return f"{reason(item)}, such as {json.dumps(_example(keys, model))}"
    return reason(item)


def _example(keys: Sequence[str], model: type[BaseModel]) -> list[Any]:
    """A list that fits a field: as many items as it must have, one of any number."""
    inner: type[BaseModel] | None = model
    for key in keys[:-1]:
        inner = _section_at(inner, key)
    annotation = inner.model_fields[keys[-1]].annotation if inner and keys[-1] in inner.model_fields else None
    members = (annotation, *get_args(annotation))  # a union may hold the tuple
    items = next((get_args(member) for member in members if get_origin(member) is tuple), ())
    example = [_example_item(item) for item in items if item is not ...]
    return [0.5, 0.999] if example in ([], [0.5, 0.5]) else example


def _example_item(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _example_item(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    return {str: "name", int: 1, bool: True}.get(annotation, 0.5)


def _offered(model: type[BaseModel] | None) -> list[str]:
    """The keys of a model, without those that are on their way out."""
    return [name for name, info in model.model_fields.items() if not info.deprecated] if model else []


def _unknown_key(
    keys: Sequence[str], model: type[BaseModel], section: str, unknown: Callable[[str, Sequence[str]], str]
) -> str:
    if not section and TRACKER.answers_to(keys[0]):
        return f"unknown key; trackers are not part of the configuration: add one with --{TRACKER.name} NAME"
    inner: type[BaseModel] | None = model
    for key in keys[:-1]:
        inner = _section_at(inner, key)
    known = {key: key for key in (*_offered(inner), *(sorted(SHARED_DATA_KEYS) if section == "data" else ()))}
    listed = tuple(known)
    if len(keys) == 1 and not section:
        # Who leaves out the section knows the key.
        parts = {part: _section_at(model, part) for part in known}
        known |= {key: f"{part}.{key}" for part, keyed in parts.items() if keyed for key in keyed.model_fields}
    close = nearest(keys[-1], known)
    if close:
        return f"unknown key; did you mean {known[close]!r}?"
    return unknown(keys[-1], listed)
