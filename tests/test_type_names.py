from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from ganzoo.catalog.type_names import type_name


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, "int"),
        (float, "float"),
        (bool, "bool"),
        (str, "str"),
        (Path, "path"),
        (Any, "any"),
        (dict[str, int], "mapping"),
        (Literal["a", "b"], "a | b"),
        (Literal["only"], "only"),
        (Literal["a"] | None, "a"),
        (int | None, "int"),
        (int | str | None, "int | str"),
        (Color, "red | blue"),
        (Color | None, "red | blue"),
        (list[int], "list of int"),
        (tuple[float, float], "[float, float]"),
        (tuple[int, ...], "list of int"),
        (Annotated[float, Field(ge=0, lt=1)], "float ≥ 0, < 1"),
        (Annotated[int | None, Field(gt=0, le=8)], "int > 0, ≤ 8"),
        (list[Annotated[float, Field(ge=1e-8)]], "list of float ≥ 1e-08"),
    ],
    ids=str,
)
def test_types_as_a_person_reads_them(annotation, expected):
    schema = create_model("Model", field=(annotation, ...)).model_json_schema()
    assert type_name(schema["properties"]["field"], schema.get("$defs", {})) == expected
