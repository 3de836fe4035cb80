"""What counts as a configuration file."""

import pytest

from ganzoo.config.schema import RunConfig, Selection
from ganzoo.config.yaml_text import read_yaml, to_yaml
from ganzoo.errors import ConfigError


def test_a_mapping():
    assert read_yaml("loss: hinge\ntrain: {steps: 3, ema: null}", "x") == {
        "loss": "hinge",
        "train": {"steps": 3, "ema": None},
    }


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_holds_nothing(text):
    assert read_yaml(text, "x") == {}


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("loss: a\nseed: 1\nloss: b\n", 3, "key 'loss' is declared twice"),
        ("train:\n  steps: 1\n  ema: 0\n  steps: 2\n", 4, "key 'steps' is declared twice"),
        ("a: [{b: 1, b: 2}]", 1, "key 'b' is declared twice"),
        ("a: 1\nb: &x 1\n", 2, "anchors and aliases"),
        ("a: *x\n", 1, "anchors and aliases"),
        ("a: 1\nb: !!int '1'\n", 2, "tags are not allowed"),
        ("a: !!python/object:os.system {}\n", 1, "tags are not allowed"),
        ("a: 1\n<<: {b: 2}\n", 2, "a key must be a plain word"),
        ("? [a]\n: 1\n", 1, "a key must be a plain word"),
        ("a: 1\nb: [1,\n", 3, "not valid YAML"),
        ("a: b: c\n", 1, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
    ],
)
def test_what_is_refused_with_its_line(text, line, complaint):
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "my.yaml")
    assert f"my.yaml, line {line}: " in caught.value.message
    assert complaint in caught.value.message


def test_characters_that_yaml_does_not_know():
    with pytest.raises(ConfigError, match=r"my\.yaml is not valid YAML"):
        read_yaml("a: \x01", "my.yaml")


def test_a_day_that_does_not_exist():
    with pytest.raises(ConfigError, match=r"my\.yaml is not valid YAML"):
        read_yaml("a: 2020-02-31", "my.yaml")


@pytest.mark.parametrize("text", ["- a\n- b\n", "hinge", "3"])
def test_what_holds_no_sections(text):
    with pytest.raises(ConfigError, match=r"my\.yaml must be a mapping of sections"):
        read_yaml(text, "my.yaml")


def test_the_order_of_sections_is_that_of_the_schema():
    config = RunConfig(schedules={"loss.margin": {"kind": "linear", "start": 1, "end": 2, "steps": 10}})
    assert list(read_yaml(to_yaml(config), "x")) == list(RunConfig.model_fields)


@pytest.mark.parametrize("text", ["a\x85b", "a\u2028b", "grün/日本", "\ufeffa", "null", "1e-4", "yes", " a ", ""])
def test_any_text_survives(text):
    config = RunConfig(loss=Selection(name="hinge", option=text))
    assert read_yaml(to_yaml(config), "x")["loss"] == {"name": "hinge", "option": text}


def test_letters_of_every_alphabet_stay_readable():
    assert "grün/日本" in to_yaml(RunConfig(loss=Selection(name="hinge", option="grün/日本")))


def test_a_number_of_thousands_of_digits_is_no_fault_of_yaml():
    with pytest.raises(ConfigError, match="has a number that is too long") as caught:
        read_yaml("seed: " + 4501 * "9", "mine.yaml")
    assert "set_int_max" not in str(caught.value)
