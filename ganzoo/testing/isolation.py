"""Keeps what components do from reaching the process that checks them, and one check from reaching the next."""

from __future__ import annotations

import contextlib
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.backends import cudnn

SEED = 0x6A0


def _use_threads(number: int) -> None:
    """Only if it is another number, for setting it also ends what the libraries below choose for themselves."""
    if torch.get_num_threads() != number:
        torch.set_num_threads(number)


SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.get_rng_state, torch.set_rng_state),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.get_num_threads, _use_threads),
    (lambda: cudnn.deterministic, lambda value: setattr(cudnn, "deterministic", value)),
    (lambda: cudnn.benchmark, lambda value: setattr(cudnn, "benchmark", value)),
)
"""What is put back: how to read it, how to set it."""


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """A known state to run a component in, and afterwards the state that was there before.

    Random numbers follow from one seed, so that checks do not depend on their order; gradients are recorded, in
    float32 unless said otherwise, without a search for anomalies. What is printed goes to stderr, since stdout may be
    JSON. Warnings are shown there too, once each, and decide nothing: whether they are errors depends on who asks, and
    a verdict must not.
    """
    before = [(put, get()) for get, put in SETTINGS]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(sys.stderr),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        warnings.simplefilter("once")
        torch.set_default_dtype(torch.float32)
        torch.autograd.set_detect_anomaly(False)
        torch.default_generator.manual_seed(SEED)
        random.seed(SEED)
        np.random.seed(SEED)
        try:
            yield
        finally:
            for put, value in before:
                put(value)
