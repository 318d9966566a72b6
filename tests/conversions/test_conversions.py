"""What a user sees of a conversion, from an empty cache on."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tasks import engine
from tasks.targets import TARGETS
from tests.support.project import MODELS, NO_ENGINE, Project, ran

pytestmark = pytest.mark.container

FIELDS = {"model", "target", "verdict", "runtime", "reference", "outputs", "first_bad"}
NUMBERS = {"name", "shape", "max_abs", "max_rel", "sensitivity", "snr_db", "cosine", "top1", "top5"}


@pytest.fixture
def project(converted: Project, tmp_path: Path) -> Project:
    """Another checkout that shares the cache of the conversions done, with nothing built in it yet."""
    return Project(tmp_path / "project", converted.cache)


@pytest.fixture
def fresh(converted: Project, tmp_path: Path) -> Project:
    """A checkout with a cache that knows the images and the downloads, and no results."""
    cache = tmp_path / "cache"
    shutil.copytree(converted.cache / "images", cache / "images")
    shutil.copytree(converted.cache / "archives", cache / "archives")
    return Project(tmp_path / "project", cache)


@pytest.mark.parametrize("target", [*TARGETS, ""], ids=[*TARGETS, "ir"])
@pytest.mark.parametrize("model", MODELS)
def test_the_verdict_is_exact(converted: Project, model: str, target: str) -> None:
    verdict = converted.verdict(model, target)
    assert verdict.keys() >= FIELDS
    assert verdict["verdict"] == "exact"
    assert verdict["first_bad"] is None
    assert verdict["outputs"]
    for output in verdict["outputs"]:
        assert output.keys() >= NUMBERS
        assert output["max_rel"] <= 1e-5, "far inside of what counts as exact: float32 sums in another order"
    for side in ("runtime", "reference"):
        assert len(verdict[side]["image"]) == 64
        assert verdict[side]["versions"]


def test_a_second_run_runs_nothing_and_says_so(converted: Project) -> None:
    again = converted.doit("convert:mtcnn-onet-caffe", **NO_ENGINE)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "convert:mtcnn-onet-caffe: up to date, nothing to run\n"


def test_a_removed_build_is_restored_without_an_engine(converted: Project) -> None:
    before = converted.contents()
    shutil.rmtree(converted.folder / "build")
    conversions = [f"convert:{model}-{target}" for model in MODELS for target in TARGETS]
    restored = converted.doit(*conversions, "download:photographs", **NO_ENGINE)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert ran(restored.stdout) == []
    assert "exact" in restored.stdout
    assert converted.contents() == before


def test_files_belong_to_the_caller(converted: Project) -> None:
    owners = {path.stat().st_uid for path in (converted.folder / "build").rglob("*")}
    assert owners == {os.getuid()}


def test_an_edited_emitter_reruns_code_checkpoint_and_verify(project: Project) -> None:
    assert ran(project.doit("convert:mtcnn-onet-caffe").stdout) == []
    source = project.folder / "converter/emitters/caffe/prototxt.py"
    source.write_text(source.read_text().replace("Written by transship", "Written by transship for a test"))
    edited = project.doit("convert:mtcnn-onet-caffe")
    assert edited.returncode == 0, edited.stderr
    assert sorted(ran(edited.stdout)) == [f"{step}:mtcnn-onet-caffe" for step in ("checkpoint", "code", "verify")]
    assert "for a test" in (project.folder / "build/mtcnn-onet/caffe/checkpoint/deploy.prototxt").read_text()


def test_an_edited_comment_reruns_code_and_stops_there(project: Project) -> None:
    project.doit("convert:mtcnn-onet-caffe")
    source = project.folder / "converter/emitters/caffe/pooling.py"
    source.write_text(source.read_text() + "# A comment.\n")
    edited = project.doit("convert:mtcnn-onet-caffe", **NO_ENGINE)
    assert edited.returncode == 0, edited.stderr
    assert ran(edited.stdout) == ["code:mtcnn-onet-caffe"]


def test_another_parser_s_edit_reruns_nothing_of_the_target_s(project: Project) -> None:
    project.doit("convert:mtcnn-onet-caffe")
    source = project.folder / "converter/parsers/mxnet/__init__.py"
    source.write_text(source.read_text() + "# A comment.\n")
    edited = project.doit("convert:mtcnn-onet-caffe", **NO_ENGINE)
    assert edited.returncode == 0, edited.stderr
    assert ran(edited.stdout) == ["ir:mtcnn-onet"]


def test_a_wrong_conversion_fails_and_names_the_first_bad_node(project: Project) -> None:
    source = project.folder / "converter/emitters/caffe/normalization.py"
    right = "**omit(1e-5, eps=epsilon)"
    assert right in source.read_text()
    source.write_text(source.read_text().replace(right, "**omit(1e-5, eps=0.5)"))
    for _ in range(2):
        failed = project.doit("convert:gender-age-caffe")
        assert failed.returncode == 1
        assert "verify:gender-age-caffe failed: caffe does not compute what gender-age computes" in failed.stderr
        assert "first bad node conv_1_batchnorm" in failed.stderr
        assert "1 failed" in failed.stdout.splitlines()[-1]
        assert len(failed.stderr.strip().splitlines()) <= 3
    verdict = project.verdict("gender-age", "caffe")
    assert verdict["verdict"] == "differs"
    assert verdict["first_bad"]["node"] == "conv_1_batchnorm"


@pytest.mark.parametrize("target", TARGETS)
def test_a_wrong_weight_is_found_in_every_target(project: Project, target: str) -> None:
    reader = project.folder / "images/base/weights.py"
    right = "        return weights[operand]\n"
    assert right in reader.read_text()
    wrong = right.replace("[operand]", "[operand] * np.float32(1.5 if operand == 'conv3_weight' else 1)")
    reader.write_text(reader.read_text().replace(right, wrong))
    failed = project.doit(f"convert:mtcnn-onet-{target}")
    assert failed.returncode == 1
    assert f"{target} does not compute what mtcnn-onet computes" in failed.stderr
    assert "first bad node conv3\n" in failed.stderr
    assert project.verdict("mtcnn-onet", target)["first_bad"]["node"] == "conv3"


def test_an_expected_difference_does_not_fail(project: Project) -> None:
    source = project.folder / "converter/emitters/caffe/normalization.py"
    source.write_text(source.read_text().replace("**omit(1e-5, eps=epsilon)", "**omit(1e-5, eps=0.5)"))
    with (project.folder / "models/gender-age.toml").open("a") as manifest:
        manifest.write('\n[targets.caffe]\nexpect = { verdict = "differs", reason = "a test spoils it" }\n')
    done = project.doit("convert:gender-age-caffe")
    assert done.returncode == 0, done.stderr
    assert project.verdict("gender-age", "caffe")["expected"] == {"verdict": "differs", "reason": "a test spoils it"}


def test_folded_batch_norms_are_exact(project: Project) -> None:
    with (project.folder / "models/gender-age.toml").open("a") as manifest:
        manifest.write("\n[targets.caffe]\noptions = { merge_bn = true }\n")
    done = project.doit("convert:gender-age-caffe")
    assert done.returncode == 0, done.stderr
    assert project.verdict("gender-age", "caffe")["verdict"] == "exact"
    prototxt = (project.folder / "build/gender-age/caffe/code/deploy.prototxt").read_text()
    left = re.findall(r'name: "(.*)"\n  type: "BatchNorm"', prototxt)
    assert left == ["bn1"], "it comes after a ReLU, which nothing can be folded across"


def test_half_precision_is_exact_by_limits_of_its_own(project: Project) -> None:
    with (project.folder / "models/mtcnn-onet.toml").open("a") as manifest:
        manifest.write('\n[targets.ncnn]\noptions = { storage = "fp16" }\n')
    done = project.doit("convert:mtcnn-onet-ncnn")
    assert done.returncode == 0, done.stderr
    verdict = project.verdict("mtcnn-onet", "ncnn")
    assert verdict["verdict"] == "exact"
    assert all(1e-6 < output["max_rel"] < 5e-3 for output in verdict["outputs"])
    build = project.folder / "build/mtcnn-onet"
    parameters = (build / "ir/weights.safetensors").stat().st_size
    assert (build / "ncnn/checkpoint/model.bin").stat().st_size < 0.6 * parameters


def test_core_ml_is_read_back_and_half_precision_keeps_limits_of_its_own(project: Project) -> None:
    assert project.doit("convert:mtcnn-onet-coreml").returncode == 0
    single = project.verdict("mtcnn-onet", "coreml")
    assert (single["verdict"], single["runtime"]["runtime"]) == ("exact", "read-back")
    with (project.folder / "models/mtcnn-onet.toml").open("a") as manifest:
        manifest.write('\n[targets.coreml]\noptions = { precision = "float16" }\n')
    done = project.doit("convert:mtcnn-onet-coreml")
    assert done.returncode == 0, done.stderr
    half = project.verdict("mtcnn-onet", "coreml")
    assert half["verdict"] == "exact"
    assert half["tolerance"]["reason"]
    worst = {
        name: max(output["max_rel"] for output in each["outputs"]) for name, each in (("32", single), ("16", half))
    }
    assert worst["32"] < 1e-5 < worst["16"] < 1e-2


def test_tensorflow_lite_is_judged_too_and_can_be_left_out(project: Project) -> None:
    done = project.doit("convert:mtcnn-onet-tensorflow")
    assert done.returncode == 0, done.stderr
    verdict = project.verdict("mtcnn-onet", "tensorflow")
    assert {name: form["verdict"] for name, form in verdict["forms"].items()} == {"tflite": "exact"}
    assert "prob1_output tflite" in done.stdout
    checkpoint = project.folder / "build/mtcnn-onet/tensorflow/checkpoint"
    assert (checkpoint / "model.tflite").is_file()
    with (project.folder / "models/mtcnn-onet.toml").open("a") as manifest:
        manifest.write("\n[targets.tensorflow]\noptions = { tflite = false }\n")
    done = project.doit("convert:mtcnn-onet-tensorflow")
    assert done.returncode == 0, done.stderr
    assert project.verdict("mtcnn-onet", "tensorflow")["forms"] == {}
    assert not (checkpoint / "model.tflite").exists()
    assert (checkpoint / "saved_model/saved_model.pb").is_file()


def test_kill_at_any_moment_then_a_plain_run_equals_a_clean_build(converted: Project, fresh: Project) -> None:
    moment = random.Random(2)
    for _ in range(6):
        process = fresh.start("convert:mtcnn-onet-caffe")
        time.sleep(moment.uniform(0.5, 6))
        process.kill()
        process.communicate()
    last = fresh.doit("convert:mtcnn-onet-caffe")
    assert last.returncode == 0, last.stderr
    built = fresh.contents()
    assert built.keys() >= {"mtcnn-onet/caffe/verify.json", "mtcnn-onet/caffe/checkpoint/weights.caffemodel"}
    assert built.items() <= converted.contents().items()
    assert list((fresh.cache / "runs").iterdir()) == []


def test_a_container_of_a_killed_run_is_removed_at_the_next_start(fresh: Project) -> None:
    hang(fresh)
    process = fresh.start("checkpoint:mtcnn-onet-caffe")
    name = running(fresh, process)
    process.kill()
    process.communicate()
    assert name in containers()
    fresh.doit("ir:mtcnn-onet")
    assert name not in containers()


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)], ids=["SIGINT", "SIGTERM"])
def test_a_signal_stops_the_container_and_leaves_nothing_partial(fresh: Project, number: int, code: int) -> None:
    hang(fresh)
    process = fresh.start("checkpoint:mtcnn-onet-caffe")
    name = running(fresh, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert name not in containers()
    assert not (fresh.folder / "build/mtcnn-onet/caffe/checkpoint").exists()
    assert list((fresh.cache / "runs").iterdir()) == []


def test_without_an_engine_it_says_what_to_do(fresh: Project) -> None:
    failed = fresh.doit("convert:mtcnn-onet-caffe", **NO_ENGINE)
    assert failed.returncode == 1
    assert "no container engine answers" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert len(failed.stderr.strip().splitlines()) <= 4


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("convert:no-such-model-caffe", "convert:"),
        ("convert:mtcnn-onet-cafe", "convert:mtcnn-onet-caffe"),
        ("image:cafe-ssd", "image:caffe-ssd"),
        ("lst", "list"),
    ],
)
def test_a_wrong_name_gets_the_nearest_ones(converted: Project, wrong: str, meant: str) -> None:
    failed = converted.doit(wrong)
    assert failed.returncode == 1
    assert meant in failed.stderr.partition("did you mean: ")[2]


def test_doit_alone_says_what_there_is_and_builds_nothing(project: Project) -> None:
    shown = project.doit()
    assert shown.returncode == 0
    assert all(model in shown.stdout for model in MODELS)
    assert not (project.folder / "build").exists()


def test_clean_removes_what_was_made(project: Project) -> None:
    project.doit("convert:mtcnn-onet-caffe", "convert:mtcnn-pnet-caffe")
    project.doit("clean", "convert:mtcnn-onet-caffe")
    assert not (project.folder / "build/mtcnn-onet/caffe").exists()
    assert (project.folder / "build/mtcnn-pnet/caffe").exists()
    project.doit("clean")
    assert not (project.folder / "build").exists()


def hang(project: Project) -> None:
    """Make the checkpoint step wait for ever."""
    script = project.folder / "images/caffe-ssd/checkpoint.py"
    start = 'if __name__ == "__main__":\n'
    assert start in script.read_text()
    script.write_text(script.read_text().replace(start, f"{start}    import time\n\n    time.sleep(600)\n"))


def containers() -> set[str]:
    """Ids of all containers in the engine."""
    return {str(container["Id"]) for container in engine.connect().api.containers(all=True)}


def running(project: Project, process: subprocess.Popen[str]) -> str:
    """The id of the container of ``project``'s run, once it runs."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        runs = {folder.name for folder in (project.cache / "runs").glob("*")}
        for container in engine.connect().api.containers():
            if (container["Labels"] or {}).get("transship.run") in runs:
                return str(container["Id"])
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("the step never started")
