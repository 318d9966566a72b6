"""What the steps of this image share: the generated code, and its parameters by the names that the plan has for them.

Runs on Python 2.7 and 3, like the code itself.
"""

# ruff: noqa: ANN001, ANN201, ANN202, S102, UP031

import os
import sys
import types

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # one order of summation, on however many cores

_stdout = os.dup(1)
os.dup2(2, 1)  # CNTK says which device it takes where programs expect answers
import cntk  # noqa: E402

cntk.try_set_default_device(cntk.cpu())
os.dup2(_stdout, 1)
os.close(_stdout)


def code(path):
    """The module at `path`."""
    module = sys.modules["model"] = types.ModuleType("model")
    with open(path) as stream:
        exec(compile(stream.read(), path, "exec"), module.__dict__)
    return module


def held(function):
    """What `function` returns, and the variables that it holds when it does."""
    found = {}

    def note(frame, event, _):
        if event == "return" and frame.f_code is function.__code__:
            found.update(frame.f_locals)

    sys.setprofile(note)
    try:
        return function(), found
    finally:
        sys.setprofile(None)


def parameters(model):
    """Parameters and constants of `model` that have a name, by it, those of a layer as ``<layer>.<name>``."""
    layers = cntk.logging.graph.depth_first_search(model, lambda node: getattr(node, "is_block", False) and node.name)
    within, found = set(), {}
    for layer in layers:
        for each in list(layer.parameters) + list(layer.constants):
            within.add(each.uid)
            found["%s.%s" % (layer.name, each.name)] = each
    for each in list(model.parameters) + list(model.constants):
        if each.name and each.uid not in within:
            found[str(each.name)] = each
    return found
