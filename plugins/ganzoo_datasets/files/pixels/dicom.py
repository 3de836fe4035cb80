"""DICOM: one picture of a scanner, with the range in which it is to be seen.

Only the tags that describe pixels are read. Names, dates and identifiers of people never enter the program, and no
message of pydicom is passed on.
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.files.pixels.raster import Raster, UnreadablePicture, refuse_bombs
from ganzoo_datasets.files.pixels.scaling import Range, eight_bit

INSTALL = "pip install 'ganzoo[medical]'"
INSTALL_JPEG = "pip install pylibjpeg pylibjpeg-libjpeg"
PREAMBLE, MAGIC = 128, b"DICM"
SIZE_TAGS = ["Rows", "Columns"]
TAGS = [
    *SIZE_TAGS,
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *(f"{color}PaletteColorLookupTableDescriptor" for color in ("Red", "Green", "Blue")),
    *(f"{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")),
    *(f"Segmented{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")),
]
WINDOW = "a window per file"


def is_dicom(start: bytes) -> bool:
    """By the first 132 bytes of a file."""
    return start[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC


def read(file: IO[bytes], *, at_least: int | None) -> Raster:
    """Decode the first frame.

    Gray values are in the file's own units (rescaled), and the stated range is the first window, or else that of the
    bits. Colors are RGB.

    Raises:
        UnreadablePicture: corrupt, compressed in a way that cannot be read, or pydicom is not installed.
    """
    data = _dataset(file, TAGS)
    _check_form(data)
    try:
        return _raster(data)
    except UnreadablePicture:
        raise
    except Exception as error:
        raise UnreadablePicture("corrupt: its tags do not fit together") from error


def _raster(data: Any) -> Raster:
    further = int(data.get("NumberOfFrames") or 1) > 1
    stored = _first_frame(data)
    kind = str(data.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        return _through_palette(stored, data, further)
    if stored.ndim == 3:
        return Raster(stored, _range_of_bits(data), color=True, further=further)
    return _gray(stored, data, inverted=kind == "MONOCHROME1", further=further)


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height.

    Raises:
        UnreadablePicture: it states none, or pydicom is not installed.
    """
    data = _dataset(file, SIZE_TAGS)
    return int(data.Columns), int(data.Rows)


def _dataset(file: IO[bytes], tags: list[str]) -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise UnreadablePicture(f"DICOM needs pydicom: {INSTALL}") from error
    file.seek(0)
    try:
        # Files from before 1993, and those that some devices cut short, have no preamble.
        data: Any = pydicom.dcmread(file, force=True, specific_tags=[*tags])
        rows, columns = int(data.Rows), int(data.Columns)
    except Exception as error:
        file.seek(0)
        known = is_dicom(file.read(PREAMBLE + len(MAGIC)))
        raise UnreadablePicture("DICOM without a picture" if known else "not DICOM, or without a picture") from error
    refuse_bombs(columns, rows)
    if "TransferSyntaxUID" not in data.file_meta:
        implicit, little = data.original_encoding
        uid = pydicom.uid
        data.file_meta.TransferSyntaxUID = (
            (uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian)
            if little
            else uid.ExplicitVRBigEndian
        )
    return data


def _check_form(data: Any) -> None:
    kind, bands = str(data.get("PhotometricInterpretation")), data.get("SamplesPerPixel")
    known = {1: ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 3: ("RGB", "YBR_")}
    if not isinstance(bands, int) or not kind.startswith(known.get(bands, ())):
        raise UnreadablePicture(f"it states {bands} samples per pixel as {kind!r}, which is not read")


def _first_frame(data: Any) -> NDArray[Any]:
    """(H, W) or (H, W, 3), with YBR already RGB."""
    from pydicom.pixels.utils import pixel_array

    try:
        return pixel_array(data, index=0)
    except Exception as error:
        syntax = data.file_meta.TransferSyntaxUID
        compression = "in an unknown way" if syntax.is_private else f"as {syntax.name}"
        if "missing dependencies" in str(error) or "does not support" in str(error):
            reason = f"compressed {compression}, which needs a decoder: {INSTALL_JPEG}"
        else:
            reason = f"corrupt, or not readable by what is installed: compressed {compression}"
        raise UnreadablePicture(
            reason if syntax.is_compressed else "corrupt: its pixels do not fit its tags"
        ) from error


def _through_palette(stored: NDArray[Any], data: Any, further: bool) -> Raster:
    from pydicom.pixels.processing import apply_color_lut

    colors = apply_color_lut(stored, data)
    return Raster(colors, (0, 2 ** (8 * colors.dtype.itemsize) - 1), color=True, further=further)


def _gray(stored: NDArray[Any], data: Any, *, inverted: bool, further: bool) -> Raster:
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    tone = _tone(data)
    values = apply_modality_lut(stored, tone)
    stated, depth, toned = _range_of_bits(data), "", None
    if tone.get("ModalityLUTSequence"):
        stated = (0, 2 ** int(tone.ModalityLUTSequence[0].LUTDescriptor[2]) - 1)
    elif stated is not None and "RescaleSlope" in tone:
        ends = [float(end) * float(tone.RescaleSlope) + float(tone.RescaleIntercept) for end in stated]
        stated = (min(ends), max(ends))
    if tone.get("VOILUTSequence") or str(tone.get("VOILUTFunction") or "LINEAR") == "SIGMOID":
        seen = apply_voi_lut(values, tone)
        toned = eight_bit(seen, *_range_of_tone(tone, stated, seen))
        depth = WINDOW
    elif (window := _window(tone)) is not None:
        stated, depth = window, WINDOW
    return Raster(values, stated, False, further, inverted=inverted, depth=depth, toned=toned)


def _tone(data: Any) -> Any:
    """The tags of gray values; in an enhanced file they are those of the first frame, or of all."""
    from pydicom import Dataset

    tone = Dataset()
    for name in ("BitsStored", "BitsAllocated", "PixelRepresentation"):
        if name in data:
            setattr(tone, name, data[name].value)
    places = [data]
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in list(data.get(groups) or ())[:1]:
            places += [*(group.get("PixelValueTransformationSequence") or ())][:1]
            places += [*(group.get("FrameVOILUTSequence") or ())][:1]
    for place in places:
        for name in TAGS:
            if name in place and name.startswith(("Rescale", "Modality", "Window", "VOI")):
                tone.add(place[name])
    return tone


def _range_of_bits(data: Any) -> Range | None:
    bits = int(data.get("BitsStored") or data.BitsAllocated)
    if bits > 16 or "PixelData" not in data:
        return None
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if data.get("PixelRepresentation") else (0, 2**bits - 1)


def _range_of_tone(tone: Any, stated: Range | None, seen: NDArray[Any]) -> Range:
    """The range of what comes out of a curve: that of the table, or that of the bits for a sigmoid."""
    if tone.get("VOILUTSequence"):
        return 0, 2 ** int(tone.VOILUTSequence[0].LUTDescriptor[2]) - 1
    return stated or (float(np.min(seen)), float(np.max(seen)))


def _window(tone: Any) -> Range | None:
    """The lowest and the highest value of the first window (PS3.3 C.11.2.1.2), if it is one."""
    center, width = (_first(tone.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or not np.isfinite(center + width):
        return None
    if str(tone.get("VOILUTFunction") or "LINEAR") == "LINEAR":
        center, width = center - 0.5, width - 1
    return (center - width / 2, center + width / 2) if width > 0 else None


def _first(value: Any) -> float | None:
    values = [value] if isinstance(value, (str, float, int)) else list(value or ())
    return float(values[0]) if values and values[0] not in (None, "") else None
