"""Breaks every rule for records at once."""

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(kind="loss", name="Hinge_2", target="nowhere:Nothing", summary="a name that is none"),
        Component(kind="loss", name="text-aliases", target="nowhere:Nothing", summary="one string", aliases="mse"),
        Component(kind="loss", name="no-class", target="nowhere", summary="a target without a class"),
        Component(kind="recipe", name="no-file", target="nowhere:Class", summary="a recipe without a file"),
        Component(kind="loss", name="two-lines", target="nowhere:Nothing", summary="one\ntwo"),
        Component(kind=None, name="no-kind", target="nowhere:Nothing", summary="of no kind"),
    ]
