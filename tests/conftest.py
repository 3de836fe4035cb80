"""What every test gets: one thread, a cache of its own, no plugin switches from outside, a name that ``-k`` finds."""

from __future__ import annotations

import gc
import logging
import os

# Before torch is imported anywhere: two workers on two cores must not fight for threads.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch
from hypothesis import settings

gc.disable()  # what is imported and collected stays, so until all is there no garbage is looked for
settings.register_profile("ganzoo", deadline=None, max_examples=30, derandomize=True, database=None)
settings.load_profile("ganzoo")


def pytest_itemcollected(item):
    """To ``-k`` a dash is an underscore: ``margin-hinge`` finds ``test_margin_hinge_…`` and ``margin_hinge.py`` too."""
    folders = (pytest.Session, pytest.Directory)  # among them the checkout, whose name says nothing of a test
    names = [node.name for node in item.listchain() if not isinstance(node, folders)]
    item.extra_keyword_matches |= {name.replace(*pair) for name in names for pair in ("_-", "-_")}


def pytest_collection_finish():
    """Sixteen thousand tests are a million objects: each search for garbage among them takes most of a second.

    Without them nearly every search would be one of everything, which is why there are to be fewer.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    os.environ["GANZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in ("GANZOO_PLUGINS", "GANZOO_DISABLE_PLUGINS"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def _own_log():
    """The command line takes over the logger of its process; a test must not inherit that from another."""
    logger = logging.getLogger("ganzoo")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture
def peers():
    """Libraries to compare with, or what stands in for them; without this fixture they may be missing."""
    from peer_libraries import importable

    with importable():
        yield
