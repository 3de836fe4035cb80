"""Marks a hook that does not exist."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_component():
    return []
