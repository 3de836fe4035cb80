"""The configuration of a run: its keys, and how file, ``--set`` and flags are merged, each value with its origin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganzoo.component import KINDS
from ganzoo.errors import ConfigError

Rate = float
Betas = tuple[float, float]


class Section(BaseModel):
    """A part of the configuration with a closed set of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(BaseModel):
    """A component by name, its options beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    def options(self) -> dict[str, Any]:
        """The options alone."""
        return dict(self.model_extra or {})


class DataConfig(Selection):
    """The dataset, its options, and what is done with any dataset."""

    name: str = "digits"
    image_size: int | None = Field(default=None, ge=8, le=1024, description="side in pixels; null = by the data")
    channels: Literal[1, 3] | None = Field(default=None, description="1 gray, 3 RGB; null = by the data")
    sampling: Literal["shuffle"] = Field(default="shuffle", description="order of the data")
    hflip: bool = Field(default=False, description="mirror half of the images left to right")
    split: str = Field(default="train", description="the part of the data the GAN sees")


class TrainConfig(Section):
    """How the two players are trained."""

    steps: int | None = Field(default=None, ge=1, description="generator steps")
    epochs: float | None = Field(default=None, gt=0, exclude=True, description="instead of steps: passes over the data")
    batch_size: int = Field(default=64, ge=1, description="images per batch")
    accumulate: int = Field(default=1, ge=1, description="micro-batches a batch is split into")
    n_critic: int = Field(default=1, ge=1, description="discriminator updates per generator update")
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    g_lr: Rate = Field(default=5e-4, gt=0, allow_inf_nan=False, description="generator's learning rate")
    d_lr: Rate = Field(default=1e-3, gt=0, allow_inf_nan=False, description="discriminator's learning rate")
    g_betas: Betas = Field(default=(0.0, 0.999), description="generator's Adam betas; sgd takes the first as momentum")
    d_betas: Betas = Field(default=(0.0, 0.999), description="discriminator's, likewise")
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    clip_grad_norm: float | None = Field(default=None, gt=0, description="largest 2-norm of each player's gradient")
    ema: float | None = Field(default=0.999, ge=0, lt=1, description="decay of the generator's average; null = off")
    label_draw: Literal["marginal", "uniform"] = "marginal"
    spectral_norm: Literal["per-update", "per-forward"] = "per-update"
    passes: Literal["auto", "one", "two"] = "auto"
    log_every: int = Field(default=10, ge=1, description="generator steps between metric rows")
    sample_every: int = Field(default=250, ge=1, description="generator steps between sample grids")
    checkpoint_every: int = Field(default=500, ge=1, description="generator steps between checkpoints")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("steps and epochs exclude each other")
        if self.accumulate > self.batch_size:
            raise ValueError(f"accumulate ({self.accumulate}) is more than batch_size ({self.batch_size})")
        for name in ("g_betas", "d_betas"):
            if not all(0 <= beta < 1 for beta in getattr(self, name)):
                raise ValueError(f"{name} must lie in [0, 1)")
        return self


class RuntimeConfig(Section):
    """Where and how a run is computed; nothing here is part of what is learned."""

    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N, mps")
    precision: Literal["fp32", "bf16"] = "fp32"
    penalty_precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    deterministic: bool = True
    threads: Literal["auto"] | int = Field(default="auto", description="CPU threads")


class RunConfig(Section):
    """A run. Options of components are validated by the components themselves."""

    version: Literal[1] = 1
    seed: int = Field(default=0, ge=0, lt=2**63)
    loss: Selection = Selection(name="hinge")
    discriminator: Selection = Selection(name="patchgan-sn")
    generator: Selection = Selection(name="dcgan")
    regularizers: dict[str, dict[str, Any]] = {}
    augment: None = None
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()
    runtime: RuntimeConfig = RuntimeConfig()


DEFAULT_STEPS = 1500
SHARED_DATA_KEYS = frozenset(DataConfig.model_fields) - {"name"}
SELECTIONS = tuple(kind.section for kind in KINDS if kind.section and kind.section != "regularizers")
RESUMABLE = ("train.steps", "train.log_every", "train.sample_every", "train.checkpoint_every", "runtime.")
"""Paths that may change between the parts of one run."""


@dataclass(frozen=True)
class Layer:
    """Values from one origin: configuration path → value.

    The path ``regularizers`` (any value) says that this layer replaces the regularizers of the layers below it.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Merged:
    """The winning value of each path, and where it came from."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def tree(self) -> dict[str, Any]:
        """The values as the tree a file would hold."""
        tree: dict[str, Any] = {}
        for path, value in self.values.items():
            *parents, last = path.split(".")
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            if value == {} and path.startswith("regularizers."):
                branch.setdefault(last, {})
            else:
                branch[last] = value
        return tree


def merge(layers: Sequence[Layer]) -> Merged:
    """Later layers win, path by path; options given beside a component that lost its place are left out."""
    chosen = {path: value for layer in layers for path, value in layer.values.items() if path.endswith(".name")}
    merged = Merged()
    for layer in layers:
        if "regularizers" in layer.values:
            _drop_other_regularizers(merged, layer)
        for path, value in layer.values.items():
            if path != "regularizers" and not _of_a_loser(path, layer, chosen):
                merged.values[path] = value
                merged.origins[path] = layer.origin
    return merged


def _of_a_loser(path: str, layer: Layer, chosen: Mapping[str, Any]) -> bool:
    section, _, key = path.partition(".")
    if section not in SELECTIONS or (section == "data" and key in SHARED_DATA_KEYS):
        return False
    name = f"{section}.name"
    return name in layer.values and layer.values[name] != chosen[name]


def _drop_other_regularizers(merged: Merged, layer: Layer) -> None:
    kept = {path.split(".")[1] for path in layer.values if path.startswith("regularizers.")}
    for path in [path for path in merged.values if path.startswith("regularizers.")]:
        if path.split(".")[1] not in kept:
            del merged.values[path], merged.origins[path]


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping as path → value, shorthands written out: ``loss: hinge`` is ``loss.name``.

    Raises:
        ConfigError: a section that must hold keys holds something else.
    """
    flat: dict[str, Any] = {}
    for section, content in tree.items():
        name = section_name(str(section))
        if name == "regularizers":
            flat |= {"regularizers": True, **_flatten_regularizers(content)}
        elif name in SELECTIONS and not isinstance(content, Mapping):
            flat[f"{name}.name"] = content
        elif isinstance(content, Mapping):
            flat |= {canonical_path(f"{name}.{key}"): value for key, value in content.items()}
        elif name in ("train", "runtime"):
            raise ConfigError(f"section {name!r} must hold keys", given=content, allowed="key: value pairs")
        else:
            flat[name] = content
    return flat


def _flatten_regularizers(content: Any) -> dict[str, Any]:
    if content in (None, "none"):
        return {}
    if isinstance(content, str):
        content = [content]
    if not isinstance(content, Mapping):
        content = {name: {} for name in content}
    flat: dict[str, Any] = {}
    for name, options in content.items():
        # The bare path keeps a regularizer that has no option.
        flat[canonical_path(f"regularizers.{name}")] = {}
        flat |= {canonical_path(f"regularizers.{name}.{key}"): value for key, value in (options or {}).items()}
    return flat


def section_name(word: str) -> str:
    """The section a user means: ``disc`` and ``discriminators`` are ``discriminator``."""
    for kind in KINDS:
        if kind.section and kind.answers_to(word):
            return kind.section
    return word


def canonical_path(path: str) -> str:
    """Whole-word section, names with ``-``, keys with ``_``: ``disc.n-layers`` is ``discriminator.n_layers``."""
    section, *rest = path.strip().split(".")
    section = section_name(section)
    if section == "regularizers" and rest:
        return ".".join([section, rest[0].replace("_", "-"), *(key.replace("-", "_") for key in rest[1:])])
    if section in SELECTIONS and not rest:
        return f"{section}.name"
    return ".".join([section, *(key.replace("-", "_") for key in rest)])


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """``PATH=VALUE`` strings as path → value: JSON where it parses, else the raw text.

    Raises:
        ConfigError: no ``=``, or no such path.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        if not separator or not path.strip():
            raise ConfigError("--set needs PATH=VALUE", given=assignment, allowed="for example train.d_lr=1e-3")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        path = canonical_path(path)
        values |= flatten({"regularizers": value}) if path == "regularizers" else {path: value}
    return values


def read_yaml(text: str, source: str) -> dict[str, Any]:
    """A mapping from YAML without duplicate keys, anchors and tags, which hide what a run does.

    Raises:
        ConfigError: not such YAML, or a version this ganzoo does not know.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ConfigError(f"{source}: anchors and aliases are not allowed", given=str(event.start_mark).strip())
            tag = getattr(event, "tag", None)
            if tag:
                raise ConfigError(f"{source}: tags are not allowed", given=f"{tag}{event.start_mark}")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_duplicates(node, source)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML", given=str(error).replace("\n", " ")) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{source} must hold sections", given=type(content).__name__, allowed="loss: …, train: …")
    return content


def _refuse_duplicates(node: yaml.Node | None, source: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(f"{source}, line {line}: key {key.value!r} stands twice", hint="keep one of them")
            seen.add(key.value)
            _refuse_duplicates(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item, source)


def to_yaml(config: RunConfig) -> str:
    """The configuration as a file that can be run again."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, default_flow_style=None)


def validate(merged: Merged) -> RunConfig:
    """The configuration, or one error with every finding.

    Raises:
        ConfigError: unknown keys (with the nearest known one) or values of the wrong type or range.
    """
    try:
        return RunConfig.model_validate(merged.tree())
    except ValidationError as error:
        findings = [explain(item, "", merged.origins, RunConfig) for item in error.errors()]
        raise ConfigError("the configuration is not valid:\n" + "\n".join(f"  - {one}" for one in findings)) from None


def explain(item: Any, prefix: str, origins: Mapping[str, str], model: type[BaseModel]) -> str:
    """One finding of pydantic in a line: path, what was given, what is allowed, and who said so."""
    keys = [str(part) for part in item["loc"]]
    path = ".".join([*([prefix] if prefix else []), *keys])
    origin = next((origins[known] for known in (path, path.rpartition(".")[0]) if known in origins), "")
    said = f" (from {origin})" if origin else ""
    if item["type"] == "extra_forbidden":
        known = _keys_at(model, keys[:-1])
        close = get_close_matches(keys[-1], known, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(known) or '(none)'}"
        return f"{path}: unknown key{said}; {meant}"
    message = re.sub(r"^Value error, ", "", item["msg"])
    where = f"{path} = {item['input']!r}" if not isinstance(item["input"], Mapping) else path
    return f"{where}{said}: {message}"


def _keys_at(model: type[BaseModel], keys: Iterable[str]) -> list[str]:
    for key in keys:
        inner = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
