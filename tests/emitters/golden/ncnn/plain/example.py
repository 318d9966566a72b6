"""Run "ExampleNet" with ncnn.

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125

ncnn computes with half precision where the processor can. For float32 set use_fp16_packed,
use_fp16_storage and use_fp16_arithmetic of the net's opt to false before the net is loaded.
"""

import ncnn
import numpy as np


def load(param: str = "model.param", weights: str = "model.bin") -> ncnn.Net:
    """The network, ready to run."""
    net = ncnn.Net()
    if net.load_param(param) != 0 or net.load_model(weights) != 0:
        raise RuntimeError("ncnn does not load the model")
    return net


def prepare0(pixels: np.ndarray) -> ncnn.Mat:
    """The input 0 from a picture: height x width x 3, RGB, uint8."""
    height, width, _ = pixels.shape
    kind = ncnn.Mat.PixelType.PIXEL_RGB2BGR
    mat = ncnn.Mat.from_pixels_resize(pixels, kind, width, height, 24, 18)
    mat.substract_mean_normalize([127.5, 127.5, 127.5], [0.0078125, 0.0078125, 0.0078125])
    return mat


def infer(net: ncnn.Net, in0: ncnn.Mat) -> dict[str, np.ndarray]:
    """The outputs by the names of their blobs, for one row of the batch: ncnn's Mats have no batch."""
    extractor = net.create_extractor()
    extractor.input("data", in0)
    outputs = {}
    for name in ("prob1_output", "fc3_output"):
        code, mat = extractor.extract(name)
        if code != 0:
            raise RuntimeError(f"ncnn does not compute {name}")
        outputs[name] = np.array(mat)
    return outputs


if __name__ == "__main__":
    pixels = np.zeros((480, 640, 3), np.uint8)  # a picture, however you read it
    in0 = prepare0(pixels)
    for name, value in infer(load(), in0).items():
        print(name, value.shape)
