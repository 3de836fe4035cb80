"""How layers become one configuration. Names of components are in test_choice.py, files in test_yaml_text.py."""

import contextlib
import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.config.layers import (
    ConfigLayer,
    canonical_path,
    flatten,
    merge,
    parse_assignments,
    read_yaml,
    section_name,
    to_yaml,
    validate,
)
from ganzoo.config.schema import SELECTIONS, DataConfig, RunConfig, RuntimeConfig, Selection, TrainConfig
from ganzoo.errors import ConfigError

PATHS = ["seed", "train.steps", "train.d_lr", "runtime.device", "data.image_size"]


def layer(origin="file", **sections):
    return ConfigLayer(origin, flatten(sections))


def refused(**sections):
    with pytest.raises(ConfigError) as caught:
        validate(merge([layer(**sections)]))
    assert caught.value.exit_code == 2
    return str(caught.value)


class TestMerging:
    @given(st.lists(st.dictionaries(st.sampled_from(PATHS), st.integers(1, 99)), max_size=5))
    def test_the_last_layer_that_says_something_wins_and_is_named(self, values):
        layers = [ConfigLayer(f"layer {number}", content) for number, content in enumerate(values)]
        merged = merge(layers)
        for path in PATHS:
            said = [one for one in layers if path in one.values]
            assert merged.values.get(path) == (said[-1].values[path] if said else None)
            assert merged.origins.get(path) == (said[-1].origin if said else None)

    def test_null_is_a_value_like_any_other(self):
        merged = merge([layer(train={"ema": 0.9}), layer("--set", train={"ema": None})])
        assert (merged.values["train.ema"], merged.origins["train.ema"]) == (None, "--set")

    def test_options_of_a_component_that_is_replaced_are_left_out(self):
        below = layer(loss={"name": "margin-hinge", "margin_real": 0.5}, generator={"name": "dcgan", "ngf": 8})
        merged = merge([below, layer("flag", loss="bce")])
        assert merged.values == {"loss.name": "bce", "generator.name": "dcgan", "generator.ngf": 8}

    def test_options_of_a_component_named_again_stay(self):
        below = layer(loss={"name": "margin-hinge", "margin_real": 0.5})
        merged = merge([below, layer("flag", loss="margin-hinge")])
        assert merged.values == {"loss.name": "margin-hinge", "loss.margin_real": 0.5}

    def test_options_given_without_a_name_are_never_dropped(self):
        merged = merge([ConfigLayer("--set", {"loss.margin_real": 0.5}), layer("flag", loss="bce")])
        assert merged.values["loss.margin_real"] == 0.5

    def test_size_and_channels_outlive_the_dataset_they_were_given_with(self):
        below = layer(data={"name": "synthetic", "modes": 3, "image_size": 16, "channels": 1})
        assert merge([below, layer("flag", data="digits")]).values == {
            "data.name": "digits",
            "data.image_size": 16,
            "data.channels": 1,
        }

    def test_steps_and_epochs_of_one_command_line_are_both_kept(self):
        below, added = layer("file", train={"epochs": 9}), ConfigLayer("--set", {"train.epochs": 2})
        assert merge([below, added, ConfigLayer("--steps", {"train.steps": 3})]).tree() == {
            "train": {"steps": 3, "epochs": 2}
        }

    @pytest.mark.parametrize(("stronger", "weaker"), [("steps", "epochs"), ("epochs", "steps")])
    def test_steps_and_epochs_overrule_each_other_from_above(self, stronger, weaker):
        layers = [layer(train={weaker: 5}), layer("flag", train={stronger: 3})]
        config = validate(merge(layers))
        assert (getattr(config.train, stronger), getattr(config.train, weaker)) == (3, None)
        assert f"train.{weaker}" not in merge(layers).origins

    def test_minutes_overrule_steps_from_above_and_stand_beside_those_of_their_layer(self):
        suggested = layer(train={"steps": 5, "epochs": 2})
        assert merge([suggested, layer("flag", train={"minutes": 3})]).tree() == {"train": {"minutes": 3}}
        both = {"train": {"minutes": 3, "steps": 7}}
        assert merge([suggested, layer("flag", **both)]).tree() == both
        assert merge([layer(train={"minutes": 3}), layer("flag", train={"steps": 7})]).tree() == both

    def test_a_learning_rate_that_falls_over_the_steps_needs_their_number(self):
        falling = {"minutes": 3, "lr_schedule": "cosine"}
        assert "set steps too" in refused(train=falling)
        assert validate(merge([layer(train={**falling, "steps": 9})])).train.minutes == 3

    def test_one_layer_cannot_ask_for_both(self):
        assert "steps (3) and epochs (2) are mutually exclusive" in refused(train={"steps": 3, "epochs": 2})

    def test_a_path_through_a_value(self):
        merged = merge([ConfigLayer("--set", {"train.steps": 3, "train.steps.x": 4})])
        with pytest.raises(ConfigError, match=r"train\.steps\.x: steps is a value and has no keys"):
            validate(merged)

    def test_the_tree_shares_nothing_with_the_layers(self):
        values = {"loss.margins": {"real": 1}}
        merge([ConfigLayer("--set", values)]).tree()["loss"]["margins"]["real"] = 2
        assert values == {"loss.margins": {"real": 1}}


class TestRegularizers:
    below = layer(regularizers={"a": {"weight": 2}, "b": {"weight": 3}})

    def weights(self, *layers):
        return {name: options.get("weight") for name, options in merge(layers).tree().get("regularizers", {}).items()}

    def test_a_declared_set_replaces_the_one_below(self):
        assert self.weights(self.below, layer("flag", regularizers=["c"])) == {"c": None}

    def test_options_of_those_that_are_kept_stay(self):
        assert self.weights(self.below, layer("flag", regularizers="b")) == {"b": 3}

    @pytest.mark.parametrize("nothing", [None, "none", [], {}])
    def test_none_empties(self, nothing):
        merged = merge([self.below, layer("flag", regularizers=nothing)])
        assert merged.tree() == {}
        assert merged.origins == {"regularizers": "flag"}
        assert merged.ignored == {}

    def test_an_option_adds_its_regularizer(self):
        added = ConfigLayer("--set", parse_assignments(["regularizers.c.weight=5"]))
        assert self.weights(self.below, added) == {"a": 2, "b": 3, "c": 5}

    def test_a_flag_keeps_what_was_set_for_its_own(self):
        added = ConfigLayer("--set", parse_assignments(["reg.c.weight=5"]))
        assert self.weights(self.below, added, layer("flag", regularizers=["c"])) == {"c": 5}

    def test_what_was_asked_for_outright_is_not_dropped_in_silence(self):
        added = ConfigLayer("--set", parse_assignments(["reg.c.weight=5"]))
        merged = merge([self.below, added, layer("flag", regularizers=["a"])])
        assert merged.ignored == {"regularizers.c.weight": "--set"}

    def test_suggestions_give_way_in_silence(self):
        suggested = ConfigLayer("suggested by loss x", {"regularizers.c.weight": 5}, suggestion=True)
        merged = merge([suggested, layer("flag", regularizers="none")])
        assert (merged.tree(), merged.ignored) == ({}, {})

    @pytest.mark.parametrize("content", [5, [1], {"a": 5}, [{"a": {}}]])
    def test_what_is_no_set_of_regularizers(self, content):
        with pytest.raises(ConfigError, match="regularizers"):
            flatten({"regularizers": content})


class TestFlattening:
    def test_shorthands_and_other_words_for_sections(self):
        flat = flatten({"loss": "hinge", "disc": {"name": "acgan", "n-layers": 2}, "gens": "dcgan", "seed": 3})
        assert flat == {
            "loss.name": "hinge",
            "discriminator.name": "acgan",
            "discriminator.n_layers": 2,
            "generator.name": "dcgan",
            "seed": 3,
        }

    def test_regularizers_by_any_spelling(self):
        assert flatten({"regs": {"gradient_penalty": {"one-sided": True}}}) == {
            "regularizers": True,
            "regularizers.gradient-penalty": {},
            "regularizers.gradient-penalty.one_sided": True,
        }

    def test_an_empty_section_says_nothing(self):
        assert flatten({"train": None, "runtime": {}}) == {}

    @pytest.mark.parametrize("section", ["train", "runtime"])
    def test_a_section_that_is_a_value(self, section):
        with pytest.raises(ConfigError, match=f"section '{section}' must be a mapping"):
            flatten({section: 3})

    @pytest.mark.parametrize(
        ("word", "section"), [("disc", "discriminator"), ("losses", "loss"), ("reg", "regularizers"), ("foo", "foo")]
    )
    def test_section_names(self, word, section):
        assert section_name(word) == section

    @pytest.mark.parametrize(
        ("written", "path"),
        [
            ("disc.n-layers", "discriminator.n_layers"),
            ("reg.gradient_penalty.one-sided", "regularizers.gradient-penalty.one_sided"),
            ("train.d_lr", "train.d_lr"),
            (" seed ", "seed"),
        ],
    )
    def test_canonical_paths(self, written, path):
        assert canonical_path(written) == path


class TestAssignments:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("train.d_lr=1e-3", {"train.d_lr": 0.001}),
            ("seed=7", {"seed": 7}),
            ("loss=hinge", {"loss.name": "hinge"}),
            ("data=./a=b", {"data.name": "./a=b"}),
            ("train.ema=null", {"train.ema": None}),
            ("train.g_betas=[0, 0.9]", {"train.g_betas": [0, 0.9]}),
            ('train={"steps": 3}', {"train.steps": 3}),
            ('loss={"name": "x", "a-b": 1}', {"loss.name": "x", "loss.a_b": 1}),
            ('reg.a={"weight": 5}', {"regularizers.a": {}, "regularizers.a.weight": 5}),
            ("reg=none", {"regularizers": True}),
            ("data.path=", {"data.path": ""}),
        ],
    )
    def test_values_are_json_or_else_text(self, text, values):
        assert parse_assignments([text]) == values

    def test_the_last_one_counts(self):
        assert parse_assignments(["seed=1", "seed=2"]) == {"seed": 2}
        assert set(parse_assignments(["reg=a", "reg=b"])) == {"regularizers", "regularizers.b"}

    @pytest.mark.parametrize("text", ["foo", "=3", ".=3", "train.=3", "train..x=1", "", " =1"])
    def test_what_is_no_assignment(self, text):
        with pytest.raises(ConfigError, match="--set needs PATH=VALUE") as caught:
            parse_assignments([text])
        assert caught.value.given == text

    @pytest.mark.parametrize("text", ["train=5", "reg.a=5", "reg=5"])
    def test_a_section_cannot_be_a_value(self, text):
        with pytest.raises(ConfigError, match="must"):
            parse_assignments([text])


WRONG_VALUES = [
    ("train.steps", 0, "must be greater than or equal to 1"),
    ("train.steps", 1.5, "must be a whole number"),
    ("train.batch_size", 0, "must be greater than or equal to 1"),
    ("train.n_critic", 0, "must be greater than or equal to 1"),
    ("train.g_lr", -1, "must be greater than 0"),
    ("train.d_lr", math.nan, "must be a finite number"),
    ("train.d_lr", math.inf, "must be a finite number"),
    ("train.clip_grad_norm", math.inf, "must be a finite number"),
    ("train.epochs", math.inf, "must be a finite number"),
    ("train.ema", 1, "must be less than 1"),
    ("train.g_betas", 0.5, "must be a list in brackets"),
    ("train.g_betas", [0, 0.9, 0.99], "has more than 2 items"),
    ("train.optimizer", "adamx", "must be 'adam', 'adamw', 'rmsprop' or 'sgd'"),
    ("data.image_size", 7, "must be greater than or equal to 8"),
    ("data.channels", 2, "must be 1 or 3"),
    ("runtime.device", "gpu", "must be auto, cpu, cuda, cuda:0"),
    ("runtime.precision", "fp16", "must be 'fp32' or 'bf16'"),
    ("runtime.threads", 0, "must be 'auto' or greater than or equal to 1"),
    ("seed", -1, "must be greater than or equal to 0"),
    ("seed", 2**63, "must be less than"),
    ("version", 0, "must be 1"),
]


class TestValidation:
    @pytest.mark.parametrize(("path", "value", "complaint"), WRONG_VALUES)
    def test_a_wrong_value_is_told_with_path_value_origin_and_range(self, path, value, complaint):
        with pytest.raises(ConfigError) as caught:
            validate(merge([ConfigLayer("--set", {path: value})]))
        message = caught.value.message
        assert message.startswith(f"{path} = {value!r} (from --set): ")
        assert complaint in message
        assert message.count("\n") == 0

    def test_betas_one_by_one(self):
        message = refused(train={"g_betas": [1.5, -1], "d_betas": [0.5]})
        assert "train.g_betas.0 = 1.5 (from file): must be less than 1" in message
        assert "train.g_betas.1 = -1 (from file): must be greater than or equal to 0" in message
        assert "train.d_betas = [0.5] (from file): must be 2 values in brackets" in message

    def test_more_micro_batches_than_images(self):
        assert "accumulate (5) is larger than batch_size (4)" in refused(train={"accumulate": 5, "batch_size": 4})

    @pytest.mark.parametrize(
        "rule", ["last", "last 0", "every -2", "every 1.5", "first 3", "best 2", "", "All", "last 3 "]
    )
    def test_which_checkpoints_stay_is_said_by_a_known_rule(self, rule):
        assert "train.keep" in (said := refused(train={"keep": rule}))
        assert "must be 'last N', 'every N', 'best' or 'all', where N is a whole number from 1 of at most" in said

    def test_a_bare_number_of_checkpoints_is_told_how_to_say_it(self):
        assert "for the newest 2: 'last 2'" in refused(train={"keep": 2})
        assert "for the newest" not in refused(train={"keep": True})

    def test_no_checkpoints_are_to_stay_that_are_never_written(self):
        assert "keep is 'every 700', but checkpoints are written every 500 steps" in refused(
            train={"keep": "every 700"}
        )
        for rule, every in (("every 700", 700), ("every 1000", 500), ("every 1", 1), ("last 1", 500), ("all", 500)):
            assert RunConfig(train={"keep": rule, "checkpoint_every": every}).train.keep == rule

    @pytest.mark.parametrize(
        ("sections", "complaint"),
        [
            ({"trian": {"steps": 3}}, "trian (from file): unknown key; did you mean 'train'?"),
            ({"train": {"stpes": 3}}, "train.stpes (from file): unknown key; did you mean 'steps'?"),
            ({"steps": 3}, "steps (from file): unknown key; did you mean 'train.steps'?"),
            ({"qqq": 3}, "qqq (from file): unknown key; known: version, seed, loss, "),
            ({"train": {"qqq": 3}}, "train.qqq (from file): unknown key; known: steps, epochs, "),
        ],
    )
    def test_unknown_keys(self, sections, complaint):
        assert complaint in refused(**sections)

    def test_every_finding_at_once(self):
        message = refused(trian={"steps": 3}, train={"stpes": 3, "g_lr": 0}, seed=-1)
        assert message.startswith("4 problems:\n")
        assert [part in message for part in ("trian", "train.stpes", "train.g_lr", "seed = -1")] == [True] * 4

    def test_numbers_that_yaml_reads_as_text(self):
        config = validate(merge([ConfigLayer("file", flatten(read_yaml("train: {g_lr: 1e-4, steps: '7'}", "file")))]))
        assert (config.train.g_lr, config.train.steps) == (1e-4, 7)


# Round trips ---------------------------------------------------------------------------------------------------------

names = st.text("abc09", min_size=1, max_size=6)
keys = st.text("xyz_", min_size=1, max_size=6).filter(lambda key: key not in ("name", *DataConfig.model_fields))
rates = st.floats(0, exclude_min=True, allow_infinity=False)
betas = st.tuples(*[st.floats(0, 1, exclude_max=True)] * 2)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
option_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts, st.lists(texts)
)
options = st.dictionaries(keys, option_values, max_size=3)
positive = st.integers(1, 10**6)
trains = st.builds(
    TrainConfig,
    steps=positive,
    batch_size=positive,
    n_critic=st.integers(1, 1000),
    fakes=st.sampled_from(["fresh", "shared"]),
    updates=st.sampled_from(["alternating", "simultaneous"]),
    optimizer=st.sampled_from(["adam", "adamw", "rmsprop", "sgd"]),
    g_lr=rates,
    d_lr=rates,
    g_betas=betas,
    d_betas=betas,
    clip_grad_norm=st.none() | rates,
    ema=st.none() | st.floats(0, 1, exclude_max=True),
    log_every=positive,
)
runtimes = st.builds(
    RuntimeConfig,
    device=st.sampled_from(["auto", "cpu", "cuda:3"]),
    precision=st.sampled_from(["fp32", "bf16"]),
    compile=st.booleans(),
    threads=st.just("auto") | st.integers(1, 65_536),
)


def configs(prefix=""):
    """Whole configurations; the names of their components begin with ``prefix``."""
    named = names.map(lambda name: prefix + name)
    selections = st.builds(lambda name, extra: Selection(name=name, **extra), named, options)
    datas = st.builds(
        lambda name, size, channels, split, extra: DataConfig(
            name=name, image_size=size, channels=channels, split=split, **extra
        ),
        named,
        st.none() | st.integers(8, 1024),
        st.sampled_from([None, 1, 3]),
        texts,
        options,
    )
    return st.builds(
        RunConfig,
        seed=st.integers(0, 2**63 - 1),
        loss=selections,
        discriminator=selections,
        generator=selections,
        regularizers=st.dictionaries(named, options, max_size=3),
        data=datas,
        train=trains,
        runtime=runtimes,
    )


class TestRoundTrips:
    @given(configs())
    def test_a_saved_configuration_reads_back_the_same(self, config):
        text = to_yaml(config)
        again = validate(merge([ConfigLayer("file", flatten(read_yaml(text, "config.yaml")))]))
        assert again == config
        assert to_yaml(again) == text

    @given(configs(), configs("other-"))
    def test_a_saved_configuration_overrules_other_components_below_it(self, config, other):
        layers = [
            ConfigLayer(name, flatten(read_yaml(to_yaml(one), name))) for name, one in (("b", other), ("a", config))
        ]
        assert validate(merge(layers)) == config

    @given(st.text(string.printable))
    def test_any_text_is_read_or_refused_with_a_configuration_error(self, text):
        # Whatever else is raised fails the test.
        with contextlib.suppress(ConfigError):
            assert all(isinstance(path, str) for path in flatten(read_yaml(text, "file")))


def test_every_section_that_selects_a_component_has_a_default():
    assert {section: type(getattr(RunConfig(), section)).__name__ for section in SELECTIONS} == {
        "loss": "Selection",
        "discriminator": "Selection",
        "generator": "Selection",
        "data": "DataConfig",
    }
