"""What options of ``ganzoo run`` are called elsewhere, and how it is said here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from ganzoo.config.schema import DataConfig, EvalConfig, RuntimeConfig, TrainConfig

SECTIONS: dict[str, type[BaseModel]] = {
    "train": TrainConfig,
    "data": DataConfig,
    "eval": EvalConfig,
    "runtime": RuntimeConfig,
}
"""Sections of the configuration whose keys people look for among the options."""

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "--batch-size N": ("batch", "batchsize", "bs", "minibatch"),
    "--steps N": ("iterations", "iters", "iter", "n-iter", "max-steps", "num-steps", "max-iter"),
    "--set train.epochs=VALUE": ("epochs", "epoch", "n-epochs", "num-epochs", "max-epochs"),
    "--set train.g_lr=VALUE --set train.d_lr=VALUE": ("lr", "learning-rate", "learningrate"),
    "--device cuda": ("gpu", "gpus", "cuda", "gpu-id", "gpu-ids"),
    "--device cpu": ("cpu", "no-cuda"),
    "--precision bf16": ("amp", "fp16", "bf16", "half", "mixed-precision"),
    "--data NAME|PATH": ("dataset", "datasets", "dataroot", "data-root", "data-path", "data-dir", "images", "input"),
    "--image-size N": ("resolution", "res", "size", "img-size", "imgsize", "imagesize"),
    "--disc NAME --gen NAME": ("model", "models", "network", "net", "arch", "architecture"),
    "--disc NAME": ("discriminator", "critic", "netd", "d"),
    "--gen NAME": ("generator", "netg", "g"),
    "--reg NAME": ("regularizer", "regularizers", "penalty"),
    "--augment NAME": ("augmentation", "augmentations", "aug"),
    "--metric NAME": ("metrics",),
    "--runs DIR": ("output", "outdir", "out-dir", "output-dir", "save-dir", "logdir", "log-dir"),
    "--config NAME": ("recipe", "cfg"),
    "--tracker NAME": ("log-to", "logger", "tensorboard", "wandb"),
    "--set runtime.threads=VALUE": ("workers", "num-workers", "cores"),
}
"""How ganzoo says it → how others do."""


def said_here(option: str) -> str | None:
    """What stands for an option in ``ganzoo run``: ``--lr`` sets two keys; ``--sample-every`` is a key of that name."""
    word = option.lstrip("-").partition("=")[0].replace("_", "-").lower()
    for here, elsewhere in ELSEWHERE.items():
        if word in elsewhere:
            return here
    return " ".join(f"--set {path}=VALUE" for path in _keys_called(word)) or None


def options_in(said: str) -> Sequence[str]:
    """The options and configuration paths in what :func:`said_here` returns."""
    words = said.split()
    return [
        after.partition("=")[0] if word == "--set" else word
        for word, after in zip(words, [*words[1:], ""], strict=True)
        if word.startswith("--")
    ]


def _keys_called(word: str) -> Iterable[str]:
    """``sample-every`` is ``train.sample_every``; ``betas`` is ``train.g_betas`` and ``train.d_betas``."""
    key = word.replace("-", "_")
    for section, model in SECTIONS.items():
        for known in model.model_fields:
            if known == key or (known.startswith(("g_", "d_")) and known[2:] == key):
                yield f"{section}.{known}"
