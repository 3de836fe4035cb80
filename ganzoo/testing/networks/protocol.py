"""Checks that networks are of the right class."""

from __future__ import annotations

from ganzoo.protocols import Discriminator, Generator
from ganzoo.testing.check import check, demand
from ganzoo.testing.networks.trial import trial
from ganzoo.testing.subject import Subject


@check("protocol", Discriminator, "What ``build`` returns is derived from this class.", every_choice=True)
def is_a_discriminator(subject: Subject) -> None:
    """A module of the right class."""
    network = trial(subject).network
    name = type(network).__name__
    demand(isinstance(network, Discriminator), f"build() returns {name}, which is not a Discriminator")


@check("protocol", Generator, "What ``build`` returns is derived from this class.", every_choice=True)
def is_a_generator(subject: Subject) -> None:
    """A module of the right class."""
    network = trial(subject).network
    demand(isinstance(network, Generator), f"build() returns {type(network).__name__}, which is not a Generator")
