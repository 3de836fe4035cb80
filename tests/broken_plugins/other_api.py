"""Is written for another interface."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 2


@hookimpl
def ganzoo_components():
    return []
