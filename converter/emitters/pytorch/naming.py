"""What the generated code calls things: words of the source's names, and the names that PyTorch users expect."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Sequence

from converter.emitters.names import class_name, identifier

_RESERVED = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
"""
RESERVED = frozenset(_RESERVED.split())
"""What every ``nn.Module`` has: no name for a module or parameter of ours."""

GLOBALS = frozenset(
    ("self", "torch", "nn", "F", "Tensor", "Any", "Callable", "Path", "json", "math", "load", *dir(builtins))
)
"""Names that the generated file uses: no name for a variable, function or class of ours."""

_SHORT = {
    "BatchNorm1d": "bn",
    "BatchNorm2d": "bn",
    "BatchNorm3d": "bn",
    "Linear": "fc",
    "LeakyReLU": "relu",
    "ReLU6": "relu",
    "PReLU": "prelu",
    "LayerNorm": "norm",
    "GroupNorm": "norm",
    "InstanceNorm2d": "norm",
    "LocalResponseNorm": "norm",
    "AdaptiveAvgPool2d": "pool",
    "AdaptiveMaxPool2d": "pool",
    "Sequential": "layers",
}
_NOISE = {"fwd", "output"}
_AUTOMATIC = """
act activation batchnorm bn concat conv conv1d conv2d conv3d convolution deconvolution dense dropout
elemwise_add fc flatten fullyconnected leakyrelu lrn pad plus pool pooling prelu relu relu6 sigmoid softmax
swish
"""
AUTOMATIC = frozenset(_AUTOMATIC.split())
"""Words that frameworks make names of by themselves: in them is not what the author had in mind."""
_GENERIC = """
backbone block body branch features layer layers model net network part stage
"""
GENERIC = frozenset(_GENERIC.split())
"""Words that say nothing about what a block is."""


def words(name: str) -> tuple[str, ...]:
    """The parts of a node's name, from the outermost module inwards: ``net_stage1_conv0`` is net, stage1, conv0."""
    found = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    found = [word for word in found if word not in _NOISE] or found
    return tuple(word for index, word in enumerate(found) if not index or word != found[index - 1])


def shared(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The words that all of ``names`` begin with."""
    lists = list(names)
    if not lists:
        return ()
    low, high = min(lists), max(lists)
    count = next(
        (i for i, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), min(len(low), len(high))
    )
    return low[:count]


def stem(word: str) -> str:
    """``word`` without the number that tells it from its siblings: ``conv12`` is ``conv``; ``expand1x1`` stays."""
    return word if re.search(r"\dx\d+$", word) else re.sub(r"_*\d+$", "", word) or word


def by_type(type_: str) -> str:
    """What an attribute that holds a module of class ``type_`` is usually called."""
    last = type_.rpartition(".")[2]
    if last in _SHORT:
        return _SHORT[last]
    last = re.sub(r"\d+d$", "", last)
    if last.startswith(("Conv", "Lazy")):
        return "deconv" if "Transpose" in last else "conv"
    if last.endswith(("Pool", "PoolNd")):
        return "pool"
    return identifier(last.lower())


def snake(name: str) -> str:
    """``DenseLayer`` as ``dense_layer``."""
    return identifier(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower())


def camel(parts: Sequence[str]) -> str:
    """The name of a class made of ``parts``, or nothing if they do not spell one."""
    text = " ".join(parts)
    return class_name(text) if re.match(r"[A-Za-z]", text) else ""


def compound(word: str) -> str:
    """Words that are written as one, taken apart: ``linearbottleneck`` is ``linear bottleneck``."""
    for start in ("linear", "inverted", "dense", "basic", "residual", "bottle"):
        rest = word.lower().removeprefix(start)
        if rest != word.lower() and rest in ("bottleneck", "block", "residual", "layer", "unit"):
            return f"{start} {rest}"
    return word


def attribute(parts: Sequence[str]) -> str:
    """The name of an attribute made of ``parts``, of which a size is the last: ``3x3 conv`` is ``conv_3x3``."""
    ordered = [*parts[1:], parts[0]] if parts[0][0].isdigit() else parts
    name = "_".join(ordered)
    return identifier(name) if name.islower() else snake(name)
