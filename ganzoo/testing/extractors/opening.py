"""Checks of how an extractor is opened."""

from __future__ import annotations

import contextlib
import inspect
from itertools import combinations
from pathlib import Path
from typing import Any

from ganzoo.component import ExtractorOptions
from ganzoo.errors import ConfigError, DataError
from ganzoo.protocols import Extractor
from ganzoo.testing.check import check, demand
from ganzoo.testing.extractors.opened import close, empty_cache, extractor_of, no_weights, opened, pictures, variants
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject
from ganzoo.testing.written_files import nothing_written


@check("weights", ExtractorOptions.open, "DataError: its weights are missing, or are not what they should be.")
def says_what_it_lacks(subject: Subject) -> None:
    """It can be opened, or says what to do, so that nobody has to read its code to find its weights."""
    try:
        with extractor_of(subject):
            return
    except DataError as error:
        demand(error.hint, f"its DataError does not say what to do: {error.message!r} has no hint")


@check(
    "protocol",
    ExtractorOptions.open,
    "Make the extractor ready to look at pictures, on ``device``.",
    skip=no_weights,
    every_choice=True,
)
def keeps_the_protocol(subject: Subject) -> None:
    """What is opened has all that an evaluation looks at."""
    with extractor_of(subject) as extractor:
        what = f"open() returns {type(extractor).__name__}, which"
        demand(callable(extractor), f"{what} cannot be called")
        for name in ("digest", "resize"):
            value: Any = getattr(extractor, name, None)
            demand(value and isinstance(value, str), f"{what} has {name} = {value!r} and not a text")
        size: Any = getattr(extractor, "size", None)
        whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        demand(whole, f"{what} has size = {size!r} and not a number of features")
        classes: Any = getattr(extractor, "classes", None)
        names = isinstance(classes, tuple) and all(isinstance(name, str) for name in classes)
        demand(names, f"{what} has classes = {classes!r} and not a tuple of names")


@check(
    "digest",
    Extractor,
    "digest: of its weights and its preprocessing. Equal digests mean equal features, but for rounding.",
    skip=no_weights,
)
def digest_is_honest(subject: Subject) -> None:
    """Opened again it has the same; with other options another, or the same features."""
    images = pictures(3, 32, 32)
    seen = []
    for one in variants(subject):
        with contextlib.suppress(ConfigError, DataError), extractor_of(one) as extractor:
            seen.append((subject.difference(one), extractor.digest, extractor(images.clone()).features))
    with extractor_of(subject) as again:
        demand(again.digest == seen[0][1], f"opened again its digest is {again.digest!r} and not {seen[0][1]!r}")
    for (one_way, first, its), (other_way, second, others) in combinations(seen, 2):
        ways = f"with {one_way or 'its options'} and with {other_way}"
        demand(first != second or close(its, others), f"{ways} it has the same digest, {first!r}, and other features")


@check(
    "random-numbers",
    ExtractorOptions.open,
    "No global random number is drawn, here or in looking.",
    skip=no_weights,
)
def draws_nothing(subject: Subject) -> None:
    """Measuring must not change what is trained."""
    images = pictures(3, 32, 32)
    with empty_cache() as cache, random_numbers_untouched():
        opened(subject, cache)(images)


@check(
    "files",
    ExtractorOptions.open,
    "Files are written below ``cache`` and nowhere else; that folder may not be there yet.",
    skip=no_weights,
)
def writes_below_the_cache(subject: Subject) -> None:
    """Not beside its code, nor in the working, home or temporary folder."""
    code = Path(inspect.getfile(type(subject.chosen))).parent
    images = pictures(3, 32, 32)
    with empty_cache() as cache, nothing_written(code=code, own=[cache]):
        opened(subject, cache)(images)
