"""Speech by eSpeak NG, which ``pip install espeakng-loader`` brings as a library, for ``adversary_vocoder.py``."""

from __future__ import annotations

import ctypes
from itertools import product

import torch
from torch import Tensor

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
VOICES = ("en-us", "en-us+f3", "en-gb+m3", "en-gb+f4")


def speech(rate: int, *, held_out: bool) -> list[Tensor]:
    """Sentences by several voices, each (T,) with a peak of 0.9; the last two sentences are held out."""
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
    for number, (sentence, voice) in enumerate(product(SENTENCES[-2:] if held_out else SENTENCES[:-2], VOICES)):
        pieces.clear()
        library.espeak_SetVoiceByName(voice.encode())
        library.espeak_SetParameter(SPEED, 150 + 10 * (number % 4), 0)
        library.espeak_SetParameter(PITCH, 35 + 10 * (number % 5), 0)
        text = sentence.encode()
        library.espeak_Synth(text, len(text) + 1, 0, BY_CHARACTER, 0, UTF_8, None, None)
        found.append(at_rate(torch.cat(pieces), made_at, rate))
    return found


def at_rate(wave: Tensor, before: int, after: int) -> Tensor:
    """At another rate, without the frequencies that it cannot hold, with a peak of 0.9."""
    length = len(wave) * after // before
    kept = torch.fft.rfft(wave)[: length // 2 + 1]
    slower = torch.fft.irfft(kept, n=length)
    return 0.9 * slower / slower.abs().max()
