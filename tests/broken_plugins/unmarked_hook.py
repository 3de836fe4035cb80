"""Forgets to mark its hook."""

GANZOO_API = 1


def ganzoo_components():
    return []
