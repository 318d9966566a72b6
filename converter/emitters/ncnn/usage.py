"""Two short programs that run the model: in C++ and in Python."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.emitters.about import about
from converter.emitters.detections import Taken
from converter.emitters.ncnn.literal import number
from converter.emitters.ncnn.net import Net
from converter.emitters.python import docstring, literal
from converter.ir import PREPROCESS

PIXELS = {"RGB": ("PIXEL_RGB", 3), "BGR": ("PIXEL_RGB2BGR", 3), "GRAY": ("PIXEL_RGB2GRAY", 1)}
"""How ncnn makes an input with these channels of RGB pixels, and how many there are."""
_IMAGE_DIMENSIONS = 3
_WIDTH, _HEIGHT = 640, 480
_PRECISION = (
    "ncnn computes with half precision where the processor can. For float32 set use_fp16_packed, use_fp16_storage",
    "and use_fp16_arithmetic of the net's opt to false before the net is loaded.",
)


@dataclass(frozen=True)
class Input:
    """An input as a program writes it.

    Attributes:
        blob: Its blob.
        shape: The Mat's shape, outermost dimension first.
        pixels: How ncnn makes it of RGB pixels; empty where it is no picture.
        mean: What is subtracted from each channel.
        scale: What each channel is multiplied by afterwards.
    """

    blob: str
    shape: tuple[int, ...]
    pixels: str = ""
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def normalized(self) -> bool:
        """Whether pixels are more than converted to floating point."""
        return any(self.mean) or any(each != 1 for each in self.scale)


@dataclass(frozen=True)
class Output:
    """An output as a program writes it.

    Attributes:
        blob: Its blob.
        scale: Of detections, what the x and the y of their boxes are multiplied by; None of other numbers.
    """

    blob: str
    scale: tuple[float, float] | None = None


def inputs_of(net: Net, model: onnx_ir.Model) -> list[Input]:
    """The inputs of ``net``, with the preprocessing that ``model`` knows and ncnn has a function for."""
    known = json.loads(model.metadata_props.get(PREPROCESS, "null"))
    found = []
    for name, (blob, shape) in net.inputs.items():
        sizes = tuple(dim for dim in shape if isinstance(dim, int)) or (1,)
        found.append(Input(blob, sizes, **_picture(_settings(known, name, len(net.inputs)), sizes)))
    return found


def outputs_of(net: Net, detections: Sequence[Taken] = ()) -> list[Output]:
    """The output blobs, those first that other layers read, each before what is computed from it.

    An extractor frees a blob when all that read it have run, and cannot give it out any more.
    """
    outputs = dict.fromkeys(blob for blob, _ in net.outputs.values())
    read = {blob for layer in net.layers for blob in layer.bottoms}
    early = [blob for layer in net.layers for blob in layer.tops if blob in outputs and blob in read]
    scales = {net.outputs[each.table][0]: each.scale for each in detections}
    return [Output(blob, scales.get(blob)) for blob in dict.fromkeys([*early, *outputs])]


def python(net: Net, model: onnx_ir.Model, detections: Sequence[Taken] = ()) -> bytes:
    """The program in Python."""
    inputs, outputs = inputs_of(net, model), outputs_of(net, detections)
    lines = [
        docstring(
            [
                f"Run {literal(str(model.graph.name or 'the model'))} with ncnn.",
                "\n".join(about(model)),
                " ".join(_PRECISION),
            ]
        ),
        "",
        "import ncnn",
        "import numpy as np",
        "",
        "",
        'def load(param: str = "model.param", weights: str = "model.bin") -> ncnn.Net:',
        '    """The network, ready to run."""',
        "    net = ncnn.Net()",
        "    if net.load_param(param) != 0 or net.load_model(weights) != 0:",
        '        raise RuntimeError("ncnn does not load the model")',
        "    return net",
        "",
        "",
        *(line for index, each in enumerate(inputs) if each.pixels for line in _python_prepare(each, index)),
        *_python_infer(inputs, outputs),
        "",
        "",
        *(line for index, each in enumerate(outputs) if each.scale for line in _python_detections(each.scale, index)),
        'if __name__ == "__main__":',
        *(f"    {line}" for index, each in enumerate(inputs) for line in _python_input(each, index)),
        *(f"    {line}" for line in _python_output(inputs, outputs)),
    ]
    return ("\n".join(lines) + "\n").encode()


def cpp(net: Net, model: onnx_ir.Model, detections: Sequence[Taken] = ()) -> bytes:
    """The program in C++."""
    inputs, outputs = inputs_of(net, model), outputs_of(net, detections)
    lines = [
        *(f"// {line}" for line in (*about(model), *_PRECISION)),
        "",
        "#include <cstdio>",
        *(["#include <vector>"] if any(each.pixels for each in inputs) else []),
        "",
        '#include "net.h"',
        "",
        "int main()",
        "{",
        "    ncnn::Net net;",
        '    if (net.load_param("model.param") != 0 || net.load_model("model.bin") != 0)',
        "        return 1;",
        "",
        *(f"    {line}" if line else "" for index, each in enumerate(inputs) for line in _cpp_input(each, index)),
        "    ncnn::Extractor extractor = net.create_extractor();",
        *(f"    extractor.input({quoted(each.blob)}, in{index});" for index, each in enumerate(inputs)),
        "",
        *(f"    {line}" if line else "" for index, each in enumerate(outputs) for line in _cpp_output(each, index)),
        "    return 0;",
        "}",
    ]
    return ("\n".join(lines) + "\n").encode()


def quoted(text: str) -> str:
    """A blob's name, which is printable ASCII, as a literal of C++, free of trigraphs."""
    return '"' + "".join("\\" + char if char in '"\\?' else char for char in text) + '"'


def _settings(known: Any, name: str, inputs: int) -> Any:
    """The preprocessing of the input ``name``: that under its name, or the only one that there is."""
    if not isinstance(known, Mapping):
        return None
    return known if inputs == 1 and "channels" in known and name not in known else known.get(name)


def _picture(settings: Any, shape: Sequence[int]) -> dict[str, Any]:
    """What :class:`Input` says of a picture; nothing where ncnn has no function for it."""
    known = settings if isinstance(settings, Mapping) else {}
    pixels, channels = PIXELS.get(str(known.get("channels")), ("", 0))
    if not pixels or len(shape) != _IMAGE_DIMENSIONS:
        return {}
    mean, scale = (_each(known.get(key, default), channels) for key, default in (("mean", 0.0), ("scale", 1.0)))
    crops = known.get("crops", [[]])
    if shape[0] != channels or not mean or not scale or not isinstance(crops, list) or len(crops) != 1:
        return {}
    return {"pixels": pixels, "mean": mean, "scale": scale}


def _each(value: Any, count: int) -> tuple[float, ...]:
    """One number a channel; nothing where ``value`` does not say that."""
    values = list(value) if isinstance(value, list | tuple) else [value] * count
    plain = all(isinstance(each, int | float) and math.isfinite(each) for each in values)
    return tuple(float(each) for each in values) if plain and len(values) == count else ()


def _python_prepare(each: Input, index: int) -> Iterator[str]:
    _, height, width = each.shape
    yield f"def prepare{index}(pixels: np.ndarray) -> ncnn.Mat:"
    yield f'    """The input {index} from a picture: height x width x 3, RGB, uint8."""'
    yield "    height, width, _ = pixels.shape"
    yield "    kind = " + f"ncnn.Mat.PixelType.{each.pixels}"
    yield f"    mat = ncnn.Mat.from_pixels_resize(pixels, kind, width, height, {width}, {height})"
    if each.normalized:
        yield f"    mat.substract_mean_normalize({literal(list(each.mean))}, {literal(list(each.scale))})"
    yield "    return mat"
    yield ""
    yield ""


def _python_infer(inputs: Sequence[Input], outputs: Sequence[Output]) -> Iterator[str]:
    arguments = "".join(f", in{index}: ncnn.Mat" for index in range(len(inputs)))
    yield f"def infer(net: ncnn.Net{arguments}) -> dict[str, np.ndarray]:"
    yield '    """The outputs by the names of their blobs, for one row of the batch: ncnn\'s Mats have no batch."""'
    yield "    extractor = net.create_extractor()"
    for index, each in enumerate(inputs):
        yield f"    extractor.input({literal(each.blob)}, in{index})"
    yield "    outputs = {}"
    yield f"    for name in {literal(tuple(each.blob for each in outputs))}:"
    yield "        code, mat = extractor.extract(name)"
    yield "        if code != 0:"
    yield '            raise RuntimeError(f"ncnn does not compute {name}")'
    if any(each.scale for each in outputs):
        yield "        outputs[name] = np.zeros((0, 6), np.float32) if mat.empty() else np.array(mat)"
    else:
        yield "        outputs[name] = np.array(mat)"
    yield "    return outputs"


def _python_detections(scale: tuple[float, float], index: int) -> Iterator[str]:
    yield f"def detections{index}(rows: np.ndarray) -> np.ndarray:"
    yield f'    """Class, score, left, top, right and bottom of each detection, of the rows of output {index}."""'
    yield f"    classes = rows - {literal([1, 0, 0, 0, 0, 0])}  # ncnn counts the background, which is 0"
    yield f"    return classes * {literal([1, 1, *scale, *scale])}  # in ncnn boxes are parts of the image"
    yield ""
    yield ""


def _python_output(inputs: Sequence[Input], outputs: Sequence[Output]) -> Iterator[str]:
    found = f"infer(load(){''.join(f', in{index}' for index in range(len(inputs)))})"
    if not any(each.scale for each in outputs):
        yield f"for name, value in {found}.items():"
        yield "    print(name, value.shape)"
        return
    yield f"outputs = {found}"
    for index, each in enumerate(outputs):
        value = f"outputs[{literal(each.blob)}]"
        if each.scale:
            yield f"for row in detections{index}({value}):"
            yield "    print(*row)"
        else:
            yield f"print({literal(each.blob)}, {value}.shape)"


def _python_input(each: Input, index: int) -> Iterator[str]:
    if each.pixels:
        yield f"pixels = np.zeros(({_HEIGHT}, {_WIDTH}, 3), np.uint8)  # a picture, however you read it"
        yield f"in{index} = prepare{index}(pixels)"
    else:
        yield f"in{index} = ncnn.Mat(np.zeros({literal(each.shape)}, np.float32)).clone()"


def _cpp_input(each: Input, index: int) -> Iterator[str]:
    sizes = ", ".join(str(dim) for dim in each.shape[::-1])
    if not each.pixels:
        yield f"ncnn::Mat in{index}({sizes});"
        yield f"in{index}.fill(0.f); // your numbers"
        yield ""
        return
    yield f"const int width{index} = {_WIDTH}, height{index} = {_HEIGHT};"
    yield f"std::vector<unsigned char> pixels{index}(3 * width{index} * height{index}); // RGB, however you read it"
    yield f"ncnn::Mat in{index} = ncnn::Mat::from_pixels_resize("
    source = f"pixels{index}.data(), ncnn::Mat::{each.pixels}, width{index}, height{index}"
    yield f"    {source}, {each.shape[2]}, {each.shape[1]});"
    if each.normalized:
        yield f"const float mean{index}[] = {_floats(each.mean)};"
        yield f"const float scale{index}[] = {_floats(each.scale)};"
        yield f"in{index}.substract_mean_normalize(mean{index}, scale{index});"
    yield ""


def _cpp_output(each: Output, index: int) -> Iterator[str]:
    yield f"ncnn::Mat out{index};"
    yield f"if (extractor.extract({quoted(each.blob)}, out{index}) != 0)"
    yield "    return 1;"
    if each.scale:
        yield from _cpp_detections(each.scale, f"out{index}")
    else:
        sizes = ", ".join(f"out{index}.{name}" for name in "cdhw")
        yield f'std::printf("out{index}: %d x %d x %d x %d\\n", {sizes});'
    yield ""


def _cpp_detections(scale: tuple[float, float], name: str) -> Iterator[str]:
    box = ", ".join(f"row[{2 + side}] * {number(scale[side % 2])}f" for side in range(4))
    yield f"for (int i = 0; i < {name}.h; i++) // none where nothing is found"
    yield "{"
    yield f"    const float* row = {name}.row(i); // class, the background counted; score; box, in parts of the image"
    yield f'    std::printf("%d %g %g %g %g %g\\n", (int)row[0] - 1, row[1], {box});'
    yield "}"


def _floats(values: Sequence[float]) -> str:
    return f"{{{', '.join(f'{number(value)}f' for value in values)}}}"
