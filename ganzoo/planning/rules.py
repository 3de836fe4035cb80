"""Which parts do not go together: each rule reads capability tags and says why and what to change.

*Refused* is only what cannot be computed; what is ill-posed runs with a warning.
"""

from __future__ import annotations

from collections.abc import Callable

from ganzoo.component import RANKS
from ganzoo.config.finding import Finding
from ganzoo.planning.facts import Facts
from ganzoo.planning.one_verdict import ONE_VERDICT
from ganzoo.planning.ranks import held_by


def data_without_classes(facts: Facts) -> Finding | None:
    """What is conditioned on classes cannot be trained on data that has none."""
    parts = facts.parts_with("needs_labels")
    if not parts or facts.classes is None or facts.classes >= 2:
        return None
    return Finding(
        "refused",
        f"data {facts.names['data']} has no classes, but they are required by {parts}",
        "use --data FOLDER with one subfolder per class" + _without_labels(facts),
        section="discriminator" if facts.has("discriminator", "needs_labels") else "",
    )


def _without_labels(facts: Facts) -> str:
    """Flags that make do without classes; empty where the loss itself needs them, for no flag helps then."""
    if facts.has("loss", "needs_labels") or facts.has("generator", "needs_labels"):
        return ""
    discriminator = "--disc dcgan" if facts.has("discriminator", "needs_labels") else ""
    flags = " ".join(filter(None, [discriminator, _leaving_out(facts, "needs_labels")]))
    return f", or {flags}" if flags else ""


def _leaving_out(facts: Facts, tag: str) -> str:
    """Flags that leave out the regularizers and augmentations that carry a tag."""
    regularizers = "--reg none" if facts.regularizers_with(tag) else ""
    augmentations = "--augment none" if any(tag in tags for tags in facts.augmentations.values()) else ""
    return " ".join(filter(None, [regularizers, augmentations]))


def no_class_head(facts: Facts) -> Finding | None:
    """A term on class logits cannot be computed where there are none."""
    parts = facts.parts_with("needs_class_logits")
    if not parts or facts.has("discriminator", "provides_class_logits"):
        return None
    return Finding(
        "refused",
        f"class logits are required by {parts}, but discriminator {facts.discriminator} has none",
        "use --disc acgan, or leave the regularizer out: --reg none",
    )


def data_of_another_rank(facts: Facts) -> Finding | None:
    """Samples are drawn as pictures or as points, and generators make those."""
    if facts.rank in (0, 2):
        return None
    return Finding(
        "refused",
        f"ganzoo run trains on images (C, H, W) and vectors (D,), but data {facts.names['data']} holds "
        f"{held_by(facts.rank)}",
        "use --data FOLDER with images; for other data, ganzoo.Adversary brings critics to a loop of your own",
        section="data",
    )


def discriminator_of_other_data(facts: Facts) -> Finding | None:
    """What is made for signals or volumes judges no images."""
    works_on = [held_by(rank) for rank, tag in RANKS.items() if facts.has("discriminator", tag)]
    if facts.rank != 2 or not works_on or facts.has("discriminator", "image"):
        return None
    return Finding(
        "refused",
        f"discriminator {facts.discriminator} works on {' and '.join(works_on)}, but data {facts.names['data']} holds "
        "images",
        "--disc patchgan-sn, or another one from: ganzoo list discriminators",
        section="discriminator",
    )


def image_discriminator_on_vectors(facts: Facts) -> Finding | None:
    """Convolutions need images."""
    return _images_only(facts, "discriminator")


def image_generator_on_vectors(facts: Facts) -> Finding | None:
    """Convolutions make images."""
    return _images_only(facts, "generator")


def _images_only(facts: Facts, section: str) -> Finding | None:
    works_on = [rank for rank, tag in RANKS.items() if facts.has(section, tag)]
    if not facts.vector or not works_on:
        return None
    kind = "images" if 2 in works_on else held_by(works_on[0])
    return Finding(
        "refused",
        f"{section} {facts.names[section]} works on {kind}, but data {facts.names['data']} holds vectors",
        f"--{'disc' if section == 'discriminator' else 'gen'} mlp, or another one from: ganzoo list {section}s",
        section=section,
    )


def image_parts_on_vectors(facts: Facts) -> Finding | None:
    """What moves or colors pixels needs pixels."""
    parts = facts.parts_with("needs_images")
    if not parts or not facts.vector:
        return None
    return Finding(
        "refused",
        f"data {facts.names['data']} holds vectors, but images are required by {parts}",
        _leaving_out(facts, "needs_images") or "use --data FOLDER with images",
    )


def no_features(facts: Facts) -> Finding | None:
    """Features cannot be compared where the discriminator shows none."""
    parts = facts.parts_with("needs_features")
    if not parts or facts.has("discriminator", "provides_features"):
        return None
    return Finding(
        "refused",
        f"features are required by {parts}, but discriminator {facts.discriminator} returns none",
        "use --disc dcgan, or leave the regularizer out: --reg none",
    )


def no_embedding(facts: Facts) -> Finding | None:
    """Samples cannot be compared with their classes where the discriminator embeds neither."""
    parts = facts.parts_with("needs_embedding")
    if not parts or facts.has("discriminator", "provides_embedding"):
        return None
    return Finding(
        "refused",
        f"an embedding is required by {parts}, but discriminator {facts.discriminator} has none",
        "use --disc embedding, or leave the regularizer out: --reg none",
    )


def no_style(facts: Facts) -> Finding | None:
    """A path length is that of a style code."""
    parts = facts.parts_with("needs_style")
    if not parts or facts.has("generator", "provides_style"):
        return None
    return Finding(
        "refused",
        f"a style code is required by {parts}, but generator {facts.names['generator']} has none",
        "use --gen stylegan, or leave the regularizer out: --reg none",
    )


def balance_without_classes(facts: Facts) -> Finding | None:
    """Classes cannot be balanced where there are none."""
    if facts.sampling != "balanced" or facts.classes is None or facts.classes >= 2:
        return None
    return Finding(
        "refused",
        f"data.sampling=balanced draws every class equally often, but data {facts.names['data']} has no classes",
        "--set data.sampling=shuffle",
        section="data",
    )


def energies_from_logits(facts: Facts) -> Finding | None:
    """An energy is bounded below, a logit is not."""
    if not facts.has("loss", "needs_energy") or facts.has("discriminator", "energy"):
        return None
    return Finding(
        "warned",
        f"loss {facts.names['loss']} treats logits as −energy with energy ≥ 0, but discriminator "
        f"{facts.discriminator} returns logits of both signs, so its objective has no lower bound",
        "--disc autoencoder",
    )


def logits_from_energies(facts: Facts) -> Finding | None:
    """Losses for logits of both signs get one sign only."""
    if not facts.has("discriminator", "energy") or facts.has("loss", "needs_energy"):
        return None
    return Finding(
        "warned",
        f"discriminator {facts.discriminator} returns −energy, which is never above 0, but loss "
        f"{facts.names['loss']} expects logits of both signs",
        "--loss ebgan",
    )


def unrolled_in_parts(facts: Facts) -> Finding | None:
    """Each micro-batch would look through updates on itself alone."""
    if not facts.unroll_steps or facts.accumulate == 1:
        return None
    return Finding(
        "warned",
        f"with train.accumulate={facts.accumulate} each micro-batch is unrolled through {facts.unroll_steps} updates "
        "on that micro-batch alone, which is not the same algorithm as unrolling on the whole batch",
        "--set train.accumulate=1",
    )


def shared_in_parts(facts: Facts) -> Finding | None:
    """The graphs of all micro-batches would be kept at once, and those are what micro-batches are for."""
    if facts.fakes != "shared" or facts.accumulate == 1:
        return None
    return Finding(
        "refused",
        f"with train.fakes=shared the graphs of all {facts.accumulate} micro-batches (train.accumulate) would be kept "
        "until the generator's update, which takes the memory that micro-batches are to save",
        "--set train.accumulate=1, or --set train.fakes=fresh",
        section="train",
    )


def one_pass_per_forward(facts: Facts) -> Finding | None:
    """Weights that iterate at every forward differ between two passes, which one pass cannot imitate."""
    if facts.passes != "one" or facts.spectral_norm != "per-forward":
        return None
    return Finding(
        "refused",
        "train.spectral_norm=per-forward iterates in every pass, so real and fake need two separate passes",
        "--set train.passes=two",
        section="train",
    )


def penalty_on_coupled_samples(facts: Facts) -> Finding | None:
    """A per-sample penalty is another one if BatchNorm couples the samples."""
    penalties = facts.regularizers_with("needs_per_sample_independence")
    if not penalties or not facts.batch_coupled:
        return None
    return Finding(
        "warned",
        f"{penalties} penalizes the gradient of each sample alone, but discriminator {facts.discriminator} couples the "
        "samples of a batch (through BatchNorm or minibatch statistics), so this is not the published penalty",
        facts.uncoupling or "--disc dcgan --set discriminator.norm=instance",
    )


def slope_limited_twice(facts: Facts) -> Finding | None:
    """Spectral norm may keep the slope below the target of a penalty."""
    limits = facts.regularizers_with("limits_slope")
    if not limits or not facts.has("discriminator", "spectral_norm"):
        return None
    return Finding(
        "warned",
        f"spectral norm already limits the slope of discriminator {facts.discriminator}, and {limits} acts on the "
        "same slope: its target slope may be unreachable, and the effects of the two cannot be separated",
        "--reg none to keep only the spectral norm, or --disc dcgan --set discriminator.norm=instance to keep only the "
        "penalty",
    )


def slope_not_limited(facts: Facts) -> Finding | None:
    """A Wasserstein critic without a bound has no optimum."""
    limited = facts.regularizers_with("limits_slope") or facts.has("discriminator", "spectral_norm")
    if limited or not facts.has("loss", "needs_lipschitz"):
        return None
    return Finding(
        "warned",
        f"loss {facts.names['loss']} needs a critic with a bounded slope, but nothing bounds the slope of "
        f"discriminator {facts.discriminator}: its logits can grow without bound",
        "--reg gradient-penalty",
    )


def idle_class_head(facts: Facts) -> Finding | None:
    """Class logits that enter no term teach nothing."""
    if not facts.has("discriminator", "provides_class_logits") or facts.parts_with("needs_class_logits"):
        return None
    return Finding(
        "warned",
        f"nothing trains the class head of discriminator {facts.discriminator}, so the generator learns nothing "
        "about classes",
        "--reg auxiliary-classifier",
    )


def idle_embedding(facts: Facts) -> Finding | None:
    """Embeddings that enter no term teach nothing."""
    if not facts.has("discriminator", "provides_embedding") or facts.parts_with("needs_embedding"):
        return None
    return Finding(
        "warned",
        f"nothing trains the embedding of discriminator {facts.discriminator}, so the generator learns nothing "
        "about classes",
        "--reg d2d-ce",
    )


def classes_ignored_by_generator(facts: Facts) -> Finding | None:
    """A generator that takes no labels cannot make what a conditional objective asks of it."""
    parts = facts.parts_with("needs_labels")
    if not parts or facts.has("generator", "accepts_labels"):
        return None
    return Finding(
        "warned",
        f"generator {facts.names['generator']} takes no labels, so it cannot generate the class expected by {parts}",
        "--gen dcgan",
    )


def one_pass_mixes_statistics(facts: Facts) -> Finding | None:
    """BatchNorm over real and fake together is another algorithm."""
    if facts.passes != "one" or not facts.batch_coupled:
        return None
    return Finding(
        "warned",
        f"train.passes=one lets discriminator {facts.discriminator} mix the statistics of real and fake samples, "
        "which is not the published algorithm",
        "--set train.passes=two",
    )


def unrolled_without_limits(facts: Facts) -> Finding | None:
    """The discriminator that the generator looks ahead to is held back by nothing but its loss."""
    limits = facts.regularizers_with("limits_slope")
    if not facts.unroll_steps or not limits:
        return None
    return Finding(
        "warned",
        f"the {facts.unroll_steps} unrolled discriminator updates follow the loss alone: {limits} does not act in "
        "them, so the discriminator is less constrained there than in its own updates",
        "--set train.unroll_steps=0, or --reg none",
    )


def unrolled_on_another_objective(facts: Facts) -> Finding | None:
    """The steps ahead follow the loss, and D itself does not."""
    replacing = facts.regularizers_with("replaces_discriminator_loss")
    if not facts.unroll_steps or not replacing:
        return None
    return Finding(
        "refused",
        f"the {facts.unroll_steps} unrolled discriminator updates would follow the loss, but {replacing} stands in its "
        "place",
        "--set train.unroll_steps=0, or leave the regularizer out: --reg none",
        section="train",
    )


def groups_of_four(facts: Facts) -> Finding | None:
    """A statistic of groups of four needs batches that divide into them."""
    parts = facts.parts_with("groups_of_four")
    sizes = {facts.batch_size // facts.accumulate, -(-facts.batch_size // facts.accumulate)}
    if not parts or all(size <= 4 or size % 4 == 0 for size in sizes):
        return None
    return Finding(
        "refused",
        f"batches of {' and '.join(map(str, sorted(sizes)))} cannot be divided into groups of four, as required "
        f"by {parts}",
        f"--batch-size {4 * facts.accumulate * max(1, round(facts.batch_size / (4 * facts.accumulate)))}",
        section="train",
    )


def one_sample_alone(facts: Facts) -> Finding | None:
    """What compares samples, or normalizes over them, has no value for one."""
    parts = facts.parts_with("needs_two_samples")
    smallest = facts.batch_size // facts.accumulate
    if not parts or smallest >= 2:
        return None
    return Finding(
        "refused",
        f"batches of {smallest} are too small for {parts}, which cannot work on a single sample",
        f"--batch-size {2 * facts.accumulate}",
        section="train",
    )


def generator_without_objective(facts: Facts) -> Finding | None:
    """What stands in place of the generator's loss must be there at every update."""
    return _without_objective(facts, "generator")


def discriminator_without_objective(facts: Facts) -> Finding | None:
    """Likewise of the discriminator's."""
    return _without_objective(facts, "discriminator")


def _without_objective(facts: Facts, player: str) -> Finding | None:
    tag = {"generator": "replaces_generator_loss", "discriminator": "replaces_discriminator_loss"}[player]
    replacing = [name for name, tags in facts.regularizers.items() if tag in tags]
    if not replacing or any(facts.every.get(name, 1) == 1 for name in replacing):
        return None
    return Finding(
        "refused",
        f"{', '.join(replacing)} replaces the {player}'s loss but does not act at every update: at the other "
        f"updates the {player} has no objective",
        f"--set regularizers.{replacing[0]}.every=1",
        section="regularizers",
    )


def coupled_in_parts(facts: Facts) -> Finding | None:
    """What looks at a batch as a whole sees its parts one by one."""
    parts = facts.parts_with("batch_nonlinear")
    if not parts or facts.accumulate == 1:
        return None
    return Finding(
        "warned",
        f"with train.accumulate={facts.accumulate} the micro-batches are processed one by one, which is not the same "
        f"as processing the whole batch for {parts}",
        "--set train.accumulate=1",
    )


RULES: tuple[Callable[[Facts], Finding | None], ...] = (
    data_without_classes,
    no_class_head,
    data_of_another_rank,
    discriminator_of_other_data,
    image_discriminator_on_vectors,
    image_generator_on_vectors,
    image_parts_on_vectors,
    no_features,
    no_embedding,
    no_style,
    balance_without_classes,
    one_pass_per_forward,
    penalty_on_coupled_samples,
    slope_limited_twice,
    slope_not_limited,
    idle_class_head,
    idle_embedding,
    classes_ignored_by_generator,
    one_pass_mixes_statistics,
    energies_from_logits,
    logits_from_energies,
    unrolled_in_parts,
    shared_in_parts,
    coupled_in_parts,
    unrolled_without_limits,
    unrolled_on_another_objective,
    groups_of_four,
    one_sample_alone,
    generator_without_objective,
    discriminator_without_objective,
    *ONE_VERDICT,
)


def judge(facts: Facts) -> list[Finding]:
    """All that does not fit."""
    return [finding for rule in RULES if (finding := rule(facts)) is not None]
