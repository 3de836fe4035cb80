"""Announces the same name twice."""

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(kind="loss", name="twice", target="nowhere:Nothing", summary="the first"),
        Component(kind="generator", name="twice", target="nowhere:Nothing", summary="of another kind: allowed"),
        Component(kind="loss", name="twice", target="nowhere:Other", summary="the second"),
    ]
