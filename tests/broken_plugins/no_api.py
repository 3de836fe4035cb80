"""Forgets to say which interface it is written for."""

from ganzoo.hookspecs import hookimpl


@hookimpl
def ganzoo_components():
    return []
