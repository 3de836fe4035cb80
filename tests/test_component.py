import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field, ValidationError

from ganzoo.component import KINDS, Component, DatasetOptions, Options, RegularizerOptions
from ganzoo.protocols import DataSpec

PUBLISHED_FIELDS = [
    "kind",
    "name",
    "target",
    "summary",
    "aliases",
    "tags",
    "suggests",
    "paper",
    "requires",
    "deprecated_for",
]


def minimal(**fields):
    return Component(**({"kind": "loss", "name": "one", "target": "package:One", "summary": "one"} | fields))


def test_fields_are_only_ever_added_and_only_at_the_end():
    names = [field.name for field in dataclasses.fields(Component)]
    assert names[: len(PUBLISHED_FIELDS)] == PUBLISHED_FIELDS


def test_a_plugin_of_today_needs_four_fields_only():
    required = [
        name
        for name, parameter in inspect.signature(Component).parameters.items()
        if parameter.default is inspect.Parameter.empty
        and dataclasses.fields(Component)[PUBLISHED_FIELDS.index(name)].default_factory is dataclasses.MISSING
    ]
    assert required == ["kind", "name", "target", "summary"]


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        minimal().name = "two"
    with pytest.raises(TypeError):
        minimal().suggests["train.steps"] = 1


def test_a_record_is_written_by_keyword():
    with pytest.raises(TypeError):
        Component("loss", "one", "package:One", "one")


def test_no_word_means_two_kinds():
    words = [word for kind in KINDS for word in (kind.name, kind.plural, *kind.short)]
    assert len(words) == len(set(words))
    for kind in KINDS:
        assert all(kind.answers_to(word) for word in (kind.name, kind.plural, *kind.short))
        assert not any(kind.answers_to(other.name) for other in KINDS if other is not kind)


def test_kinds_are_those_of_the_contract():
    assert " ".join(kind.name for kind in KINDS) == (
        "loss discriminator generator regularizer augmentation dataset metric recipe tracker extractor preset"
    )
    sections = {kind.name: kind.section for kind in KINDS if kind.section}
    assert sections == {
        "loss": "loss",
        "discriminator": "discriminator",
        "generator": "generator",
        "regularizer": "regularizers",
        "augmentation": "augment",
        "dataset": "data",
        "metric": "metrics",
        "extractor": "extractors",
    }
    assert [kind.name for kind in KINDS if kind.many] == ["regularizer", "augmentation", "metric", "extractor"]


class Slope(Options):
    slope: float = 1.0


class TestOptions:
    def test_unknown_keys_are_refused(self):
        with pytest.raises(ValidationError, match="slop"):
            Slope(slop=1.0)

    def test_they_cannot_be_changed(self):
        with pytest.raises(ValidationError, match="frozen"):
            Slope().slope = 2.0

    def test_text_becomes_a_number(self):
        """YAML reads 1e-4 as text, and the command line gives text only."""
        assert Slope(slope="1e-4").slope == 1e-4

    def test_without_own_methods_they_are_the_component(self):
        options, spec = Slope(slope=3.0), DataSpec(shape=(1, 8, 8))
        assert options.build(spec) is options
        assert options.resolve(spec) is options
        assert options.tags() == frozenset()


class Former(Options):
    """Options of a later version. Warnings are errors in these tests."""

    renamed_options: ClassVar[Mapping[str, str]] = {"width": "margin"}
    removed_options: ClassVar[Mapping[str, object]] = {"betas": (0.0, 0.9)}

    margin: float = Field(default=1.0, description="kept")
    floor: float = Field(default=0.0, description="on its way out", deprecated="use margin")


class Derived(Former):
    """What is derived from them."""


class TestFormerOptions:
    @pytest.mark.parametrize("model", [Former, Derived])
    def test_the_component_reads_a_deprecated_option_like_any_other(self, model):
        """A warning in every step would be noise, and could not be compiled."""
        assert model().floor == 0
        assert model(floor=2).floor == 2
        assert model.model_json_schema()["properties"]["floor"]["deprecated"]

    @pytest.mark.parametrize("model", [Former, Derived])
    def test_former_names_and_values(self, model):
        assert model.model_validate({"width": 3, "betas": [0.0, 0.9]}) == model(margin=3)
        assert model.model_validate(model(margin=3)) == model(margin=3)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"width": 3, "margin": 3}, "width is the former name of margin: give only margin"),
            ({"betas": [0.5, 0.9]}, "betas was removed and can only be"),
            ({"widht": 3}, "Extra inputs are not permitted"),
            ({"width": True}, "true and false"),
        ],
    )
    def test_what_is_refused(self, given, message):
        with pytest.raises(ValidationError, match=message):
            Former.model_validate(given)


class TestRegularizerOptions:
    def test_defaults_leave_the_term_as_it_is(self):
        assert RegularizerOptions().model_dump() == {"weight": 1.0, "every": 1}

    @pytest.mark.parametrize("wrong", [{"weight": -1}, {"weight": "inf"}, {"weight": "nan"}, {"every": 0}])
    def test_values_out_of_range_are_refused(self, wrong):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            RegularizerOptions(**wrong)


class TestDatasetOptions:
    def test_a_dataset_must_say_how_it_is_opened(self):
        with pytest.raises(NotImplementedError, match="DatasetOptions must implement open"):
            DatasetOptions().open(image_size=None, channels=None, split="train", cache=Path())

    def test_on_error_knows_two_words(self):
        assert DatasetOptions().on_error == "stop"
        with pytest.raises(ValidationError, match="on_error"):
            DatasetOptions(on_error="ignore")
