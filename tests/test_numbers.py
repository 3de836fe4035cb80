"""true and false are not numbers, wherever a number is expected, and YAML's other ways to write one are refused."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from ganzoo.component import FILES, RegularizerOptions
from ganzoo.config.schema import DataConfig, RuntimeConfig, TrainConfig
from ganzoo.config.yaml_text import read_yaml
from ganzoo.errors import ConfigError
from ganzoo.registry import Registry

ENTRIES = [entry for entry in Registry.load(plugins=False).entries() if entry.kind not in (*FILES, "tracker")]
MODELS = [TrainConfig, RuntimeConfig, DataConfig, *(entry.options() for entry in ENTRIES)]
OPTIONS = [(model, name) for model in MODELS for name in model.model_fields]


class Nested(RegularizerOptions):
    """Numbers within numbers."""

    rates: dict[str, tuple[float, ...]] = Field(default={})
    either: int | bool = 1


def read(model, name, value):
    """The option as it is read, ``None`` where it is refused."""
    try:
        return getattr(
            model.model_validate({"path": "p", name: value} if "path" in model.model_fields else {name: value}), name
        )
    except ValidationError:
        return None


@pytest.mark.parametrize("value", [True, False])
def test_no_option_reads_a_truth_as_a_number(value):
    wrong = [f"{model.__name__}.{name}" for model, name in OPTIONS if read(model, name, value) not in (None, value)]
    numbers = [
        f"{model.__name__}.{name}"
        for model, name in OPTIONS
        if isinstance(read(model, name, value), int | float) and not isinstance(read(model, name, value), bool)
    ]
    assert (wrong, numbers) == ([], [])


def test_some_options_are_truths():
    assert read(DataConfig, "hflip", True) is True
    assert Nested(either=True).either is True


@pytest.mark.parametrize("value", [{"a": [True]}, {"a": [0.5, False]}])
def test_truths_within_lists_and_mappings_are_no_numbers_either(value):
    with pytest.raises(ValidationError, match="true and false"):
        Nested(rates=value)


@pytest.mark.parametrize("text", ["010", "1:30", "-07", "1:30.5", "00", "0_7"])
@pytest.mark.parametrize("form", ["train: {{batch_size: {}}}", "train:\n  g_betas: [0.0, {}]"])
def test_numbers_that_yaml_reads_otherwise_are_refused_with_their_line(text, form):
    with pytest.raises(ConfigError, match=f"{text!r} is another number in YAML than it seems") as caught:
        read_yaml(form.format(text), "file.yaml")
    assert f"line {1 + form.count(chr(10))}" in caught.value.message


@pytest.mark.parametrize(("text", "value"), [("10", 10), ("0", 0), ("0.5", 0.5), ("-7", -7), ("'010'", "010")])
def test_plain_numbers_are_read(text, value):
    assert read_yaml(f"train: {{x: {text}}}", "file.yaml") == {"train": {"x": value}}
