"""Neither marks nor spells its hook."""

GANZOO_API = 1


def ganzoo_componentes():
    return []
