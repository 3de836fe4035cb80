"""Has the hook, and beside it one that does not exist."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return []


@hookimpl(specname="ganzoo_componets")
def more():
    return []
