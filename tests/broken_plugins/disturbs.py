"""Does to the whole process, at import, what only its own component wants."""

import random
import warnings

import numpy as np
import torch

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

random.seed(1)
np.random.seed(1)
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.use_deterministic_algorithms(True)
torch.set_float32_matmul_precision("medium")
torch.autograd.set_detect_anomaly(True)
torch.set_grad_enabled(False)
torch.backends.cudnn.deterministic = True
torch.backends.cudnn.benchmark = True
warnings.simplefilter("ignore")
warnings.filterwarnings("ignore", message="only this one")


@hookimpl
def ganzoo_components():
    return [Component(kind="loss", name="rude", target="nowhere:Rude", summary="works, but not alone in the world")]
