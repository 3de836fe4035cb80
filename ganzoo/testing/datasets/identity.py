"""Checks of what makes data the same: opened again, by their fingerprint, by their files."""

from __future__ import annotations

from itertools import combinations

from ganzoo.protocols import Dataset
from ganzoo.testing.check import check, demand
from ganzoo.testing.datasets.copied_files import copies, sources
from ganzoo.testing.datasets.opened_data import content_of, empty_cache, look_at, open_data, openings
from ganzoo.testing.subject import Subject


@check(
    "reopened",
    Dataset,
    "Opened again it is the same, whether the cache is empty or not, and also if the size and the channels that it "
    "states are asked for.",
)
def is_the_same_again(subject: Subject) -> None:
    """From an empty cache, from its own, and by the size that the configuration of a resumed run states."""
    with empty_cache() as cache, empty_cache() as other:
        first = open_data(subject, cache)
        shape = first.spec.shape
        stated = {"image_size": shape[-1], "channels": shape[0]} if len(shape) == 3 else {}
        content = content_of(first)
        for words, data in (
            ("again", open_data(subject, cache)),
            ("again with an empty cache", open_data(subject, other)),
            (f"with what it states, {stated}", open_data(subject, cache, **stated)),
        ):
            demand(content_of(data).visible == content.visible, f"opened {words} it holds something else")
            demand(
                data.fingerprint == first.fingerprint,
                f"opened {words} it has the fingerprint {data.fingerprint!r} in place of {first.fingerprint!r}",
            )


@check(
    "fingerprint",
    Dataset,
    "fingerprint: a hash of the content as it is read; two equal fingerprints mean equal tensors, and the same "
    "content has the same.",
)
def fingerprint_is_honest(subject: Subject) -> None:
    """Equal exactly if what is read is equal: by another size, split, seed, choice."""
    with empty_cache() as cache:
        seen = [(words, data.fingerprint, content_of(data)) for words, data in openings(subject, cache)]
    for (one, first, content), (other, second, its) in combinations(seen, 2):
        alike = first != second or content.tensors == its.tensors
        demand(alike, f"with {one} and with {other} it has the same fingerprint, {first!r}, and other items or labels")
        equal = content.whole and its.whole and content.visible == its.visible
        demand(first == second or not equal, f"with {one} and with {other} it is the same, and its fingerprints differ")


def without_files(subject: Subject) -> str | None:
    """Files that are large would take long."""
    return None if sources(subject) else "no option of it names files, or they are many or large"


@check("files", Dataset, "It follows from what files hold, wherever they lie.", skip=without_files)
def follows_its_files(subject: Subject) -> None:
    """A copy is the same, and one in which the files hold something else is another."""
    first, content = look_at(subject)
    for words, copy, alike in copies(subject):
        try:
            fingerprint, its = look_at(copy)
        except Exception:
            if alike:
                raise
            continue  # what was changed cannot be read any more
        same = f"the same fingerprint, {first!r}"
        demand(not alike or its.visible == content.visible, f"{words} it holds something else")
        demand(not alike or fingerprint == first, f"{words} it has not {same}, but {fingerprint!r}")
        demand(
            its.tensors == content.tensors or fingerprint != first, f"{words} it has other items or labels, and {same}"
        )
