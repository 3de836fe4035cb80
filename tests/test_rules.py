"""Which parts do not go together: each rule by itself, and the fifteen pairs as they are."""

import re
from itertools import pairwise

import pytest

from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.planning import one_verdict, rules
from ganzoo.planning.choice import choose
from ganzoo.planning.facts import Facts
from ganzoo.planning.plan import make_plan
from ganzoo.planning.rules import RULES, judge
from ganzoo.registry import Registry

NAMES = {"loss": "l", "discriminator": "d", "generator": "g", "data": "x"}


def facts(*, loss=(), discriminator=(), generator=("accepts_labels",), regularizers=None, **more):
    tags = {"loss": loss, "discriminator": discriminator, "generator": generator, "data": ()}
    return Facts(
        names=NAMES,
        tags={section: frozenset(some) for section, some in tags.items()},
        regularizers={name: frozenset(some) for name, some in (regularizers or {}).items()},
        **more,
    )


def simultaneous(**more):
    return facts(**{"updates": "simultaneous", "fakes": "shared", "loss_slopes": "steep", **more})


PENALTY = {"gp": ("needs_per_sample_independence", "limits_slope")}
REPLACING = {"match": ("replaces_generator_loss",)}
CLASSIFIER = {"aux": ("needs_class_logits", "needs_labels")}
LABELLED = ("needs_labels", "provides_class_logits")

APPLIES = [
    (rules.data_without_classes, "refused", facts(discriminator=LABELLED, regularizers=CLASSIFIER, classes=0)),
    (rules.data_without_classes, "refused", facts(discriminator=("needs_labels",), classes=1)),
    (rules.data_without_classes, "refused", facts(loss=("needs_labels",), classes=0)),
    (rules.no_class_head, "refused", facts(regularizers=CLASSIFIER, classes=3)),
    (rules.data_of_another_rank, "refused", facts(rank=1)),
    (rules.data_of_another_rank, "refused", facts(rank=3)),
    (rules.discriminator_of_other_data, "refused", facts(discriminator=("signal", "volume"))),
    (rules.image_discriminator_on_vectors, "refused", facts(discriminator=("image",), rank=0)),
    (rules.image_discriminator_on_vectors, "refused", facts(discriminator=("signal",), rank=0)),
    (rules.image_generator_on_vectors, "refused", facts(generator=("image",), rank=0)),
    (rules.one_pass_per_forward, "refused", facts(passes="one", spectral_norm="per-forward")),
    (rules.penalty_on_coupled_samples, "warned", facts(discriminator=("batch_coupled_train",), regularizers=PENALTY)),
    (rules.penalty_on_coupled_samples, "warned", facts(discriminator=("batch_coupled_always",), regularizers=PENALTY)),
    (rules.slope_limited_twice, "warned", facts(discriminator=("spectral_norm",), regularizers=PENALTY)),
    (rules.slope_not_limited, "warned", facts(loss=("needs_lipschitz",))),
    (rules.idle_class_head, "warned", facts(discriminator=LABELLED, classes=3)),
    (rules.idle_embedding, "warned", facts(discriminator=("provides_embedding",))),
    (
        rules.classes_ignored_by_generator,
        "warned",
        facts(discriminator=LABELLED, generator=(), regularizers=CLASSIFIER, classes=3),
    ),
    (rules.one_pass_mixes_statistics, "warned", facts(discriminator=("batch_coupled_train",), passes="one")),
    (rules.image_parts_on_vectors, "refused", facts(regularizers={"path": ("needs_images",)}, rank=0)),
    (
        rules.image_parts_on_vectors,
        "refused",
        facts(augmentations={"ada": frozenset({"needs_images"})}, rank=0),
    ),
    (rules.no_features, "refused", facts(regularizers={"match": ("needs_features",)})),
    (rules.no_embedding, "refused", facts(regularizers={"pull": ("needs_embedding",)})),
    (rules.no_style, "refused", facts(regularizers={"path": ("needs_style",)})),
    (rules.balance_without_classes, "refused", facts(sampling="balanced", classes=0)),
    (rules.energies_from_logits, "warned", facts(loss=("needs_energy",))),
    (rules.logits_from_energies, "warned", facts(discriminator=("energy",))),
    (rules.unrolled_in_parts, "warned", facts(unroll_steps=5, accumulate=2)),
    (rules.unrolled_without_limits, "warned", facts(unroll_steps=5, regularizers=PENALTY)),
    (rules.shared_in_parts, "refused", facts(fakes="shared", accumulate=2)),
    (
        rules.unrolled_on_another_objective,
        "refused",
        facts(unroll_steps=5, regularizers={"classes": ("replaces_discriminator_loss",)}),
    ),
    (rules.groups_of_four, "refused", facts(discriminator=("groups_of_four",), batch_size=50)),
    (rules.one_sample_alone, "refused", facts(generator=("needs_two_samples",), batch_size=1)),
    (
        rules.one_sample_alone,
        "refused",
        facts(regularizers={"pair": ("needs_two_samples",)}, batch_size=5, accumulate=3),
    ),
    (rules.groups_of_four, "refused", facts(discriminator=("groups_of_four",), batch_size=48, accumulate=5)),
    (rules.generator_without_objective, "refused", facts(regularizers=REPLACING, every={"match": 2})),
    (
        rules.discriminator_without_objective,
        "refused",
        facts(regularizers={"classes": ("replaces_discriminator_loss",)}, every={"classes": 2}),
    ),
    (one_verdict.verdict_that_serves_one, "refused", simultaneous(fakes="fresh")),
    (one_verdict.verdict_that_serves_one, "refused", simultaneous(n_critic=2)),
    (one_verdict.verdict_that_serves_one, "refused", simultaneous(unroll_steps=1)),
    (one_verdict.verdict_on_samples_together, "refused", simultaneous(loss=("batch_nonlinear",))),
    (one_verdict.verdict_on_samples_together, "refused", simultaneous(loss=("generator_needs_real",))),
    (one_verdict.verdict_on_samples_together, "refused", simultaneous(discriminator=("batch_coupled_always",))),
    (one_verdict.verdict_of_several_logits, "refused", simultaneous(discriminator=("patch",))),
    (
        one_verdict.verdict_of_several_logits,
        "refused",
        simultaneous(discriminator=("multiple_outputs",), loss_slopes="opposite"),
    ),
    (one_verdict.verdict_without_slope, "refused", simultaneous(loss_slopes="flat")),
    (one_verdict.verdict_with_regularizers, "refused", simultaneous(regularizers=CLASSIFIER | PENALTY)),
    (rules.coupled_in_parts, "warned", facts(discriminator=("batch_nonlinear",), accumulate=2)),
    (rules.coupled_in_parts, "warned", facts(regularizers={"match": ("batch_nonlinear",)}, accumulate=2)),
]

FINE = [
    (rules.data_without_classes, facts(discriminator=LABELLED, classes=2)),
    (rules.data_without_classes, facts(discriminator=LABELLED, classes=None)),
    (rules.data_without_classes, facts(classes=0)),
    (rules.no_class_head, facts(discriminator=LABELLED, regularizers=CLASSIFIER)),
    (rules.data_of_another_rank, facts(rank=0)),
    (rules.data_of_another_rank, facts()),
    (rules.discriminator_of_other_data, facts(discriminator=("image", "signal"))),
    (rules.discriminator_of_other_data, facts(discriminator=())),
    (rules.image_discriminator_on_vectors, facts(discriminator=("image",))),
    (rules.image_discriminator_on_vectors, facts(discriminator=("vector",), rank=0)),
    (rules.image_generator_on_vectors, facts(generator=("image",))),
    (rules.one_pass_per_forward, facts(passes="two", spectral_norm="per-forward")),
    (rules.one_pass_per_forward, facts(passes="one")),
    (rules.penalty_on_coupled_samples, facts(regularizers=PENALTY)),
    (rules.penalty_on_coupled_samples, facts(discriminator=("batch_coupled_train",))),
    (rules.slope_limited_twice, facts(discriminator=("spectral_norm",))),
    (rules.slope_not_limited, facts(loss=("needs_lipschitz",), discriminator=("spectral_norm",))),
    (rules.slope_not_limited, facts(loss=("needs_lipschitz",), regularizers=PENALTY)),
    (rules.idle_class_head, facts(discriminator=LABELLED, regularizers=CLASSIFIER)),
    (rules.idle_embedding, facts(regularizers={"pull": ("needs_embedding",)}, discriminator=("provides_embedding",))),
    (rules.classes_ignored_by_generator, facts(generator=())),
    (rules.one_pass_mixes_statistics, facts(discriminator=("batch_coupled_train",), passes="two")),
    (rules.image_parts_on_vectors, facts(regularizers={"path": ("needs_images",)})),
    (rules.image_parts_on_vectors, facts(regularizers={"r1": ()}, rank=0)),
    (rules.no_features, facts(regularizers={"match": ("needs_features",)}, discriminator=("provides_features",))),
    (rules.no_embedding, facts(regularizers={"pull": ("needs_embedding",)}, discriminator=("provides_embedding",))),
    (rules.no_style, facts(regularizers={"path": ("needs_style",)}, generator=("provides_style",))),
    (rules.balance_without_classes, facts(sampling="balanced", classes=2)),
    (rules.balance_without_classes, facts(classes=0)),
    (rules.energies_from_logits, facts(loss=("needs_energy",), discriminator=("energy",))),
    (rules.logits_from_energies, facts()),
    (rules.unrolled_in_parts, facts(unroll_steps=5)),
    (rules.unrolled_in_parts, facts(accumulate=2)),
    (rules.unrolled_without_limits, facts(regularizers=PENALTY)),
    (rules.shared_in_parts, facts(fakes="shared")),
    (rules.shared_in_parts, facts(accumulate=2)),
    (rules.unrolled_without_limits, facts(unroll_steps=5)),
    (rules.unrolled_on_another_objective, facts(unroll_steps=5, regularizers=PENALTY)),
    (rules.unrolled_on_another_objective, facts(regularizers={"classes": ("replaces_discriminator_loss",)})),
    (rules.groups_of_four, facts(discriminator=("groups_of_four",), batch_size=48, accumulate=4)),
    (rules.groups_of_four, facts(discriminator=("groups_of_four",), batch_size=3)),
    (rules.groups_of_four, facts(batch_size=50)),
    (rules.one_sample_alone, facts(generator=("needs_two_samples",), batch_size=4, accumulate=2)),
    (rules.one_sample_alone, facts(batch_size=1)),
    (rules.generator_without_objective, facts(regularizers=REPLACING, every={"match": 1})),
    (rules.generator_without_objective, facts(regularizers=REPLACING | {"other": ("replaces_generator_loss",)})),
    (rules.generator_without_objective, facts(regularizers=PENALTY, every={"gp": 2})),
    (rules.discriminator_without_objective, facts(regularizers={"classes": ("replaces_discriminator_loss",)})),
    (one_verdict.verdict_that_serves_one, simultaneous()),
    (one_verdict.verdict_that_serves_one, facts(n_critic=2, unroll_steps=1)),
    (one_verdict.verdict_on_samples_together, simultaneous()),
    (one_verdict.verdict_on_samples_together, facts(discriminator=("batch_coupled_train",))),
    (one_verdict.verdict_of_several_logits, simultaneous(discriminator=("patch",), loss_slopes="opposite")),
    (one_verdict.verdict_of_several_logits, facts(discriminator=("multiple_outputs",))),
    (one_verdict.verdict_without_slope, simultaneous()),
    (one_verdict.verdict_without_slope, facts(loss_slopes="flat")),
    (one_verdict.verdict_with_regularizers, simultaneous(regularizers=PENALTY)),
    (one_verdict.verdict_with_regularizers, facts(regularizers=CLASSIFIER)),
    (rules.coupled_in_parts, facts(accumulate=2)),
    (rules.coupled_in_parts, facts(discriminator=("batch_nonlinear",))),
]


class TestEachRule:
    @pytest.mark.parametrize(("rule", "status", "given"), APPLIES, ids=lambda value: getattr(value, "__name__", ""))
    def test_it_applies_and_says_what_to_do(self, rule, status, given):
        finding = rule(given)
        assert finding.status == status
        assert finding.reason
        assert finding.fix
        assert finding in judge(given)

    @pytest.mark.parametrize(("rule", "given"), FINE, ids=lambda value: getattr(value, "__name__", ""))
    def test_it_stays_silent(self, rule, given):
        assert rule(given) is None

    def test_every_rule_is_seen_both_ways(self):
        assert {rule for rule, *_ in APPLIES} == {rule for rule, _ in FINE} == set(RULES)

    def test_the_culprits_are_named(self):
        (finding,) = judge(facts(discriminator=LABELLED, regularizers=CLASSIFIER, classes=0))
        assert finding.reason == "data x has no classes, but they are required by discriminator d, regularizer aux"

    def test_all_findings_come_together(self):
        statuses = [
            finding.status
            for finding in judge(facts(loss=("needs_lipschitz",), regularizers=CLASSIFIER, classes=0, rank=0))
        ]
        assert statuses == ["refused", "refused", "warned"]


LOSSES = ("bce", "wgan-gp", "lsgan", "hinge", "margin-hinge")
NOTHING: tuple[str, ...] = ()
BATCH_NORM = ("couples the samples of a batch",)
WARNED = {
    ("wgan-gp", "dcgan"): BATCH_NORM,
    ("wgan-gp", "acgan"): BATCH_NORM,
    ("wgan-gp", "patchgan-sn"): ("spectral norm already limits the slope",),
}
"""Pair → what its warnings begin with or hold; every other pair is sound."""


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def plan(registry, **sections):
    config = {
        "loss": "hinge",
        "discriminator": {"ndf": 2},
        "generator": {"ngf": 2, "latent": 2},
        "data": {"name": "synthetic", "image_size": 8, "n": 8},
        "train": {"steps": 1, "batch_size": 2},
    }
    for section, content in sections.items():
        merge = isinstance(content, dict) and isinstance(config.get(section), dict)
        config[section] = config[section] | content if merge else content
    return make_plan(choose(registry, [ConfigLayer("file", flatten(config))]))


class TestThePairs:
    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("disc", ["dcgan", "patchgan-sn", "acgan"])
    def test_what_each_is_warned_of(self, registry, loss, disc):
        warnings = [finding.reason for finding in plan(registry, loss=loss, discriminator={"name": disc}).warnings]
        expected = WARNED.get((loss, disc), NOTHING)
        assert len(warnings) == len(expected)
        assert [part in reason for part, reason in zip(expected, warnings, strict=True)] == [True] * len(expected)

    @pytest.mark.parametrize("disc", ["dcgan", "acgan"])
    def test_the_advice_against_batch_norm_works(self, registry, disc):
        assert plan(registry, loss="wgan-gp", discriminator={"name": disc, "norm": "instance"}).warnings == ()

    def test_the_advice_against_two_limits_works(self, registry):
        assert plan(registry, loss="wgan-gp", regularizers="none").warnings == ()

    def test_wgan_gp_without_any_limit(self, registry):
        (finding,) = plan(registry, loss="wgan-gp", discriminator={"name": "dcgan"}, regularizers="none").warnings
        assert "nothing bounds the slope of discriminator dcgan" in finding.reason
        assert finding.fix == "--reg gradient-penalty"

    def test_acgan_without_its_classifier(self, registry):
        (finding,) = plan(registry, discriminator={"name": "acgan"}, regularizers="none").warnings
        assert "nothing trains the class head of discriminator acgan" in finding.reason

    def test_one_pass_through_batch_norm(self, registry):
        (finding,) = plan(registry, discriminator={"name": "dcgan"}, train={"passes": "one"}).warnings
        assert "mix the statistics of real and fake" in finding.reason

    @pytest.mark.parametrize("disc", ["patchgan-sn", "dcgan"])
    @pytest.mark.parametrize("loss", LOSSES)
    def test_a_classifier_without_class_head_is_refused(self, registry, loss, disc):
        with pytest.raises(ConfigError) as caught:
            plan(registry, loss=loss, discriminator={"name": disc}, regularizers="auxiliary-classifier")
        assert f"but discriminator {disc} has none" in caught.value.message
        assert "--disc acgan" in caught.value.hint

    @pytest.mark.parametrize("loss", LOSSES)
    def test_acgan_on_data_without_classes_is_refused(self, registry, loss, pictures):
        with pytest.raises(ConfigError) as caught:
            plan(registry, loss=loss, discriminator={"name": "acgan"}, data=str(pictures))
        assert "data pictures has no classes" in caught.value.message
        assert "discriminator acgan, regularizer auxiliary-classifier" in caught.value.message
        assert "one subfolder per class" in caught.value.hint

    def test_a_lazy_term_alone_is_no_objective(self, registry):
        with pytest.raises(ConfigError, match="at the other updates the generator has no objective") as caught:
            plan(registry, regularizers={"feature-matching": {"only": True, "every": 2}})
        assert caught.value.hint == "--set regularizers.feature-matching.every=1"

    def test_one_pass_per_forward_is_refused(self, registry):
        with pytest.raises(ConfigError, match="two separate passes") as caught:
            plan(registry, train={"passes": "one", "spectral_norm": "per-forward"})
        assert caught.value.hint == "--set train.passes=two"


FLAGS = {"--loss": "loss", "--disc": "discriminator", "--gen": "generator", "--reg": "regularizers"}
APART = {"discriminator": {"name": "dcgan", "norm": "instance"}}
ONE_VERDICT = {"updates": "simultaneous", "fakes": "shared"}
ADVISED = [
    ("class logits are required", {"regularizers": "auxiliary-classifier"}, 2),
    ("a style code is required", {"regularizers": "path-length"}, 2),
    ("has no lower bound", {"loss": "ebgan", "discriminator": "patchgan"}, 1),
    ("never above 0", {"discriminator": "autoencoder"}, 1),
    ("couples the samples of a batch", {"loss": "wgan-gp", "discriminator": "dcgan"}, 1),
    (
        "couples the samples of a batch",
        {"loss": "wgan-gp", "discriminator": {"name": "dcgan", "minibatch": "stddev", "norm": "none"}},
        1,
    ),
    ("spectral norm already limits the slope", {"loss": "wgan-gp", "discriminator": "patchgan-sn"}, 2),
    ("needs a critic with a bounded slope", {"loss": "wgan-gp", "discriminator": "dcgan", "regularizers": "none"}, 1),
    ("nothing trains the class head", {"discriminator": "acgan", "regularizers": "none"}, 1),
    ("mix the statistics", {"discriminator": "dcgan", "train": {"passes": "one"}}, 1),
    ("works on images", {"data": "ring", "discriminator": "dcgan", "generator": "mlp"}, 1),
    ("works on images", {"data": "ring", "discriminator": "mlp", "generator": "dcgan"}, 1),
    ("images are required", {"data": "ring", "augment": "ada"}, 1),
    (
        "cannot be divided into groups of four",
        {"discriminator": {"name": "dcgan", "minibatch": "stddev"}, "train": {"batch_size": 6}},
        1,
    ),
    ("at the other updates the generator", {"regularizers": {"feature-matching": {"only": True, "every": 2}}}, 1),
    ("is not the same algorithm", {"train": {"unroll_steps": 2, "accumulate": 2}}, 1),
    ("is less constrained there", {"regularizers": "r1", "discriminator": "dcgan", "train": {"unroll_steps": 2}}, 2),
    ("takes the memory that micro-batches are to save", {"train": {"fakes": "shared", "accumulate": 2}}, 2),
    ("leaves no room for", {"loss": "bce", **APART, "train": {"updates": "simultaneous", "n_critic": 2}}, 2),
    ("are compared with each other", {"loss": "bce", "discriminator": "dcgan", "train": ONE_VERDICT}, 2),
    ("are compared with each other", {"loss": "relativistic", **APART, "train": ONE_VERDICT}, 2),
    ("needs one logit per sample", {"loss": "bce", "train": ONE_VERDICT}, 2),
    ("is 0 over whole ranges", {"loss": "hinge", **APART, "train": ONE_VERDICT}, 2),
    ("of regularizers only", {"loss": "bce", **APART, "regularizers": "lecam", "train": ONE_VERDICT}, 2),
    ("need two separate passes", {"train": {"passes": "one", "spectral_norm": "per-forward"}}, 1),
]
"""What a finding says → a configuration it is about, and how many ways out its fix names."""


class TestWhatAFixAdvises:
    """Whoever follows a fix is rid of the finding."""

    def findings(self, registry, *layers):
        try:
            return [(finding.reason, finding.fix) for finding in make_plan(choose(registry, list(layers))).warnings]
        except ConfigError as error:
            return [(error.message, error.hint or "")]

    @pytest.mark.parametrize(("reason", "content", "ways"), ADVISED, ids=lambda value: str(value)[:40])
    def test_it_helps(self, registry, reason, content, ways):
        data = {} if "data" in content else {"data": {"name": "synthetic", "image_size": 32, "n": 8}}
        train = {"steps": 1, "batch_size": 4} | content.get("train", {})
        given = ConfigLayer("file", flatten({**content, **data, "train": train}))
        (fix,) = [fix for told, fix in self.findings(registry, given) if reason in told]
        advised = [
            self.layer(way) for way in re.split(r",? or (?=--|leave)", fix.partition(" (or none)")[0]) if "--" in way
        ]
        assert len(advised) == ways
        for layer in advised:
            assert reason not in " ".join(told for told, _ in self.findings(registry, given, layer))

    def layer(self, way):
        words = [word.rstrip(",") for word in way.split()]
        values = {}
        for flag, value in pairwise(words):
            if flag == "--set":
                values |= parse_assignments([value])
            elif flag == "--batch-size":
                values["train.batch_size"] = int(value)
            elif flag == "--augment":
                values |= flatten({"augment": value})
            elif flag in FLAGS:
                values |= flatten({FLAGS[flag]: value})
        assert values, way
        return ConfigLayer("flag", values)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures without classes."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("flat")
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    return folder
