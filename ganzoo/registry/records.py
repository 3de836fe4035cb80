"""The rules for the records a plugin returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ganzoo.component import FILES, KINDS, TAGS, Component, unknown_tags
from ganzoo.did_you_mean import did_you_mean
from ganzoo.registry.problem import Refused

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MODULE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_CLASS = re.compile(rf"{_MODULE}:{_MODULE}")
_FILE = re.compile(rf"{_MODULE}:\w[\w-]*(/\w[\w-]*)*\.ya?ml")

KIND_NAMES = tuple(kind.name for kind in KINDS)


def spelled(name: str) -> str:
    """A name as it is compared: ``_`` reads as ``-``."""
    return name.strip().replace("_", "-")


def is_name(value: object) -> bool:
    """Whether ``value`` is a name components may have: ``[a-z0-9]+(-[a-z0-9]+)*``."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _are_strings(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _are_aliases(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) and is_name(spelled(item)) for item in value)


def _are_tags(value: object) -> bool:
    return isinstance(value, frozenset) and all(isinstance(tag, str) for tag in value)


def _are_suggestions(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(path, str) for path in value)


def _are_reasons(value: object) -> bool:
    return isinstance(value, Mapping) and all(is_name(name) and _is_line(why) for name, why in value.items())


_RULES: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("name", is_name, "must match [a-z0-9]+(-[a-z0-9]+)*"),
    ("summary", _is_line, "must be one line of text"),
    ("aliases", _are_aliases, "must be a tuple of names"),
    ("tags", _are_tags, "must be a frozenset of strings"),
    ("suggests", _are_suggestions, "must map configuration paths to values"),
    ("paper", lambda value: value is None or _is_line(value), "must be one line of text or None"),
    ("requires", _are_strings, "must be a tuple of import names"),
    ("install", lambda value: value is None or _is_line(value), "must be one line of text or None"),
    ("expected_failures", _are_reasons, "must map names of checks to the reasons why they fail"),
    ("deprecated_for", lambda value: value is None or is_name(value), "must be a component's name or None"),
)


def checked(records: Iterable[object]) -> tuple[list[Component], list[str]]:
    """The components among a plugin's records, and notes on those of unknown kind, which are skipped.

    Raises:
        Refused: a record breaks a rule; every finding is named at once.
    """
    components: list[Component] = []
    notes: list[str] = []
    findings: list[str] = []
    for record in records:
        if not isinstance(record, Component):
            findings.append(f"{_brief(record)} is not a Component")
        elif isinstance(record.kind, str) and record.kind not in KIND_NAMES:
            notes.append(_unknown_kind(record))
        else:
            findings += _findings(record)
            components.append(record)
    if not findings:
        findings += _repeated(components)
    if findings:
        raise Refused("; ".join(findings))
    return components, notes


def _findings(component: Component) -> Iterator[str]:
    who = f"component {_brief(component.name)}"
    if component.kind not in KIND_NAMES:
        yield f"{who}: kind {_brief(component.kind)} must be a string"
    for name, rule, expectation in _RULES:
        value = getattr(component, name)
        if not rule(value):
            yield f"{who}: {name} {_brief(value)} {expectation}"
    if _are_tags(component.tags):
        for tag in unknown_tags(component.kind, component.tags):
            yield f"{who}: {component.kind} components have no tag {tag!r}{_tag_instead(component.kind, tag)}"
    form, expectation = (_FILE, "package:file.yaml") if component.kind in FILES else (_CLASS, "package.module:Class")
    if not isinstance(component.target, str) or not form.fullmatch(component.target):
        yield f"{who}: target {_brief(component.target)} must have the form {expectation!r}"


def _tag_instead(kind: str, tag: str) -> str:
    return did_you_mean(tag, [known.name for known in TAGS if kind in known.kinds])


def _repeated(components: list[Component]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for component in components:
        key = (component.kind, component.name)
        if key in seen:
            yield f"{component.kind} {component.name!r} is declared twice"
        seen.add(key)


def _unknown_kind(component: Component) -> str:
    suggestion = did_you_mean(component.kind, KIND_NAMES)
    return f"{_brief(component.name)} skipped: kind {_brief(component.kind)} is unknown to this ganzoo{suggestion}"


def _brief(value: object) -> str:
    """``repr`` for a message: short, in one line, and safe on objects whose ``repr`` raises."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 60 else f"{text[:57]}..."
