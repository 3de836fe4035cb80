"""Returns a mapping, whose iteration gives names only."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return {"loss": "nowhere:Nothing"}
