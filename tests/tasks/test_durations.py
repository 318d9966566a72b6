"""What is remembered of durations, and what is said from them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tasks.durations import Durations


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "durations.db"


def remember(path: Path, **seconds: float) -> None:
    durations = Durations(path)
    for step, each in seconds.items():
        durations.record(step.replace("__", ":").replace("_", "-"), each)
    durations.close()


def test_a_step_is_expected_to_take_what_it_took_last(path: Path) -> None:
    remember(path, verify__a_caffe=3.0)
    remember(path, verify__a_caffe=5.0, verify__b_caffe=70.0)
    assert Durations(path).expected("verify:a-caffe") == 5.0


def test_a_new_step_is_expected_to_take_what_others_to_its_target_take(path: Path) -> None:
    remember(path, verify__a_caffe=1.0, verify__b_caffe=2.0, verify__c_d_caffe=90.0, verify__a_ncnn=50.0)
    durations = Durations(path)
    assert durations.expected("verify:new-caffe") == 2.0
    assert durations.expected("verify:new-keras") == 26.0, "of all to other targets"
    durations.record("verify:e-caffe", 2.5)
    assert durations.expected("verify:new-caffe") == 2.25
    assert durations.expected("checkpoint:new-caffe") is None


def test_models_that_end_like_targets_are_of_no_target(path: Path) -> None:
    remember(path, ir__like_caffe=1.0, ir__b=3.0)
    assert Durations(path).expected("ir:c-caffe") == 2.0


def test_a_download_says_nothing_of_another(path: Path) -> None:
    remember(path, download__a=100.0, image__mxnet=300.0)
    durations = Durations(path)
    assert durations.expected("download:a") == 100.0
    assert durations.expected("download:b") is None
    assert durations.expected("image:ncnn") is None


@pytest.mark.parametrize("damage", [b"no database" * 1000, b"SQLite format 3\0" + b"x" * 5000, b""])
def test_a_damaged_record_is_started_anew(path: Path, damage: bytes) -> None:
    remember(path, ir__a=1.0)
    path.write_bytes(damage)
    assert Durations(path).expected("ir:a") is None
    remember(path, ir__a=2.0)
    assert Durations(path).expected("ir:a") == 2.0


def test_what_is_no_duration_is_not_told(path: Path) -> None:
    remember(path, ir__a=1.0)
    with sqlite3.connect(path) as database:
        rows = [("ir:b", -1.0), ("ir:c", "soon"), ("ir:d", None), ("ir:e", float("inf"))]
        database.executemany("insert into duration values (?, ?)", rows)
    assert [Durations(path).expected(f"ir:{name}") for name in "bcde"] == [1.0] * 4


def test_runs_at_the_same_time_keep_what_each_recorded(path: Path) -> None:
    one, other = Durations(path), Durations(path)
    one.record("ir:a", 1.0)
    other.record("ir:b", 2.0)
    one.record("ir:c", 3.0)
    assert [Durations(path).expected(f"ir:{name}") for name in "abc"] == [1.0, 2.0, 3.0]


def test_where_nothing_can_be_written_it_is_remembered_in_this_run(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands in the way")
    durations = Durations(tmp_path / "cache" / "durations.db")
    durations.record("ir:a", 1.0)
    assert durations.expected("ir:a") == 1.0
