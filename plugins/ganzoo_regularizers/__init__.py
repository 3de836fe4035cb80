"""First-party regularizers."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

COMPARES_CLASSES = frozenset({"batch_nonlinear", "needs_embedding", "needs_labels", "needs_two_samples"})
TWICE = "it is a sum over the other samples: there are twice as many, and a copy is as near as can be"


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the regularizers."""
    return [
        Component(
            kind="regularizer",
            name="gradient-penalty",
            target="ganzoo_regularizers.gradient_penalty:GradientPenalty",
            summary="holds the critic's slope between real and fake near a target",
            tags=frozenset({"limits_slope", "needs_per_sample_independence"}),
            paper="Gulrajani et al. 2017, arXiv:1704.00028",
        ),
        Component(
            kind="regularizer",
            name="dragan",
            target="ganzoo_regularizers.dragan:Dragan",
            summary="holds the critic's slope around real data near a target",
            tags=frozenset({"limits_slope", "needs_per_sample_independence", "batch_nonlinear"}),
            paper="Kodali et al. 2017, arXiv:1705.07215",
        ),
        Component(
            kind="regularizer",
            name="r1",
            target="ganzoo_regularizers.r1:R1",
            summary="pulls the critic's slope at real data to zero",
            tags=frozenset({"limits_slope", "needs_per_sample_independence"}),
            paper="Mescheder et al. 2018, arXiv:1801.04406",
        ),
        Component(
            kind="regularizer",
            name="r2",
            target="ganzoo_regularizers.r2:R2",
            summary="pulls the critic's slope at fakes to zero",
            tags=frozenset({"limits_slope", "needs_per_sample_independence"}),
            paper="Mescheder et al. 2018, arXiv:1801.04406",
        ),
        Component(
            kind="regularizer",
            name="weight-clip",
            target="ganzoo_regularizers.weight_clip:WeightClip",
            summary="clips the discriminator's parameters after each of its updates",
            tags=frozenset({"limits_slope"}),
            paper="Arjovsky et al. 2017, arXiv:1701.07875",
        ),
        Component(
            kind="regularizer",
            name="orthogonal",
            target="ganzoo_regularizers.orthogonal:Orthogonal",
            tags=frozenset({"needs_generator"}),
            summary="penalizes overlap between the filters of each generator layer",
            paper="Brock et al. 2019, arXiv:1809.11096",
        ),
        Component(
            kind="regularizer",
            name="spectral-regularization",
            target="ganzoo_regularizers.spectral_regularization:SpectralRegularization",
            summary="keeps the spectral norms of the discriminator's weights small",
            paper="Yoshida & Miyato 2017, arXiv:1705.10941",
        ),
        Component(
            kind="regularizer",
            name="path-length",
            target="ganzoo_regularizers.path_length:PathLength",
            summary="makes a step of the style change the image equally much everywhere",
            tags=frozenset({"batch_nonlinear", "needs_generator", "needs_images", "needs_style"}),
            paper="Karras et al. 2020, arXiv:1912.04958",
        ),
        Component(
            kind="regularizer",
            name="auxiliary-classifier",
            target="ganzoo_regularizers.auxiliary_classifier:AuxiliaryClassifier",
            summary="cross entropy of the discriminator's class logits, minimized by both players",
            tags=frozenset({"needs_class_logits", "needs_labels"}),
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
        Component(
            kind="regularizer",
            name="multi-hinge",
            target="ganzoo_regularizers.multi_hinge:MultiHinge",
            summary="hinge loss over the classes and that of fakes, in place of both players' loss",
            tags=frozenset(
                {"needs_class_logits", "needs_labels", "replaces_discriminator_loss", "replaces_generator_loss"}
            ),
            paper="Kavalerov et al. 2021, arXiv:1912.04216",
        ),
        Component(
            kind="regularizer",
            name="d2d-ce",
            target="ganzoo_regularizers.d2d_ce:D2dCe",
            summary="ReACGAN: samples near the proxy of their class, apart from samples of other classes",
            tags=COMPARES_CLASSES,
            paper="Kang et al. 2021, arXiv:2111.01118",
            expected_failures={"duplicated-batch": TWICE},
        ),
        Component(
            kind="regularizer",
            name="contrastive",
            target="ganzoo_regularizers.contrastive:Contrastive",
            summary="ContraGAN's 2C: samples near the proxy of their class and near other samples of it",
            tags=COMPARES_CLASSES,
            paper="Kang & Park 2020, arXiv:2006.12681",
            expected_failures={"duplicated-batch": TWICE},
        ),
        Component(
            kind="regularizer",
            name="lecam",
            target="ganzoo_regularizers.lecam:Lecam",
            summary="holds logits near running averages of the other side's logits, for small datasets",
            tags=frozenset({"batch_nonlinear"}),
            paper="Tseng et al. 2021, arXiv:2104.03310",
        ),
        Component(
            kind="regularizer",
            name="centering",
            target="ganzoo_regularizers.centering:Centering",
            summary="pulls logits to zero, for losses that see differences alone",
            paper="Lin et al. 2025, arXiv:2511.22475",
        ),
        Component(
            kind="regularizer",
            name="feature-matching",
            target="ganzoo_regularizers.feature_matching:FeatureMatching",
            summary="makes the generator match the expected features of real data",
            tags=frozenset({"needs_real_output", "needs_features", "batch_nonlinear"}),
            paper="Salimans et al. 2016, arXiv:1606.03498",
        ),
        Component(
            kind="regularizer",
            name="consistency",
            target="ganzoo_regularizers.consistency:Consistency",
            summary="makes the discriminator judge two views of an image alike: CR, bCR, zCR, ICR",
            tags=frozenset({"needs_images"}),
            paper="Zhang et al. 2020, arXiv:1910.12027; Zhao et al. 2021, arXiv:2002.04724",
        ),
        Component(
            kind="regularizer",
            name="pull-away",
            target="ganzoo_regularizers.pull_away:PullAway",
            summary="pulls the discriminator's encodings of fakes apart",
            tags=frozenset({"needs_features", "batch_nonlinear", "needs_two_samples"}),
            paper="Zhao et al. 2017, arXiv:1609.03126",
            expected_failures={"duplicated-batch": "it compares samples in pairs: a copy is parallel to its original"},
        ),
    ]
