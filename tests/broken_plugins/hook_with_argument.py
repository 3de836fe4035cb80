"""Asks the hook for something it does not get."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components(config):
    return []
