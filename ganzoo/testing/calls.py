"""The checks as plain functions, one a kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ganzoo.component import Options
from ganzoo.registry import Registry
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.losses.statements import Reference
from ganzoo.testing.recipes.contents import notes_on
from ganzoo.testing.report import CheckReport
from ganzoo.testing.running import report_on
from ganzoo.testing.subject import NOTHING, Subject, subject_of, subject_of_entry


def check_subject(subject: Subject, *, only: Collection[str] = (), fail_fast: bool = False) -> CheckReport:
    """The checks of the subject's kind: all, or those of these names, up to the first failure if that is wanted."""
    checked = CHECKED[subject.kind]
    notes = tuple(notes_on(subject)) if subject.kind == "recipe" else ()
    return report_on(subject, checked.checks, at_least=checked.at_least, only=only, fail_fast=fail_fast, notes=notes)


def check_loss(
    options: Options | type[Options],
    *,
    reference: Iterable[Reference] = (),
    expected_failures: Mapping[str, str] = NOTHING,
) -> CheckReport:
    """Check a loss.

    Args:
        options: the options it is built from; of a class, the default ones.
        reference: values known from elsewhere.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    given = {"reference": tuple(reference)}
    return check_subject(subject_of("loss", options, given=given, expected_failures=expected_failures))


def check_regularizer(
    options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING
) -> CheckReport:
    """Check a regularizer in steps of two small networks.

    Args:
        options: what it is built from; of a class, the default ones.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("regularizer", options, expected_failures=expected_failures))


def check_augmentation(
    options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING
) -> CheckReport:
    """Check an augmentation on gray and on colored images, fresh and after updates.

    Args:
        options: what it is built from; of a class, the default ones.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("augmentation", options, expected_failures=expected_failures))


def check_discriminator(
    options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING
) -> CheckReport:
    """Check a discriminator, on images or on vectors, whichever it takes.

    Args:
        options: what it is built from; of a class, the default ones, made narrow.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("discriminator", options, expected_failures=expected_failures))


def check_generator(options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a generator of images or of vectors.

    Args:
        options: what it is built from; of a class, the default ones, made narrow.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("generator", options, expected_failures=expected_failures))


def check_dataset(options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a dataset; the options must lead to data that are there, if only to a few items made for the check.

    Args:
        options: what it is opened with; of a class, the default ones.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("dataset", options, expected_failures=expected_failures))


def check_metric(options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a metric, on pictures or on points with known modes, whichever it takes.

    Args:
        options: what it is built from; of a class, the default ones. ``samples`` may be reduced.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("metric", options, expected_failures=expected_failures))


def check_recipe(name: str, *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a recipe of an installed plugin, without the data it is for where they are not there.

    Args:
        name: as in ``ganzoo list recipes``.
        expected_failures: name of a check → why it is known to fail, beside those that its record names.

    Raises:
        UnknownNameError: nobody provides it.
    """
    subject = subject_of_entry(Registry.load().get("recipe", name))
    return check_subject(replace(subject, expected_failures={**subject.expected_failures, **expected_failures}))


def check_preset(name: str, *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a preset that is installed: its file, and a step of the critics that come of it.

    Args:
        name: as in ``ganzoo list presets``.
        expected_failures: name of a check → why it is known to fail, beside those that its record names.

    Raises:
        UnknownNameError: nobody provides it.
    """
    subject = subject_of_entry(Registry.load().get("preset", name))
    return check_subject(replace(subject, expected_failures={**subject.expected_failures, **expected_failures}))


def check_tracker(options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check a tracker: it is told of runs in a temporary folder, whose numbers are made up.

    Args:
        options: what starts it; of a class, the default ones. They must be such that it works here: offline, say.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("tracker", options, expected_failures=expected_failures))


def check_extractor(options: Options | type[Options], *, expected_failures: Mapping[str, str] = NOTHING) -> CheckReport:
    """Check an extractor on gray and colored pictures of several sizes; it may learn from 300 labeled waves.

    Checks that need weights are skipped where opening it raises a DataError.

    Args:
        options: what it is opened with; of a class, the default ones, made narrow.
        expected_failures: name of a check → why it is known to fail. One that passes is then a failure.
    """
    return check_subject(subject_of("extractor", options, expected_failures=expected_failures))
