"""Configuration files: YAML without what hides what a run does."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ganzoo.config.schema import RunConfig
from ganzoo.errors import ConfigError

DEEPEST = 32
"""Levels of a configuration, which needs four. Reading many takes the square of their number."""
OTHER_BASE = re.compile(r"^[-+]?0[0-9_]+$|:")
"""Octal and sexagesimal numbers of YAML 1.1."""


def read_yaml(text: str, source: str) -> dict[str, Any]:
    """A mapping from YAML without duplicate keys, anchors, merges and tags.

    Args:
        text: the YAML.
        source: what error messages call it.

    Raises:
        ConfigError: not such YAML; with the line.
    """
    try:
        content = _content(text, source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(
            f"{_at(source, mark)}: this is not valid YAML", given=error.problem or error.context
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        if "integer string conversion" in str(error):  # Python's own words, which advise to lift its bound
            raise ConfigError(
                f"{source} has a number that is too long", allowed="whole numbers of at most 4,300 digits"
            ) from None
        raise ConfigError(f"{source} is not valid YAML", given=str(error).splitlines()[0]) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"{source} must be a mapping of sections", given=type(content).__name__, allowed="loss: …, train: …"
        )
    return content


def to_yaml(config: RunConfig) -> str:
    """The configuration as a file that can be run again."""
    content = config.model_dump(mode="json")
    text = _dumped(content, allow_unicode=True)
    # PyYAML leaves some of Unicode's line breaks bare, and reads them back as spaces. Reading takes as long as a step.
    faithful = text.isascii() or yaml.safe_load(text) == content
    return text if faithful else _dumped(content, allow_unicode=False)


def _dumped(content: dict[str, Any], *, allow_unicode: bool) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=allow_unicode, default_flow_style=None)


def _content(text: str, source: str) -> Any:
    """What the YAML says, read once: PyYAML takes 7 ms for the configuration of a run."""
    loader = _WithoutIndirection(text, source)
    try:
        node = loader.get_single_node()
        _refuse_duplicates(node, source)
        _refuse_other_bases(node, source)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


class _WithoutIndirection(yaml.SafeLoader):
    """Refuses anchors, aliases, tags and deep nesting where it meets them, before it goes deeper itself."""

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text)
        self._source, self._depth = source, 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        where = _at(self._source, event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{where}: anchors and aliases are not allowed", hint="write the value out")
        if tag := getattr(event, "tag", None):
            raise ConfigError(f"{where}: tags are not allowed", given=tag, hint="write the value without it")
        if self._depth == DEEPEST and isinstance(event, yaml.CollectionStartEvent):
            raise ConfigError(f"{where}: this is nested too deeply", allowed=f"at most {DEEPEST} levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _refuse_duplicates(node: yaml.Node | None, source: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item, source)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        where = _at(source, key.start_mark)
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            raise ConfigError(f"{where}: a key must be a plain word", hint="write the keys out")
        if key.value in seen:
            raise ConfigError(f"{where}: key {key.value!r} is declared twice", hint="remove one of them")
        seen.add(key.value)
        _refuse_duplicates(value, source)


def _refuse_other_bases(node: yaml.Node | None, source: str) -> None:
    """YAML 1.1 reads 010 as 8 and 1:30 as 90, which nobody means who writes a batch size or a rate."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for part in pair:
                _refuse_other_bases(part, source)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_other_bases(item, source)
    elif isinstance(node, yaml.ScalarNode) and node.tag.endswith((":int", ":float")) and OTHER_BASE.search(node.value):
        raise ConfigError(
            f"{_at(source, node.start_mark)}: {node.value!r} is another number in YAML than it seems",
            given=f"{node.value}, which YAML reads as {yaml.safe_load(node.value)}",
            allowed=f"a number without leading zeros and colons, or the text '{node.value}' in quotes",
        )


def _at(source: str, mark: Any) -> str:
    return f"{source}, line {mark.line + 1}" if mark else source
