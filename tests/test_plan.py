"""From layers to a plan: what is resolved, who decided it, what is refused once the data are known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganzoo.component import Component, DatasetOptions, Options
from ganzoo.config.layers import ConfigLayer, flatten, leaves, parse_assignments, read_yaml, to_yaml
from ganzoo.errors import ConfigError, DataError, PluginError, ResourceError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.protocols import DataSpec
from ganzoo.registry import Entry, Registry

TINY = {
    "discriminator": {"ndf": 4},
    "generator": {"ngf": 4, "latent": 3},
    "data": {"name": "synthetic", "image_size": 16, "n": 40},
    "train": {"steps": 2, "batch_size": 4},
}


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def layer(origin="file", **sections):
    return ConfigLayer(origin, flatten(sections))


def planned(registry, *layers):
    return make_plan(choose(registry, [layer(**TINY), *layers]))


def flags(*assignments, origin="flag"):
    return ConfigLayer(origin, parse_assignments(assignments))


def pictures(folder, *, classes=(), size=(8, 8), mode="RGB"):
    for number, name in enumerate(classes or [""] * 3):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, number).save(folder / name / f"{number}.png")
    return folder


class TestOrigins:
    def test_every_value_has_one(self, registry):
        plan = planned(registry)
        assert plan.origins.keys() == leaves(plan.config.model_dump(mode="json")).keys()

    def test_precedence_of_flag_set_file_suggestion_default(self, registry, tmp_path):
        suggested = make_plan(choose(registry, [layer(loss="wgan-gp", **{**TINY, "train": {"n_critic": 2}})]))
        assert (suggested.config.train.d_lr, suggested.origins["train.d_lr"]) == (1e-4, "suggested by loss wgan-gp")
        assert (suggested.config.train.n_critic, suggested.origins["train.n_critic"]) == (2, "file")
        assert (suggested.config.train.ema, suggested.origins["train.ema"]) == (0.999, "default")
        path = "regularizers.gradient-penalty.weight"
        assert (suggested.options["regularizers.gradient-penalty"].weight, suggested.origins[path]) == (
            10,
            "suggested by loss wgan-gp",
        )
        assert suggested.origins["regularizers.gradient-penalty.every"] == "default"
        plan = planned(
            registry,
            layer(train={"d_lr": 1, "g_lr": 1, "n_critic": 1}),
            flags("train.d_lr=2", "train.g_lr=2", origin="--set"),
            flags("train.d_lr=3"),
        )
        paths = ("train.d_lr", "train.g_lr", "train.n_critic", "train.optimizer")
        assert [plan.origins[path] for path in paths] == ["flag", "--set", "file", "default"]
        assert (plan.config.train.d_lr, plan.config.train.g_lr, plan.config.train.n_critic) == (3, 2, 1)

    def test_what_size_and_data_decide(self, registry):
        plan = make_plan(choose(registry, [layer(data={"name": "synthetic", "n": 8}, generator={"ngf": None})]))
        decided = {path: origin for path, origin in plan.origins.items() if origin in ("size", "data")}
        assert decided == {
            "discriminator.ndf": "size",
            "discriminator.n_layers": "size",
            "generator.ngf": "size",
            "data.image_size": "data",
            "data.channels": "data",
        }
        assert plan.config.data.image_size == plan.spec.shape[-1]

    def test_null_on_purpose_is_told_from_a_default(self, registry):
        plan = planned(registry, flags("train.ema=null"))
        assert (plan.config.train.ema, plan.origins["train.ema"]) == (None, "flag")
        assert plan.origins["train.clip_grad_norm"] == "default"

    def test_who_chose_no_regularizers(self, registry):
        assert planned(registry).origins["regularizers"] == "default"
        assert planned(registry, layer("flag", regularizers="none")).origins["regularizers"] == "flag"

    def test_steps_from_epochs(self, registry):
        plan = planned(registry, flags("train.epochs=2.5", "train.n_critic=5"))
        assert (plan.config.train.steps, plan.config.train.epochs) == (5, None)
        assert plan.origins["train.steps"] == "flag (train.epochs)"

    def test_less_than_a_step_is_a_step(self, registry):
        assert planned(registry, flags("train.epochs=0.001")).config.train.steps == 1


class TestResolving:
    def test_the_name_of_the_run(self, registry, tmp_path):
        assert planned(registry).name == "hinge-patchgan-sn-synthetic"
        folder = pictures(tmp_path / "My cats (all)")
        assert planned(registry, flags(f"data={folder}")).name == "hinge-patchgan-sn-My-cats-all"
        dotted = pictures(tmp_path / "cats.v2")
        assert planned(registry, flags(f"data={dotted}")).name == "hinge-patchgan-sn-cats.v2"

    def test_the_suffix_of_a_file_is_no_part_of_it(self, registry, tmp_path):
        pictures(tmp_path / "cats")
        listed = [f"cats/{path.name}" for path in sorted((tmp_path / "cats").iterdir()) if path.is_file()]
        assert listed
        (tmp_path / "some.csv").write_text("\n".join(["image", *listed]) + "\n")
        plan = planned(registry, flags("data=csv", f"data.path={tmp_path / 'some.csv'}"))
        assert plan.name == "hinge-patchgan-sn-some"

    def test_a_relative_path_is_saved_absolute(self, registry, tmp_path, monkeypatch):
        pictures(tmp_path / "cats")
        monkeypatch.chdir(tmp_path)
        plan = planned(registry, flags("data=cats"))
        assert plan.config.data.options()["path"] == str(tmp_path / "cats")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        assert rerun(registry, plan).config == plan.config

    def test_home_is_spelled_out(self, registry, tmp_path, monkeypatch):
        pictures(tmp_path / "cats")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert planned(registry, flags("data=~/cats")).config.data.options()["path"] == str(tmp_path / "cats")

    @pytest.mark.parametrize(("disc", "conditional"), [("acgan", True), ("dcgan", False), ("patchgan-sn", False)])
    def test_labels_are_used_where_a_part_needs_them(self, registry, disc, conditional):
        plan = planned(registry, flags(f"disc={disc}"))
        assert plan.spec.conditional is conditional
        assert (plan.generator.label_embedding is not None) is conditional

    def test_networks_start_from_the_seed(self, registry):
        first, again, other = (planned(registry, flags(f"seed={seed}")) for seed in (1, 1, 2))
        for network in ("generator", "discriminator"):
            weights = [
                torch.cat([one.detach().flatten() for one in getattr(plan, network).parameters()])
                for plan in (first, again, other)
            ]
            assert torch.equal(weights[0], weights[1])
            assert not torch.equal(weights[0], weights[2])

    def test_planning_leaves_the_global_generator_alone(self, registry):
        torch.manual_seed(5)
        planned(registry)
        after = torch.rand(1)
        torch.manual_seed(5)
        assert torch.equal(after, torch.rand(1))

    def test_the_discriminator_does_not_depend_on_the_generator(self, registry):
        first, second = planned(registry), planned(registry, flags("gen.ngf=6"))
        for one, other in zip(first.discriminator.parameters(), second.discriminator.parameters(), strict=True):
            assert torch.equal(one, other)


def rerun(registry, plan):
    return make_plan(
        choose(registry, [ConfigLayer("config.yaml", flatten(read_yaml(to_yaml(plan.config), "config.yaml")))])
    )


chances = st.floats(0, 1, exclude_max=True)
rates = st.floats(1e-12, 1e3)
LOSS_OPTIONS = {
    "hinge": {},
    "bce": {"label_smoothing": st.floats(0, 0.4)},
    "margin-hinge": {"margin_real": st.floats(0.01, 9), "margin_fake": st.floats(0.01, 9)},
    "wgan-gp": {},
}
DISC_OPTIONS = {
    "patchgan-sn": {"ndf": st.none() | st.integers(1, 6), "n_layers": st.none() | st.just(1), "dropout": chances},
    "dcgan": {"ndf": st.integers(1, 6), "norm": st.sampled_from(["batch", "instance", "spectral", "none"])},
    "acgan": {"ndf": st.integers(1, 6)},
}
PENALTY = {"weight": st.floats(0, 100), "every": st.integers(1, 9), "target": st.floats(0, 4)}


def section(names):
    return st.one_of(
        st.just(name) | st.fixed_dictionaries({"name": st.just(name)}, optional=options)
        for name, options in names.items()
    )


configurations = st.fixed_dictionaries(
    {
        "loss": section(LOSS_OPTIONS),
        "discriminator": section(DISC_OPTIONS),
        "generator": st.fixed_dictionaries({"ngf": st.integers(1, 4), "latent": st.integers(1, 8)}),
        "data": st.fixed_dictionaries(
            {"name": st.just("synthetic"), "n": st.integers(8, 40)},
            optional={"image_size": st.sampled_from([8, 16]), "channels": st.sampled_from([1, 3])},
        ),
    },
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "regularizers": st.just("none")
        | st.fixed_dictionaries({"gradient-penalty": st.fixed_dictionaries({}, optional=PENALTY)}),
        "train": st.fixed_dictionaries(
            {},
            optional={
                "epochs": st.floats(0.01, 5),
                "g_lr": rates,
                "d_lr": rates,
                "g_betas": st.tuples(chances, chances).map(list),
                "ema": st.none() | chances,
                "clip_grad_norm": st.none() | rates,
                "optimizer": st.sampled_from(["adam", "adamw", "rmsprop", "sgd"]),
                "n_critic": st.integers(1, 5),
            },
        ),
    },
)


@given(configurations)
def test_the_saved_configuration_runs_again_as_the_same(registry, sections):
    plan = make_plan(choose(registry, [layer(**sections)]))
    again = rerun(registry, plan)
    assert again.config == plan.config
    assert to_yaml(again.config) == to_yaml(plan.config)
    assert set(again.origins.values()) <= {"config.yaml", "default"}
    assert again.options == plan.options


class TestRefusals:
    def refusal(self, registry, *layers, error=ConfigError):
        with pytest.raises(error) as caught:
            planned(registry, *layers)
        return caught.value

    def test_a_size_the_generator_cannot_make(self, registry):
        error = self.refusal(registry, flags("data.image_size=33"))
        assert error.exit_code == 2
        assert "generator dcgan" in str(error)
        assert "images of 33×33" in str(error)
        assert "allowed: 4, 5, 6 or 7 times a power of two" in str(error)
        assert error.hint == "--image-size 32"

    def test_a_size_neither_network_can_take(self, registry):
        message = str(self.refusal(registry, flags("disc=dcgan", "data.image_size=33")))
        assert message.startswith("2 problems:")
        assert "discriminator dcgan halves" in message
        assert "generator dcgan doubles" in message
        assert message.count("next: --image-size 32") == 1

    def test_a_depth_and_a_combination_together(self, registry):
        message = str(self.refusal(registry, flags("disc.n_layers=5", "reg=auxiliary-classifier")))
        assert "class logits are required" in message
        assert "discriminator patchgan-sn leaves no logit" in message

    def test_no_classes_is_told_once(self, registry, tmp_path):
        message = str(self.refusal(registry, flags(f"data={pictures(tmp_path)}", "disc=acgan", "reg=none")))
        assert message.startswith("data pictures has no classes, but they are required by discriminator acgan\n")

    def test_classes_from_sub_folders(self, registry, tmp_path):
        folder = pictures(tmp_path, classes=("cat", "dog"))
        assert planned(registry, flags(f"data={folder}", "disc=acgan", "data.image_size=8")).spec.classes == (
            "cat",
            "dog",
        )

    def test_missing_data(self, registry, tmp_path):
        assert self.refusal(registry, flags(f"data={tmp_path / 'none'}"), error=DataError).exit_code == 3

    def test_missing_data_and_a_combination_together(self, registry, tmp_path):
        error = self.refusal(registry, flags(f"data={tmp_path / 'none'}", "reg=auxiliary-classifier"))
        assert "2 problems" in error.message
        assert f"there is no file or folder {tmp_path / 'none'}" in error.message

    def test_a_network_larger_than_memory(self, registry):
        # The second layer would have 549 GB of weights: nothing of it is ever touched.
        error = self.refusal(registry, flags("disc.ndf=65536"), error=ResourceError)
        assert error.exit_code == 6
        assert error.message == "discriminator patchgan-sn does not fit into memory"


class Vectors(DatasetOptions):
    """Data that are no images."""

    def open(self, *, image_size, channels, split, cache):
        return Points()


class Points:
    spec = DataSpec(shape=(2,))
    fingerprint = "points"
    labels = groups = modes = None

    def __len__(self):
        return 10

    def read(self, index):
        return torch.zeros(len(index), 2)


class Volumes(DatasetOptions):
    """Data that are neither images nor vectors."""

    def open(self, *, image_size, channels, split, cache):
        volumes = Points()
        volumes.spec = DataSpec(shape=(1, 16, 16, 16))
        return volumes


class OfSignals(Options):
    """A discriminator for sounds."""

    def tags(self):
        return frozenset({"signal"})


class Clumsy(Options):
    """A discriminator that fails to build."""

    def build(self, spec):
        return 1 / 0


class Leaving(Options):
    """A generator that leaves."""

    def resolve(self, spec):
        raise SystemExit(0)


def third_party(kind, name, options):
    component = Component(kind=kind, name=name, target=f"{__name__}:{options.__name__}", summary="…")
    return Entry(component=component, distribution="acme", version="2.0", entry_point="main")


class TestThirdParties:
    def known(self, registry):
        others = (
            third_party("dataset", "vectors", Vectors),
            third_party("dataset", "volumes", Volumes),
            third_party("discriminator", "of-signals", OfSignals),
            third_party("discriminator", "clumsy", Clumsy),
            third_party("generator", "leaving", Leaving),
        )
        return Registry([*registry.entries(), *others])

    def test_images_are_not_vectors(self, registry):
        with pytest.raises(ConfigError) as caught:
            make_plan(choose(self.known(registry), [layer(data="vectors")]))
        message = caught.value.message
        assert message.startswith("2 problems:")
        assert "discriminator patchgan-sn works on images, but data vectors holds vectors" in message
        assert "generator dcgan works on images, but data vectors holds vectors" in message

    def test_a_run_is_of_images_or_vectors(self, registry):
        with pytest.raises(ConfigError) as caught:
            make_plan(choose(self.known(registry), [layer(data="volumes")]))
        assert "but data volumes holds volumes (C, D, H, W)" in caught.value.message
        assert "ganzoo.Adversary" in str(caught.value)
        with pytest.raises(ConfigError, match=r"of-signals works on signals \(C, T\), but data digits holds images"):
            make_plan(choose(self.known(registry), [layer(discriminator="of-signals")]))

    @pytest.mark.parametrize(
        ("section", "complaint"),
        [
            ("discriminator=clumsy", r"discriminator 'clumsy' of acme 2\.0 cannot be built: ZeroDivisionError"),
            ("generator=leaving", r"generator 'leaving' of acme 2\.0 cannot be adapted to the data: SystemExit"),
        ],
    )
    def test_a_bug_in_a_plugin_is_the_plugins(self, registry, section, complaint):
        with pytest.raises(PluginError, match=complaint) as caught:
            make_plan(choose(self.known(registry), [layer(data=TINY["data"]), flags(section)]))
        assert caught.value.exit_code == 4


def test_leaves():
    assert leaves({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "a.c": {}, "d": [1]}
