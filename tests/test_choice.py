"""Names, suggestions and options: what a configuration chooses, and all that is wrong with it at once."""

import os
from typing import Literal

import pytest
from pydantic import Field, field_validator

from ganzoo.component import Component, DatasetOptions, Options, RegularizerOptions
from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.planning.choice import choose, file_layer, parse_options
from ganzoo.registry import Entry, Registry, own_upgrade


class Plain(Options):
    """Nothing to be set."""


class Wide(Options):
    """One number."""

    width: int = Field(default=4, ge=1)


class Moody(Options):
    """Fails in a way no validation should."""

    mood: Literal["good"] | str = "good"

    @field_validator("mood")
    @classmethod
    def _fail(cls, mood):
        raise RuntimeError("in a bad mood")


class Term(RegularizerOptions):
    """A regularizer."""


class Classifier(RegularizerOptions):
    """A regularizer on class logits."""

    def tags(self):
        return frozenset({"needs_class_logits"})


class Heads(Wide):
    """A discriminator with class logits."""

    def tags(self):
        return frozenset({"provides_class_logits"})


class Data(DatasetOptions):
    """A dataset."""


class Folder(DatasetOptions):
    """A dataset at a path."""

    path: str


CLASSES = {"loss": Plain, "discriminator": Wide, "generator": Wide, "regularizer": Term, "dataset": Data}


def entry(kind, name, *, options=None, distribution="ganzoo", **fields):
    target = f"{__name__}:{(options or CLASSES[kind]).__name__}"
    component = Component(kind=kind, name=name, target=target, summary="…", **fields)
    return Entry(component=component, distribution=distribution, version="1.0", entry_point="main")


DEFAULTS = [
    entry("loss", "hinge"),
    entry("discriminator", "patchgan-sn"),
    entry("generator", "dcgan"),
    entry("dataset", "digits"),
    entry("dataset", "pictures", options=Folder),
]


def chosen(*layers, entries=(), **sections):
    """The choice made of the default components and ``entries``, which come before them."""
    names = {(one.kind, one.name) for one in entries}
    known = Registry([*entries, *(one for one in DEFAULTS if (one.kind, one.name) not in names)])
    return choose(known, [*layers, ConfigLayer("file", flatten(sections))])


def refusal(*layers, entries=(), **sections):
    with pytest.raises(ConfigError) as caught:
        parse_options(chosen(*layers, entries=entries, **sections))
    return caught.value


class TestNames:
    def test_nothing_said_means_the_defaults(self):
        choice = chosen()
        names = {section: entry.name for section, entry in choice.entries.items()}
        assert names == {"loss": "hinge", "discriminator": "patchgan-sn", "generator": "dcgan", "data": "digits"}
        assert choice.merged.origins["loss.name"] == "default"

    def test_aliases_and_spellings_become_the_name(self):
        entries = [
            entry("loss", "lsgan", aliases=("mse",)),
            entry("loss", "focal", distribution="acme"),
            entry("regularizer", "gradient-penalty", aliases=("gp",)),
        ]
        choice = chosen(entries=entries, loss="mse", regularizers={"gp": {"weight": 2}})
        assert choice.config.loss.name == "lsgan"
        assert choice.config.regularizers == {"gradient-penalty": {"weight": 2}}
        assert chosen(entries=entries, loss="acme/focal").config.loss.name == "focal"

    def test_a_clash_is_saved_with_its_distribution(self):
        entries = [entry("loss", "focal", distribution=name) for name in ("acme", "zeta")]
        assert chosen(entries=entries, loss="zeta/focal").config.loss.name == "zeta/focal"
        with pytest.raises(ConfigError, match="2 plugins provide a loss called 'focal'"):
            chosen(entries=entries, loss="focal")

    def test_an_unknown_name_alone_is_told_in_full(self):
        error = refusal(loss="hing")
        assert isinstance(error, UnknownNameError)
        assert error.message == "there is no loss called 'hing'; did you mean 'hinge'?"
        assert (error.allowed, error.hint) == ("hinge", "ganzoo list losses")

    def test_several_unknown_names(self):
        error = refusal(loss="hing", generator="dcgam", regularizers=["r1"])
        assert error.message.startswith("3 problems:")
        for part in ("loss called 'hing'", "generator called 'dcgam'", "regularizer called 'r1'"):
            assert part in error.message

    @pytest.mark.parametrize("name", [None, 3, True, ["hinge"]])
    def test_what_is_no_name(self, name):
        assert f"loss.name = {name!r} (from file): must be text" in refusal(loss=name).message


class TestOptionsThatAnotherComponentHas:
    """A user who gives an option to the wrong component is told which one has it."""

    def refused(self, registry, **content):
        with pytest.raises(ConfigError) as caught:
            parse_options(choose(registry, [ConfigLayer("file", flatten(content))]))
        return caught.value

    def test_of_a_loss_without_any(self, registry):
        error = self.refused(registry, loss={"name": "wgan", "margin": 2})
        assert error.message == (
            "loss.margin (from file): loss wgan has no options; "
            "ebgan has margin, margin-hinge has margin_real and margin_fake"
        )
        assert error.hint == "leave the option out, or choose another one from: ganzoo list losses"

    def test_of_a_part_with_others(self, registry):
        error = self.refused(registry, discriminator={"name": "patchgan-sn", "attention": 32})
        assert error.message == (
            "discriminator.attention (from file): unknown key; known: ndf, n_layers, stride, dropout; "
            "biggan has attention, embedding has attention, projection has attention"
        )

    def test_that_nobody_has(self, registry):
        error = self.refused(registry, loss={"name": "wgan", "qqq": 2})
        assert error.message == "loss.qqq (from file): loss wgan has no options"


class TestPaths:
    @pytest.mark.parametrize("word", ["./digits", "~/pictures", "/somewhere", "some/where", "..", "."])
    def test_what_looks_like_a_path_is_a_folder(self, word):
        data = chosen(data=word).config.data
        assert (data.name, data.options()) == ("pictures", {"path": word})

    def test_a_folder_that_is_there(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "cats").mkdir()
        (tmp_path / "digits").mkdir()
        assert chosen(data="cats").config.data.options() == {"path": "cats"}
        assert chosen(data="digits").config.data.name == "digits"

    def test_a_folder_that_is_called_as_the_dataset_of_pictures(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pictures").mkdir()
        assert chosen(data="pictures").config.data.options() == {"path": "pictures"}
        stated = chosen(data={"name": "pictures", "path": "elsewhere"}).config.data
        assert stated.options() == {"path": "elsewhere"}

    def test_a_folder_that_has_nearly_that_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "my pics").mkdir()
        (tmp_path / "digit").mkdir()
        error = refusal(data="my pic")
        assert (
            error.message == "there is no dataset called 'my pic', nor a folder of that name; did you mean 'my pics'?"
        )
        assert error.hint == "--data 'my pics'"
        assert refusal(data="digits2").message.endswith("did you mean 'digits'?"), "a dataset goes first"

    def test_neither(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        error = refusal(data="cats")
        assert error.message == "there is no dataset called 'cats', nor a folder of that name"
        assert "for a folder of images: --data PATH" in error.hint

    def test_the_options_of_another_dataset_are_left_out(self):
        below = ConfigLayer("file", flatten({"data": {"name": "digits", "on_error": "skip", "image_size": 16}}))
        data = chosen(below, data="./cats").config.data
        assert (data.image_size, data.options()) == (16, {"path": "./cats"})

    def test_a_path_on_the_command_line_takes_the_place_of_one_in_a_file(self):
        below = ConfigLayer("file", flatten({"data": {"name": "pictures", "path": "a", "on_error": "skip"}}))
        assert chosen(below, data="./b").config.data.options() == {"path": "./b", "on_error": "skip"}


class TestSuggestions:
    def origins(self, choice, *paths):
        return [(choice.merged.values[path], choice.merged.origins[path]) for path in paths]

    def test_the_first_of_loss_regularizer_discriminator_generator_dataset_wins(self):
        def suggests(number, *more):
            return dict.fromkeys(("seed", *more), number)

        entries = [
            entry("dataset", "digits", suggests=suggests(5, "train.steps")),
            entry("generator", "dcgan", suggests=suggests(4, "train.steps", "train.n_critic")),
            entry("discriminator", "patchgan-sn", suggests=suggests(3, "train.n_critic", "train.log_every")),
            entry("regularizer", "gp", suggests=suggests(2, "train.log_every", "train.batch_size")),
            entry(
                "loss",
                "hinge",
                suggests=suggests(1, "train.batch_size", "regularizers.gp.weight", "regularizers.gp.every"),
            ),
        ]
        choice = chosen(entries=entries, regularizers={"gp": {"every": 9}})
        paths = ("train.steps", "train.n_critic", "train.log_every", "train.batch_size", "seed")
        assert self.origins(choice, *paths) == [
            (4, "suggested by generator dcgan"),
            (3, "suggested by discriminator patchgan-sn"),
            (2, "suggested by regularizer gp"),
            (1, "suggested by loss hinge"),
            (1, "suggested by loss hinge"),
        ]
        assert self.origins(choice, "regularizers.gp.weight", "regularizers.gp.every") == [
            (1, "suggested by loss hinge"),
            (9, "file"),
        ]

    def test_whatever_a_user_says_wins(self):
        entries = [entry("loss", "hinge", suggests={"train.steps": 7, "train.n_critic": 5})]
        choice = chosen(entries=entries, train={"steps": 3})
        assert self.origins(choice, "train.steps", "train.n_critic") == [
            (3, "file"),
            (5, "suggested by loss hinge"),
        ]

    def test_suggested_regularizers_unite(self):
        entries = [
            entry("loss", "hinge", suggests={"regularizers.a.weight": 1}),
            entry("discriminator", "patchgan-sn", suggests={"regularizers.b.weight": 2}),
            *(entry("regularizer", name) for name in "abc"),
        ]
        assert chosen(entries=entries).config.regularizers == {"a": {"weight": 1}, "b": {"weight": 2}}
        added = ConfigLayer("--set", parse_assignments(["reg.c.weight=3"]))
        assert set(chosen(added, entries=entries).config.regularizers) == {"a", "b", "c"}
        assert chosen(entries=entries, regularizers=["c"]).config.regularizers == {"c": {}}
        assert chosen(entries=entries, regularizers="none").config.regularizers == {}
        assert chosen(entries=entries, regularizers=["a"]).config.regularizers == {"a": {"weight": 1}}

    def test_an_extractor_that_cannot_be_had_gives_way_to_the_one_that_always_can(self, caplog):
        entries = [
            entry("metric", "distance", options=Plain, suggests={"extractors.deep": {}}),
            entry("extractor", "deep", options=Plain, requires=("not_installed_at_all",)),
            entry("extractor", "random-conv", options=Plain),
        ]
        assert chosen(entries=entries, metrics=["distance"]).config.extractors == {"random-conv": {}}
        assert "extractor deep needs not_installed_at_all" in caplog.text
        assert "its numbers say less" in caplog.text

    def test_a_component_that_is_not_chosen_suggests_nothing(self):
        entries = [entry("loss", "other", suggests={"seed": 5}), entry("regularizer", "r", suggests={"seed": 6})]
        assert chosen(entries=entries).config.seed == 0

    def test_what_is_suggested_for_another_discriminator_is_not_for_this_one(self):
        entries = [
            entry("loss", "hinge", suggests={"discriminator.norm": "instance", "discriminator.width": 9}),
            entry("discriminator", "normed", options=Wide),
        ]
        choice = chosen(entries=entries, discriminator="normed")
        assert parse_options(choice)["discriminator"] == Wide(width=9)


class TestEveryFindingAtOnce:
    entries = (
        entry("discriminator", "heads", options=Heads, tags=frozenset({"provides_class_logits"})),
        entry("regularizer", "aux", options=Classifier, tags=frozenset({"needs_class_logits"})),
    )

    def test_names_keys_options_and_combination(self):
        wrong = ConfigLayer("--set", parse_assignments(["trian.steps=3", "disc.widht=3", "train.g_lr=-1"]))
        message = refusal(wrong, entries=self.entries, generator="dcgam", regularizers=["aux"]).message
        assert message.startswith("4 problems:")
        for part in (
            "generator called 'dcgam'",
            "trian (from --set): unknown key; did you mean 'train'?",
            "train.g_lr = -1 (from --set)",
            "discriminator.widht (from --set): unknown key; did you mean 'width'?",
        ):
            assert part in message

    def test_a_combination_is_judged_beside_wrong_keys(self):
        message = refusal(entries=self.entries, regularizers=["aux"], seed=-1).message
        assert "seed = -1" in message
        assert "discriminator patchgan-sn has none" in message

    def test_a_combination_is_judged_beside_wrong_options(self):
        message = refusal(entries=self.entries, regularizers=["aux"], generator={"width": 0}).message
        assert "generator.width = 0 (from file): must be greater than or equal to 1" in message
        assert "discriminator patchgan-sn has none" in message

    def test_a_fitting_combination_is_not_blamed(self):
        message = refusal(entries=self.entries, regularizers=["aux"], discriminator="heads", seed=-1).message
        assert message.startswith("seed = -1")

    def test_options_of_several_components(self):
        message = refusal(generator={"width": 0}, discriminator={"width": "x"}, data={"folds": 3}).message
        assert message.startswith("3 problems:")
        assert "data.folds (from file): unknown key" in message

    def test_a_key_of_every_dataset_is_known(self):
        assert "did you mean 'image_size'?" in refusal(data={"imagesize": 8}).message

    def test_a_regularizer_that_was_set_and_then_left_out(self):
        entries = [entry("regularizer", "a"), entry("regularizer", "b")]
        added = ConfigLayer("--set", parse_assignments(["reg.b.weight=3"]))
        error = refusal(added, ConfigLayer("--reg", flatten({"regularizers": ["a"]})), entries=entries)
        assert "regularizers.b.weight (from --set) has no effect" in error.message
        assert "add --reg b" in error.hint

    def test_what_adds_it_again_depends_on_who_left_it_out(self):
        known = (("augmentation", "a"), ("augmentation", "b"), ("metric", "c"), ("metric", "d"))
        entries = [entry(kind, name, options=Term) for kind, name in known]
        dotted = ConfigLayer("file", {"augment.b.weight": 3, "metrics.d.weight": 2})
        flag = refusal(dotted, ConfigLayer("--augment", flatten({"augment": ["a"]})), entries=entries)
        assert "the augmentations are set by --augment, and b is not among them" in flag.message
        assert flag.hint.startswith("add --augment b, ")
        error = refusal(dotted, ConfigLayer("--set", parse_assignments(["metrics=c"])), entries=entries)
        assert "the metrics are set by --set" in error.message
        assert error.hint.startswith("add --set metrics.d={} as the last --set, ")
        mended = ConfigLayer("--set", parse_assignments(["metrics=c", "metrics.d={}"]))
        assert set(chosen(dotted, mended, entries=entries).config.metrics) == {"c", "d"}


class TestOptions:
    def test_they_are_parsed_by_section(self):
        entries = [entry("regularizer", "a")]
        options = parse_options(chosen(entries=entries, generator={"width": "8"}, regularizers={"a": {"weight": 2}}))
        assert options["generator"] == Wide(width=8)
        assert options["regularizers.a"] == Term(weight=2)
        assert set(options) == {"loss", "discriminator", "generator", "data", "regularizers.a"}

    def test_a_bug_in_a_plugin_is_the_plugins(self):
        moody = entry("loss", "moody", options=Moody, distribution="acme")
        with pytest.raises(PluginError, match=r"loss 'moody' of acme 1\.0 cannot take its options: .*bad mood"):
            parse_options(chosen(entries=[moody], loss={"name": "moody", "mood": "bad"}))


class TestVersions:
    def test_a_newer_file(self):
        error = refusal(version=2, loss="unknown", gizmo=3)
        assert error.message == "file has version 2, which needs a newer ganzoo"
        assert error.hint == own_upgrade()


@pytest.fixture
def registry():
    return Registry.load(plugins=False)


class TestFiles:
    def test_a_file(self, registry, tmp_path):
        path = tmp_path / "mine.yaml"
        path.write_text("loss: bce\nseed: 3\n")
        assert file_layer(str(path), registry) == ConfigLayer("file mine.yaml", {"loss.name": "bce", "seed": 3})

    def test_a_file_without_suffix(self, registry, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine").write_text("seed: 3")
        assert file_layer("mine", registry).values == {"seed": 3}

    def test_a_recipe(self, registry):
        layer = file_layer("patchgan-sn-hinge", registry)
        assert layer.origin == "recipe patchgan-sn-hinge"
        assert layer.values["discriminator.n_layers"] == 3
        assert layer.values["data.image_size"] == 128
        assert file_layer("patchgan_sn_hinge", registry) == layer

    def test_a_recipe_before_a_file_of_its_name_unless_it_is_a_path(self, registry, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "patchgan-sn-hinge").write_text("seed: 3")
        assert file_layer("patchgan-sn-hinge", registry).origin == "recipe patchgan-sn-hinge"
        assert file_layer("./patchgan-sn-hinge", registry).values == {"seed": 3}

    @pytest.mark.parametrize(
        ("word", "complaint"),
        [
            ("missing.yaml", "cannot read configuration missing.yaml: No such file or directory"),
            ("./missing", "cannot read configuration missing: No such file or directory"),
            (".", "cannot read configuration .: Is a directory"),
            ("binary.yaml", "cannot read configuration binary.yaml: it is not UTF-8 text"),
            ("patchgan-sn-hing", "no recipe called 'patchgan-sn-hing', nor a file of that name; did you mean"),
            ("zzz", "no recipe called 'zzz', nor a file of that name"),
        ],
    )
    def test_what_cannot_be_read(self, registry, tmp_path, monkeypatch, word, complaint):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError) as caught:
            file_layer(word, registry)
        assert complaint in caught.value.message
        assert "list recipes" in caught.value.hint


def test_a_pipe_in_place_of_a_configuration_is_not_waited_for(tmp_path):
    """A stranger's run folder may hold one, and a hint leads to its config.yaml."""
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="it is not a regular file"):
        file_layer(str(tmp_path / "config.yaml"), Registry([]))


def test_a_configuration_that_the_shell_hands_over_is_read():
    reading, writing = os.pipe()
    os.write(writing, b"loss: hinge\n")
    os.close(writing)
    assert file_layer(f"/dev/fd/{reading}", Registry([])).values == {"loss.name": "hinge"}
    os.close(reading)
