"""The corpus channels last, as if a target had every operator in that form: the IR's numbers, in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from converter.passes.channels_last import channels_last
from converter.passes.fold import fold_parameters
from converter.passes.inline import inline
from tests.emitters.corpus import Subject
from tests.images.test_weights import weights
from tests.passes.runnable import ALL, check


@pytest.mark.slow
def test_every_model_computes_the_same(subjects: Mapping[str, Subject]) -> None:
    for subject in subjects.values():
        laid = channels_last(fold_parameters(inline(subject.load())), ALL)
        stored = weights.Weights(str(subject.folder / "ir" / "weights.safetensors"))
        check(laid, {name: np.array(stored[name]) for name in stored}, subject.inputs, subject.expected)
