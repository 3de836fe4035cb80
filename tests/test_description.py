"""What is said of components: made-up ones here, and every installed one."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field

from ganzoo.catalog.description import describe, formula, resolved_by_data
from ganzoo.catalog.rows import row
from ganzoo.component import FILES, Component, DatasetOptions, Options, RegularizerOptions, TrackerOptions
from ganzoo.errors import ConfigError
from ganzoo.registry import Entry, Registry, parse_kind

INSTALLED = Registry.load(plugins=False)


class Plain(Options):
    pass


class Rich(Options):
    """Has a bit of everything."""

    number: float = Field(default=1e-5, description="a  small\n  number")
    word: Literal["on", "off"] = "on"
    betas: tuple[float, float] = (0.0, 0.9)
    limit: Annotated[int | None, Field(gt=0)] = None
    names: list[str] = Field(default_factory=lambda: ["a", "b: c"])


class Images(DatasetOptions):
    path: Path


class Penalty(RegularizerOptions):
    weight: float = 10.0


class Following(TrackerOptions):
    pass


class ByData(Options):
    width: int | None = None
    conditional: int | None = None
    vectors: int | None = None
    off: int | None = None
    known: int = 3

    def resolve(self, spec):
        if len(spec.shape) == 1:
            return self.model_copy(update={"vectors": 2})
        return self.model_copy(update={"width": 64, "conditional": 1 if spec.conditional else None, "known": 4})


class OnlyImages(ByData):
    def resolve(self, spec):
        if len(spec.shape) == 1:
            raise ConfigError("images only")
        return super().resolve(spec)


def described(model, kind="loss", distribution="ganzoo", others=()):
    component = Component(kind=kind, name="this-one", target=f"{__name__}:{model.__name__}", summary="…")
    one = Entry(component=component, distribution=distribution, version="1", entry_point="x")
    return describe(Registry([one, *others]), one)


class TestFormula:
    @pytest.mark.parametrize(
        ("docstring", "expected"),
        [
            (
                "One.\n\n    Formula:\n        D: r\n          deeper\n\n        G: f\n\n    More.\n        no",
                "D: r\n  deeper\n\nG: f",
            ),
            ("One.\n\n    Formula:\n        last", "last"),
            ("One.\n\n    Formula:\n\n    Nothing.", None),
            ("One. Formula: in a line", None),
            ("One.", None),
            (None, None),
        ],
    )
    def test_it_is_the_indented_block(self, docstring, expected):
        assert formula(type("Model", (Options,), {"__doc__": docstring, "__module__": __name__})) == expected


class TestOptions:
    def test_in_words(self):
        options = {option.name: (option.type, option.default, option.help) for option in described(Rich).options}
        assert options == {
            "number": ("float", "1.0e-05", "a small number"),
            "word": ("on | off", "'on'", ""),
            "betas": ("[float, float]", "[0.0, 0.9]", ""),
            "limit": ("int > 0", "none", ""),
            "names": ("list of str", "[a, 'b: c']", ""),
        }

    def test_required_ones(self):
        [on_error, path] = described(Images, kind="dataset").options
        assert (path.type, path.default) == ("path", "required")
        assert on_error.default == "stop"

    def test_resolved_by_data(self):
        assert resolved_by_data(ByData) == {"width", "conditional", "vectors"}
        assert resolved_by_data(OnlyImages) == {"width", "conditional"}
        assert resolved_by_data(Rich) == frozenset()
        defaults = {option.name: option.default for option in described(ByData).options}
        assert (defaults["width"], defaults["off"], defaults["known"]) == ("from the data", "none", "3")


class TestYaml:
    def test_no_options(self):
        assert described(Plain).yaml == "loss:\n  name: this-one\n"

    def test_values_read_back_as_the_defaults(self):
        section = yaml.safe_load(described(Rich).yaml)["loss"]
        assert section.pop("name") == "this-one"
        assert Rich.model_validate(section) == Rich()

    def test_a_regularizer_is_a_key(self):
        assert described(Penalty, kind="regularizer").yaml == (
            "regularizers:\n  this-one:\n    weight: 10.0\n    every: 1\n"
        )

    def test_a_dataset_stands_in_data_and_says_what_is_required(self):
        assert described(Images, kind="dataset").yaml == (
            "data:\n  name: this-one\n  on_error: stop\n  path: PATH  # required\n"
        )

    def test_what_the_data_decides_is_said(self):
        assert "  width: null  # from the data\n" in described(ByData).yaml

    def test_an_augmentation_and_a_metric_are_keys_too(self):
        assert yaml.safe_load(described(ByData, kind="augmentation").yaml)["augment"]["this-one"]["known"] == 3
        assert yaml.safe_load(described(Plain, kind="metric").yaml) == {"metrics": {"this-one": {}}}

    def test_a_kind_without_a_section(self):
        assert described(Following, kind="tracker").yaml is None

    def test_a_name_that_is_taken_is_qualified(self):
        own = described(Plain).entry
        assert "name: acme/this-one" in described(Plain, distribution="acme", others=[own]).yaml


@pytest.mark.parametrize("entry", INSTALLED.entries(), ids=lambda entry: f"{entry.kind}-{entry.name}")
class TestEveryInstalledComponent:
    def test_its_yaml_selects_it_with_its_defaults(self, entry):
        text = describe(INSTALLED, entry).yaml
        if entry.kind == "tracker":
            assert text is None, "no configuration names one"
            return
        content = yaml.safe_load(text)
        if entry.kind in FILES:
            assert content["version"] == 1
            return
        section = content[parse_kind(entry.kind).section]
        options = section[entry.name] if parse_kind(entry.kind).many else section
        named = options.pop("name", entry.name)
        assert named == entry.name
        model = entry.options()
        if not any(field.is_required() for field in model.model_fields.values()):
            assert model.model_validate(options) == model()

    def test_every_option_has_help_and_a_type(self, entry):
        for option in describe(INSTALLED, entry).options:
            assert option.help, option.name
            assert "any" not in option.type.split(), option.name

    def test_its_row_comes_first_in_its_json(self, entry):
        described = describe(INSTALLED, entry).as_json()
        assert list(described.items())[: len(row(INSTALLED, entry))] == list(row(INSTALLED, entry).items())

    def test_objectives_and_networks_have_a_formula(self, entry):
        if entry.kind in ("loss", "discriminator", "generator", "regularizer", "augmentation", "metric"):
            assert describe(INSTALLED, entry).formula
