"""What a person reads of a conversion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks import report

EVIL = "[red]prob\x1b]0;x\x07[/]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A verified conversion whose names are a stranger's."""
    outputs = [
        {"name": EVIL, "verdict": "exact", "max_abs": 1e-7, "max_rel": 2e-7},
        {"name": "ids", "verdict": "exact", "max_abs": None, "max_rel": None},
    ]
    runtime = {"framework": "ncnn", "versions": {"ncnn": "1.0"}}
    verdict = {"model": "resnet", "target": "ncnn", "verdict": "close", "outputs": outputs}
    worse = [{"name": "prob", "verdict": "close", "max_abs": "Infinity", "max_rel": 3e-3}]
    verdict |= {"forms": {"fp16": {"outputs": worse}}, "runtime": runtime, "reference": runtime}
    (tmp_path / "verify.json").write_text(json.dumps(verdict))
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "model[bold].bin").touch()
    return tmp_path


def test_a_summary_shows_every_output_and_names_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.summary(folder)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["[red]prob\ufffd]0;x\ufffd[/]", "1e-07", "2e-07", "exact"] for line in lines)
    assert any(line.split() == ["ids", "-", "-", "exact"] for line in lines)
    assert any(line.split() == ["prob", "fp16", "inf", "0.003", "close"] for line in lines)
    assert lines[-1].endswith("model[bold].bin")


def test_a_verbose_summary_says_what_else_the_verdict_rests_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = json.loads((folder / "verify.json").read_text())
    for outputs in (verdict["outputs"], verdict["forms"]["fp16"]["outputs"]):
        for output in outputs:
            output |= {"sensitivity": 0.25, "snr_db": 107.269, "cosine": None}
    side = {"framework": "ncnn", "versions": {}, "image": "0123456789abcdef"}
    why = {"reasons": ["prob is off"], "first_bad": {"node": "conv1"}, "tolerance": {"reason": "half precision"}}
    (folder / "verify.json").write_text(json.dumps({**verdict, **why, "runtime": side, "reference": side}))
    report.summary(folder, is_verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["ids", "-", "-", "0.25", "107.3", "-", "exact"] for line in lines)
    told = [
        "prob is off",
        "first bad node: conv1",
        "limits of its own: half precision",
        "image of ncnn: 0123456789ab",
    ]
    assert [line for line in lines if line in told] == [*told, told[-1]]
    report.summary(folder)
    assert [line for line in capsys.readouterr().out.splitlines() if line in told] == told[:1], "why it is no better"


def test_a_summary_counts_detections(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = json.loads((folder / "verify.json").read_text())
    counts = {"reference": 400, "candidate": 399, "matched": 398}
    found = {**counts, "max_score_error": 5.1e-4, "min_iou": 0.99841}
    none = {**counts, "matched": 0, "max_score_error": None, "min_iou": None}
    (folder / "verify.json").write_text(json.dumps({**verdict, "detections": [found, none]}))
    report.summary(folder)
    lines = capsys.readouterr().out.splitlines()
    told = "398 of 400 detections matched, of 399; scores differ by 0.00051 at most, boxes overlap by 0.9984"
    assert told in lines
    assert "0 of 400 detections matched, of 399" in lines


def test_one_of_many_conversions_is_told_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.line(folder)
    assert capsys.readouterr().out == "resnet ncnn o close 0.003\n"


def test_only_a_verdict_is_one(folder: Path, tmp_path: Path) -> None:
    assert report.verdict(folder) == "close"
    (folder / "verify.json").write_text('{"verdict": "perfect"}')
    with pytest.raises(ValueError, match="perfect"):
        report.verdict(folder)
    with pytest.raises(OSError, match=r"verify\.json"):
        report.verdict(tmp_path / "absent")
