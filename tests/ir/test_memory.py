"""The memory that reading and saving a network takes does not depend on the size of its parameters."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converter import ir
from tests.parsers.files import FLAGS, Net

ROOT = Path(__file__).parents[2]
SIZE = 300 << 20
LIMIT = 200 << 20

PEAK = 'next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM:"))'
"""What the process took at most: of its own, where ``ru_maxrss`` would count the process that started it."""
BARE = f"print({PEAK})"
READ = f"from converter.__main__ import main\nassert main() == 0\nprint({PEAK})"


def sparse(path: Path, name: str, dtype: str) -> tuple[int, int]:
    """Write a params file with one matrix of :data:`SIZE` bytes, none of which takes room on the disk; its shape."""
    shape = (SIZE // 8 // np.dtype(dtype).itemsize, 8)
    head = struct.pack("<QQQIiiqqiii", 0x112, 0, 1, 0xF993FAC9, 0, 2, *shape, 1, 0, FLAGS[dtype])
    with path.open("wb") as file:
        file.write(head)
        os.truncate(file.fileno(), len(head) + SIZE)
        file.seek(0, os.SEEK_END)
        file.write(struct.pack("<QQ", 1, len(name)) + name.encode())
    return shape


def peak(code: str, *arguments: str) -> int:
    """Bytes that Python takes at most to run ``code``."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_peak_memory_is_bounded(tmp_path: Path, dtype: str) -> None:
    rows, columns = sparse(tmp_path / "net-0000.params", "arg:w", dtype)
    net = Net()
    net.node("FullyConnected", "fc", [net.variable("data"), net.variable("w")], num_hidden=str(rows), no_bias="True")
    (tmp_path / "net-symbol.json").write_text(json.dumps(net.symbol()))
    files = ["--graph", str(tmp_path / "net-symbol.json"), "--weights", str(tmp_path / "net-0000.params")]
    taken = peak(READ, "ir", *files, "--input", f"data:1,{columns}", "-o", str(tmp_path / "ir")) - peak(BARE)
    saved = tmp_path / "ir" / ir.WEIGHTS
    assert saved.stat().st_size > rows * columns * 4
    saved.unlink()
    assert taken < LIMIT
