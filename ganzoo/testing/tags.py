"""Tags and what they promise: which there are, of which kinds, and which of them can be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from ganzoo.component import TAGS
from ganzoo.testing.augmentations import tags as augmentation_tags
from ganzoo.testing.check import Check, demand
from ganzoo.testing.losses import tags as loss_tags
from ganzoo.testing.networks import discriminator_tags, generator_tags
from ganzoo.testing.regularizers import tags as regularizer_tags
from ganzoo.testing.subject import Subject, is_default

KNOWN: Mapping[str, frozenset[str]] = MappingProxyType({tag.name: frozenset(tag.kinds) for tag in TAGS})
"""Tag → the kinds that may carry it."""

MEASURES: Mapping[str, Mapping[str, Callable[[Subject], bool]]] = MappingProxyType(
    {
        "loss": loss_tags.MEASURES,
        "discriminator": discriminator_tags.MEASURES,
        "generator": generator_tags.MEASURES,
        "regularizer": regularizer_tags.MEASURES,
        "augmentation": augmentation_tags.MEASURES,
    }
)
"""Kind → tag → whether what the tag promises is so, found out by trying."""


def tag_checks(kind: str) -> Iterator[Check]:
    """One check for each tag of a kind that can be measured, for each choice of the options."""
    for tag, measure in MEASURES[kind].items():
        meaning = (measure.__doc__ or "").strip().partition("\n")[0]
        yield Check(
            name=f"tag-{tag.replace('_', '-')}",
            run=_agreement(tag, measure, meaning),
            cites="ganzoo.component:Options.tags",
            sentence="Tags are honest both ways: what a tag says is so, and what is so is said.",
            every_choice=True,
            meaning=meaning,
        )


def _record_lacks(subject: Subject, tag: str) -> bool:
    """Whether the record should carry the tag too: it speaks of the default options alone."""
    return subject.record is not None and tag not in subject.record.tags and is_default(subject.chosen)


def _agreement(tag: str, measure: Callable[[Subject], bool], meaning: str) -> Callable[[Subject], None]:
    asked = meaning[:1].lower() + meaning[1:].removesuffix(".")

    def agree(subject: Subject) -> None:
        said, so = tag in subject.tags, measure(subject)
        record = " and to the record" if _record_lacks(subject, tag) else ""
        demand(said or not so, f"the tag {tag} is missing ({asked}: yes); add it to tags(){record}")
        demand(so or not said, f"the tag {tag} is carried ({asked}: no); take it away, or keep what it promises")

    return agree
