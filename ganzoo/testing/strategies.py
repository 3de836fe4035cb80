"""Hypothesis strategies for what components are given: logits, batches of images, options.

Needs hypothesis: ``pip install 'ganzoo[testing]'``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import torch
from hypothesis import reject
from hypothesis import strategies as st
from pydantic import AllowInfNan, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from torch import Tensor

from ganzoo.component import Options
from ganzoo.protocols import DataSpec

AnyOptions = TypeVar("AnyOptions", bound=Options)
Draw = st.DrawFn

FARTHEST = 1e3
"""How far numbers go in a direction in which an option knows no bound."""
WIDEST = 8
"""How far above its lower bound, or its default, an integer goes that knows no upper one: it may be a width."""
LONGEST = 4
"""How many elements more than it must have a list has at most that knows no bound."""


@st.composite
def logits(
    draw: Draw, *, samples: int | None = None, limit: float = 50.0, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Logits as critics give them: (N,), (N, 1) or (N, 1, h, w), within ±``limit``; 1 to 8 samples unless said."""
    n = draw(st.integers(1, 8)) if samples is None else samples
    shape = draw(st.sampled_from([(n,), (n, 1), (n, 1, 2, 3), (n, 1, 1, 1)]))
    count = math.prod(shape)
    values = draw(st.lists(st.floats(-limit, limit, allow_subnormal=False), min_size=count, max_size=count))
    return torch.tensor(values, dtype=dtype).view(shape)


@st.composite
def images(draw: Draw, spec: DataSpec, *, samples: int | None = None) -> Tensor:
    """A batch of float32 images (N, C, H, W), or of vectors (N, D), in [-1, 1]: noise, or flat with extreme values.

    1 to 4 samples unless said.
    """
    n = draw(st.integers(1, 4)) if samples is None else samples
    noise = torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 2**31)))) * 2 - 1
    flat = torch.full((n, *spec.shape), draw(st.sampled_from([-1.0, 0.0, 1.0])))
    return draw(st.sampled_from([noise, flat]))


def configs(model: type[AnyOptions], *, like: AnyOptions | None = None) -> st.SearchStrategy[AnyOptions]:
    """Options of a class, drawn from the types and bounds of its fields; those that it refuses together are left out.

    Args:
        model: the class.
        like: where the values of fields come from whose type says too little, such as text and paths; they keep their
            defaults otherwise. An option without default whose type says too little can only be drawn so.
    """
    everywhere = [AllowInfNan(model.model_config.get("allow_inf_nan", True))]
    fields = {
        name: _field(info, everywhere, [getattr(like, name)] if like else [])
        for name, info in model.model_fields.items()
    }

    def validated(values: dict[str, Any]) -> AnyOptions:
        try:
            return model.model_validate(values)
        except ValidationError:
            reject()

    return st.fixed_dictionaries(fields).map(validated)


def _field(info: FieldInfo, everywhere: Sequence[Any], kept: Sequence[Any]) -> st.SearchStrategy[Any]:
    """What is kept as often as anything else, since most options are left as they are."""
    if not kept and not info.is_required():
        kept = [info.get_default(call_default_factory=True)]
    return st.one_of(*map(st.just, kept), _of_type(info.annotation, [*everywhere, *info.metadata], kept))


def _of_type(annotation: Any, bounds: Sequence[Any], kept: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Values of a type within bounds; what is kept where the type says too little."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_type(inner[0], [*bounds, *_flat(inner[1:])], kept)
    if origin in (Union, UnionType):
        return st.one_of(*(_of_type(part, bounds, kept) for part in inner))
    if annotation is int:
        return _integers(bounds, kept)
    if annotation is float:
        return _floats(bounds)
    if annotation in (bool, NoneType) or origin is Literal or isinstance(annotation, EnumType):
        return st.from_type(annotation)
    if origin in (tuple, list):
        return _sequences(origin, inner, bounds)
    return st.one_of(*map(st.just, kept))


def _flat(metadata: Sequence[Any]) -> list[Any]:
    """The bounds in ``Annotated[float, Field(gt=0)]``."""
    return [bound for one in metadata for bound in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _integers(bounds: Sequence[Any], kept: Sequence[Any]) -> st.SearchStrategy[int]:
    low, high = _bound(bounds, "ge", "gt"), _bound(bounds, "le", "lt")
    start = low if low is not None else next((value for value in kept if isinstance(value, int)), 0)
    least = start - WIDEST if low is None else low
    # A bound far away keeps work finite, and whoever tries what is allowed need not do all of it.
    most = start + WIDEST if high is None or high - start > FARTHEST else high
    finite = [bound for bound in bounds if not isinstance(bound, AllowInfNan)]
    return st.integers(math.floor(least), math.ceil(most)).filter(_allowed(int, finite))


def _floats(bounds: Sequence[Any]) -> st.SearchStrategy[float]:
    low, high = _bound(bounds, "ge", "gt"), _bound(bounds, "le", "lt")
    least = -FARTHEST if low is None else low
    most = max(least, 0.0) + FARTHEST if high is None else high
    allowed = _allowed(float, bounds)
    # What lies at the edge is drawn as often as all the rest: there options go wrong.
    edges = [edge for edge in (low, high, math.inf, -math.inf, math.nan) if edge is not None and allowed(edge)]
    within = st.floats(least, most, allow_subnormal=False).filter(allowed)
    return st.one_of(st.sampled_from([float(edge) for edge in edges]), within) if edges else within


def _sequences(origin: Any, inner: Sequence[Any], bounds: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Tuples of given types, or lists and tuples of any number of one type; nothing if it says too little."""
    everywhere = [bound for bound in bounds if isinstance(bound, AllowInfNan)]
    elements = [_of_type(part, everywhere, ()) for part in inner if part is not Ellipsis]
    if origin is tuple and Ellipsis not in inner:
        return st.tuples(*elements)
    if not elements or elements[0].is_empty:
        return st.nothing()
    least = int(_bound(bounds, "min_length") or 0)
    most = _bound(bounds, "max_length")
    return st.lists(elements[0], min_size=least, max_size=least + LONGEST if most is None else int(most)).map(origin)


def _bound(bounds: Sequence[Any], *names: str) -> float | None:
    """The first bound that goes by one of these names."""
    return next((getattr(bound, name) for bound in bounds for name in names if hasattr(bound, name)), None)


def _allowed(number: type[float], bounds: Sequence[Any]) -> Callable[[float], bool]:
    """Whether pydantic takes a number: it has the last word on bounds that are excluded, multiples and infinities."""
    bounded: Any = Annotated[(number, *bounds, "a number")]
    adapter: TypeAdapter[float] = TypeAdapter(bounded)

    def takes(value: float) -> bool:
        try:
            adapter.validate_python(value)
        except ValidationError:
            return False
        return True

    return takes
