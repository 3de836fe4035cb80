"""Is written for a later ganzoo, with a kind this one does not know."""

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(kind="losses", name="plural", target="nowhere:Nothing", summary="the plural is no kind"),
        Component(kind="loss", name="from-the-future", target="nowhere:Nothing", summary="a kind of today"),
    ]
