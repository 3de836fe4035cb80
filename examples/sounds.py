"""Sounds for ``adversary_vocoder.py``: notes made here, and speech by eSpeak NG.

``pip install espeakng-loader`` brings eSpeak NG as a library.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

RATE, LENGTH = 8000, 4096
RETRIEVED_AT_ONCE, UTF_8, BY_CHARACTER, SPEED, PITCH = 2, 1, 1, 1, 3
SENTENCES = (
    "The north wind and the sun were disputing which was the stronger.",
    "A traveler came along wrapped in a warm cloak.",
    "They agreed that the one who first made him take it off should be considered stronger.",
    "Then the north wind blew as hard as he could.",
    "The more he blew, the more closely did the traveler fold his cloak around him.",
    "At last the north wind gave up the attempt.",
    "Then the sun shone out warmly, and immediately the traveler took off his cloak.",
    "She sells sea shells by the shore, and zebras graze in dusty fields.",
)
VOICES = ("en-us", "en-us+f3", "en+m3", "en+f4")

Sounds = Callable[[int, torch.Generator], Tensor]
"""How many, and what draws them → (N, 1, 4096) in [-1, 1], half a second at 8 kHz."""


def notes(n: int, random: torch.Generator) -> Tensor:
    """Four notes of ten harmonics, one after the other, each with an attack, a decay and some breath."""
    pitch = 110 * 2 ** (torch.randint(0, 25, (n, 4, 1, 1), generator=random) / 12)
    harmonic = torch.arange(1, 11).view(1, 1, 10, 1)
    time = torch.arange(LENGTH // 4) / RATE
    loud = torch.rand(n, 4, 10, 1, generator=random) / harmonic * (pitch * harmonic < RATE / 2)
    start = 2 * math.pi * torch.rand(n, 4, 10, 1, generator=random)
    tone = (loud * torch.sin(2 * math.pi * pitch * harmonic * time + start)).sum(2)
    breath = 0.05 * torch.randn(tone.shape, generator=random)
    shape = (time / 0.005).clamp(max=1) * torch.exp(-12 * time)
    return 0.5 * ((tone + breath) * shape).flatten(1).unsqueeze(1)


def speech(*, held_out: bool) -> Sounds:
    """Random pieces of sentences, each by every voice; the last two sentences are held out."""
    spoken = sentences(SENTENCES[-2:] if held_out else SENTENCES[:-2])

    def pieces(n: int, random: torch.Generator) -> Tensor:
        chosen = [spoken[int(torch.randint(len(spoken), (), generator=random))] for _ in range(n)]
        starts = [int(torch.randint(len(one) - LENGTH, (), generator=random)) for one in chosen]
        return torch.stack([one[at : at + LENGTH] for one, at in zip(chosen, starts, strict=True)]).unsqueeze(1)

    return pieces


def sentences(texts: tuple[str, ...]) -> list[Tensor]:
    """Each text by each voice, (T,) with a peak of 0.9."""
    try:
        import espeakng_loader
    except ImportError:
        raise SystemExit("--data speech needs eSpeak NG: pip install espeakng-loader, or take --data notes") from None
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    made_at = library.espeak_Initialize(RETRIEVED_AT_ONCE, 0, espeakng_loader.get_data_path().encode(), 0)
    pieces: list[Tensor] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def hear(samples: object, count: int, _: object) -> int:
        if samples and count:
            pieces.append(torch.tensor(samples[:count], dtype=torch.float32))  # type: ignore[index]
        return 0

    library.espeak_SetSynthCallback(hear)
    found = []
    for number, (text, voice) in enumerate(product(texts, VOICES)):
        if library.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"this eSpeak NG has no voice {voice}: take another version, or --data notes")
        pieces.clear()
        library.espeak_SetParameter(SPEED, 150 + 10 * (number % 4), 0)
        library.espeak_SetParameter(PITCH, 35 + 10 * (number % 5), 0)
        library.espeak_Synth(text.encode(), len(text.encode()) + 1, 0, BY_CHARACTER, 0, UTF_8, None, None)
        found.append(at_rate(torch.cat(pieces), made_at, RATE))
    return found


def at_rate(wave: Tensor, before: int, after: int) -> Tensor:
    """At another rate, without the frequencies that it cannot hold, with a peak of 0.9."""
    length = len(wave) * after // before
    kept = torch.fft.rfft(wave)[: length // 2 + 1]
    slower = torch.fft.irfft(kept, n=length)
    return 0.9 * slower / slower.abs().max()
