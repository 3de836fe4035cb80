"""Fails after its first record."""

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    yield Component(kind="loss", name="half-way", target="nowhere:Nothing", summary="the first of two")
    raise KeyError("the second")
