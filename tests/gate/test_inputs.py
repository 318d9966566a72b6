"""The cases that both sides run on: what they hold, and what is refused."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converter import inputs as module
from converter.errors import BadInput
from converter.inputs import build_cases, noise, open_photograph, prepare, read_inputs, read_preprocess
from tests.gate.networks import write_photographs

ROOT = Path(__file__).parents[2]
MTCNN = {"channels": "BGR", "mean": 127.5, "scale": 0.0078125, "layout": "NCHW", "resize": "bilinear"}
PATCHES = [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0.25, 0.25, 0.75, 0.75], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]


def image_input(**changes: Any) -> dict[str, Any]:
    """An image input's description, changed."""
    return {"data": {"shape": ["batch", 3, 24, 32], "range": [-1, 1], "preprocess": MTCNN, **changes}}


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Two drawn photographs."""
    return write_photographs(tmp_path)


class TestCases:
    """Two of noise, and the photographs."""

    def test_names_shapes_and_types(self, photographs: list[Path]) -> None:
        cases = build_cases(read_inputs(image_input()), photographs)
        assert list(cases) == ["noise-0", "noise-1", "harbour", "portrait"]
        assert all(list(arrays) == ["data"] for arrays in cases.values())
        assert {(arrays["data"].shape, arrays["data"].dtype.str) for arrays in cases.values()} == {
            ((1, 3, 24, 32), "<f4")
        }

    def test_no_two_cases_are_alike(self, photographs: list[Path]) -> None:
        cases = build_cases(read_inputs(image_input()), photographs)
        assert len({arrays["data"].tobytes() for arrays in cases.values()}) == 4

    def test_the_same_arguments_give_the_same_bytes(self, photographs: list[Path]) -> None:
        first, second = (build_cases(read_inputs(image_input()), photographs, seed=3) for _ in range(2))
        for case, arrays in first.items():
            assert arrays["data"].tobytes() == second[case]["data"].tobytes()

    def test_every_input_has_its_own_description(self, photographs: list[Path]) -> None:
        specs = read_inputs({**image_input(), "size": {"shape": ["batch", 2], "range": [10, 500]}})
        cases = build_cases(specs, photographs)
        assert [list(arrays) for arrays in cases.values()] == [["data", "size"]] * 4
        sizes = [arrays["size"] for arrays in cases.values()]
        assert len({size.tobytes() for size in sizes}) == 4
        assert all(10 <= size.min() <= size.max() <= 500 for size in sizes)

    def test_without_an_image_input_photographs_are_only_names(self, tmp_path: Path) -> None:
        specs = read_inputs({"x": {"shape": [1, 5], "range": [0, 1]}})
        cases = build_cases(specs, [tmp_path / "a.png", tmp_path / "b.png"])
        assert list(cases) == ["noise-0", "noise-1", "a", "b"]
        assert len({arrays["x"].tobytes() for arrays in cases.values()}) == 4

    def test_rows_of_a_fixed_batch_hold_different_photographs(self, photographs: list[Path]) -> None:
        cases = build_cases(read_inputs(image_input(shape=[3, 3, 24, 32])), photographs)
        one, other = cases["harbour"]["data"], cases["portrait"]["data"]
        np.testing.assert_array_equal(one[[0, 1, 2]], other[[1, 0, 1]])
        assert not np.array_equal(one[0], one[1])

    @pytest.mark.parametrize(
        ("names", "complaint"),
        [(["a.png"], "at least two"), (["a.png", "x/a.png"], '"a"'), (["a.png", "noise-0.png"], "noise-0")],
    )
    def test_cases_that_would_get_lost_are_refused(self, names: list[str], complaint: str) -> None:
        with pytest.raises(BadInput, match=complaint):
            build_cases(read_inputs(image_input()), [Path(name) for name in names])


class TestNoise:
    """Uniform over the real range, and the same everywhere for ever."""

    def test_bytes_never_change(self) -> None:
        (spec,) = read_inputs(image_input())
        digest = sha256(noise(spec, "noise-0").tobytes()).hexdigest()
        assert digest == "79ce7b4830fdc477be1d5726f362bffad4bf510296014a57ee9f1fb387fb3507"

    @pytest.mark.parametrize("span", [(-1, 1), (0, 255), (-123.68, 151.061), (1e-3, 2e-3)])
    def test_it_fills_the_range_evenly(self, span: tuple[float, float]) -> None:
        (spec,) = read_inputs({"data": {"shape": [1, 3, 100, 100], "range": list(span)}})
        values = noise(spec, "noise-0").astype(np.float64)
        unit = (values - span[0]) / (span[1] - span[0])
        assert 0 <= unit.min() < 1e-3
        assert 1 - 1e-3 < unit.max() <= 1 + 1e-7
        counts, _ = np.histogram(unit, 10, (0, 1 + 1e-7))
        assert np.abs(counts - 3000).max() < 250

    def test_seed_case_and_name_each_change_it(self) -> None:
        (a,) = read_inputs({"a": {"shape": [1, 9], "range": [0, 1]}})
        (b,) = read_inputs({"b": {"shape": [1, 9], "range": [0, 1]}})
        streams = [noise(a, "x"), noise(a, "y"), noise(b, "x"), noise(a, "x", seed=1)]
        assert len({stream.tobytes() for stream in streams}) == 4


class TestPreprocessing:
    """Pixels become values exactly as the manifest says."""

    def pixels(self, *rows: list[tuple[int, int, int]]) -> Image.Image:
        """An image of the given pixels."""
        return Image.fromarray(np.array(rows, np.uint8), "RGB")

    @pytest.mark.parametrize(("channels", "expected"), [("RGB", [10, 20, 30]), ("BGR", [30, 20, 10]), ("GRAY", [18])])
    def test_channel_order(self, channels: str, expected: list[int]) -> None:
        image = self.pixels([(10, 20, 30)] * 2, [(10, 20, 30)] * 2)
        array = prepare(read_preprocess({"channels": channels}, "p"), [image], (1, len(expected), 2, 2))
        assert array[0, :, 0, 0].tolist() == expected
        assert array.dtype == np.float32

    def test_mean_and_scale_follow_the_order_of_the_channels(self) -> None:
        data = {"channels": "BGR", "mean": [30, 20, 10], "scale": [1, 2, 0.5]}
        image = self.pixels([(14, 21, 33)])
        assert prepare(read_preprocess(data, "p"), [image], (1, 3, 1, 1))[0, :, 0, 0].tolist() == [3, 2, 2]

    def test_mtcnn_normalisation_is_exact(self) -> None:
        image = self.pixels([(0, 127, 255)])
        values = prepare(read_preprocess(MTCNN, "p"), [image], (1, 3, 1, 1))[0, :, 0, 0].tolist()
        assert values == [0.99609375, -0.00390625, -0.99609375]

    def test_height_and_width_are_not_exchanged(self) -> None:
        ramp = np.zeros((40, 80, 3), np.uint8)
        ramp[:, 40:] = 200
        array = prepare(read_preprocess({"channels": "RGB"}, "p"), [Image.fromarray(ramp)], (1, 3, 4, 8))
        assert array.shape == (1, 3, 4, 8)
        assert (array[:, :, :, :3] == 0).all()
        assert (array[:, :, :, 5:] == 200).all()

    def test_resizing_is_pillow_s_bilinear(self, photographs: list[Path]) -> None:
        with Image.open(photographs[0]) as image:
            expected = np.asarray(image.resize((20, 10), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
            array = prepare(read_preprocess({"channels": "RGB"}, "p"), [image], (1, 3, 10, 20))
        np.testing.assert_array_equal(array[0], expected)

    def test_crops_are_stacked_along_the_channels_in_order(self) -> None:
        picture = np.zeros((40, 40, 3), np.uint8)
        for place, (y, x) in enumerate([(0, 0), (0, 20), (20, 0), (20, 20)]):
            picture[y : y + 20, x : x + 20] = (place, 50 + place, 100 + place)
        crops = [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]
        preprocess = read_preprocess({"channels": "BGR", "crops": crops}, "p")
        array = prepare(preprocess, [Image.fromarray(picture)], (1, 12, 4, 4))
        expected = [value for place in range(4) for value in (100 + place, 50 + place, place)]
        assert array[0, :, 1, 1].tolist() == expected
        assert preprocess.depth == 12

    def test_the_five_patches_of_a_landmark_network(self, photographs: list[Path]) -> None:
        specs = read_inputs(image_input(shape=["batch", 15, 24, 24], preprocess={**MTCNN, "crops": PATCHES}))
        assert build_cases(specs, photographs)["harbour"]["data"].shape == (1, 15, 24, 24)

    @pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1"])
    def test_every_eight_bit_image_can_be_read(self, mode: str, photographs: list[Path], tmp_path: Path) -> None:
        path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
        with Image.open(photographs[0]) as image:
            image.convert(mode).save(path)
        array = prepare(read_preprocess(MTCNN, "p"), [open_photograph(path)], (1, 3, 8, 8))
        assert array.std() > 0.01


class TestPhotographs:
    """Files that are no photographs."""

    @pytest.mark.parametrize(("side", "complaint"), [(9000, "9000 x 9000"), (60_000, "decompression bomb")])
    def test_a_decompression_bomb_is_refused_before_it_is_decoded(
        self, side: int, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        (tmp_path / "bomb.png").write_bytes(content + b"\0\0\0\0IDAT")
        monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
        with pytest.raises(BadInput, match=complaint):
            open_photograph(tmp_path / "bomb.png")

    def test_the_limit_is_on_pixels(self, photographs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_PIXELS", 120 * 160)
        assert open_photograph(photographs[0]).size == (160, 120)
        monkeypatch.setattr(module, "MAX_PIXELS", 120 * 160 - 1)
        with pytest.raises(BadInput, match="160 x 120 pixels, more than 19199"):
            open_photograph(photographs[0])

    @pytest.mark.parametrize("name", ["x.gif", "x.tiff", "x", "x.svg"])
    def test_other_formats_are_refused_by_name(self, name: str, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(BadInput, match="not a photograph"):
            open_photograph(tmp_path / name)

    def test_the_content_has_to_be_what_the_name_says(self, tmp_path: Path) -> None:
        Image.new("RGB", (8, 8)).save(tmp_path / "x.png", format="GIF")
        with pytest.raises(BadInput, match="cannot be decoded"):
            open_photograph(tmp_path / "x.png")

    @pytest.mark.parametrize("size", [0, 10, 60, 2000])
    def test_a_truncated_file_is_refused(self, size: int, photographs: list[Path]) -> None:
        photographs[0].write_bytes(photographs[0].read_bytes()[:size])
        with pytest.raises(BadInput, match="cannot be decoded"):
            open_photograph(photographs[0])

    def test_sixteen_bits_are_refused(self, tmp_path: Path) -> None:
        Image.fromarray(np.zeros((8, 8), np.uint16)).save(tmp_path / "x.png")
        with pytest.raises(BadInput, match="pixels of the kind"):
            open_photograph(tmp_path / "x.png")


class TestDescriptions:
    """A manifest that is wrong is refused, and says what is wrong."""

    @pytest.mark.parametrize(
        ("changes", "where", "complaint"),
        [
            ({"shpae": [1]}, "inputs.data", 'Unknown key "shpae"'),
            ({"shape": [1, 3, "height", 8]}, "inputs.data.shape", "not a shape"),
            ({"shape": [1, 3, 0, 8]}, "inputs.data.shape", "not a shape"),
            ({"shape": [True, 3, 8, 8]}, "inputs.data.shape", "not a shape"),
            ({"shape": []}, "inputs.data.shape", "list of dimensions"),
            ({"shape": [1, 3, 1 << 15, 1 << 15]}, "inputs.data.shape", "too large"),
            ({"shape": [1, 24, 24, 3]}, "inputs.data", "gives 3 channels"),
            ({"shape": [1, 15, 24, 24]}, "inputs.data", "gives 3 channels"),
            ({"shape": [1, 3]}, "inputs.data", "gives 3 channels"),
            ({"range": [1, -1]}, "inputs.data.range", "not a range"),
            ({"range": [0, 1e39]}, "inputs.data.range", "not a range"),
            ({"range": [0]}, "inputs.data.range", "list of 2"),
            ({"range": [0, float("nan")]}, "inputs.data.range", "finite number"),
            ({"range": [0, 255]}, "inputs.data", "reach from -0.99"),
            ({"range": [-0.5, 0.5]}, "inputs.data", "reach from -0.99"),
            ({"preprocess": {**MTCNN, "scales": 1}}, "inputs.data.preprocess", 'Unknown key "scales"'),
            ({"preprocess": {"mean": 1}}, "inputs.data.preprocess", '"channels" is missing'),
            ({"preprocess": {"channels": "rgb"}}, "inputs.data.preprocess.channels", "'rgb' is not known"),
            ({"preprocess": {**MTCNN, "mean": [1, 2]}}, "inputs.data.preprocess.mean", "list of 3"),
            ({"preprocess": {**MTCNN, "mean": "1"}}, "inputs.data.preprocess.mean", "finite number"),
            ({"preprocess": {**MTCNN, "scale": 0}}, "inputs.data.preprocess.scale", "scale of 0"),
            ({"preprocess": {**MTCNN, "layout": "NHWC"}}, "inputs.data.preprocess.layout", "not known"),
            ({"preprocess": {**MTCNN, "resize": "nearest"}}, "inputs.data.preprocess.resize", "not known"),
            ({"preprocess": {**MTCNN, "crops": []}}, "inputs.data.preprocess.crops", "list of"),
            ({"preprocess": {**MTCNN, "crops": [[0, 0, 2, 1]]}}, "inputs.data.preprocess.crops[0]", "no part"),
            ({"preprocess": {**MTCNN, "crops": [[0.5, 0, 0.5, 1]]}}, "inputs.data.preprocess.crops[0]", "no part"),
            ({"preprocess": [1]}, "inputs.data.preprocess", "table"),
        ],
    )
    def test_what_is_refused(self, changes: dict[str, Any], where: str, complaint: str) -> None:
        with pytest.raises(BadInput, match=complaint) as caught:
            read_inputs(image_input(**changes))
        assert caught.value.where == where

    def test_the_nearest_known_key_is_named(self) -> None:
        with pytest.raises(BadInput) as caught:
            read_preprocess({"channels": "RGB", "scales": 1}, "p")
        assert caught.value.fix == 'The nearest known key is "scale".'

    @pytest.mark.parametrize("data", [{}, [], None])
    def test_a_model_has_inputs(self, data: object) -> None:
        with pytest.raises(BadInput, match="at least one input"):
            read_inputs(data)

    def test_a_description_without_range_is_refused(self) -> None:
        with pytest.raises(BadInput, match='"range" is missing'):
            read_inputs({"x": {"shape": [1, 2]}})


class TestStep:
    """The program around it."""

    def run(self, folder: Path, **changes: object) -> subprocess.CompletedProcess[str]:
        """Run the step as the build does."""
        (folder / "in" / "photographs").mkdir(parents=True)
        (folder / "out").mkdir()
        write_photographs(folder / "in" / "photographs")
        params = {"inputs": image_input(), "seed": 0, "photographs": ["harbour.png", "portrait.png"], **changes}
        (folder / "in" / "params.json").write_text(json.dumps(params))
        return subprocess.run(
            [sys.executable, "-m", "converter.steps.inputs"],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_it_writes_the_same_file_each_time(self, tmp_path: Path) -> None:
        for place in ("a", "b"):
            done = self.run(tmp_path / place)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        first, second = ((tmp_path / place / "out" / "inputs.npz").read_bytes() for place in ("a", "b"))
        assert first == second
        with np.load(tmp_path / "a" / "out" / "inputs.npz", allow_pickle=False) as arrays:
            assert arrays.files == ["noise-0/data", "noise-1/data", "harbour/data", "portrait/data"]

    @pytest.mark.parametrize("name", ["elsewhere.png", "../params.json", "/etc/hostname", "", 3])
    def test_a_photograph_that_is_not_there_is_refused(self, name: object, tmp_path: Path) -> None:
        done = self.run(tmp_path, photographs=["harbour.png", name])
        assert done.returncode == 65
        assert done.stderr.startswith(f"There is no photograph {name!r}\n")
        assert not list((tmp_path / "out").iterdir())
