"""Builds a network of Gluon's model zoos, gives it weights, and exports it as ``HybridBlock.export`` does.

Reads ``in/params.json``:

- ``name``: as in ``mxnet.gluon.model_zoo.vision``, else as in ``gluoncv.model_zoo``; or ``SSD``, GluonCV's class;
- ``zoo``, optional: ``gluon`` or ``gluoncv``, for a name that both have;
- ``weights``: ``seeded`` (see ``seeded.py``), ``pretrained`` (the zoo's own, ``in/pretrained/<file>``, as the step
  ``locate`` names them) or ``file`` (``in/source/<parameters>``, where ``parameters`` is another key);
- ``inputs``: shapes by name, the first dimension may be ``"batch"``;
- ``options``, optional: keyword arguments of the network's constructor;
- ``classes``, optional: names that the network's ``reset_class`` is called with;
- ``gain``, optional: of seeded kernels;
- ``ranges``, optional: lowest and highest value of inputs by name, for the seeded weights of a detector.

Writes ``out/model-symbol.json`` and ``out/model-0000.params``: the same bytes for the same inputs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import cases
import mxnet
import numpy
import seeded
import zoo

STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_var")
SHOWN = 5
"""Parameters that a refusal names."""


def main() -> None:
    """Run the step in the working folder."""
    params = cases.params()
    with mxnet.name.NameManager():
        net = build(params)
        run(net, params)
        if params["weights"] == "seeded":
            seed(net, params)
            calibrate(net, params)
        elif params["weights"] == "file":
            assign(net, params["name"], read("in/source/" + params["parameters"]))
        else:
            check_trained(net, params)
        net.export("out/model")
    check_inputs(net, params)


def build(params: dict[str, Any], chance: int = 0) -> mxnet.gluon.HybridBlock:
    """The network, its parameters initialised or, if they are the zoo's own, loaded; ``chance`` seeds random ones."""
    mxnet.random.seed(chance)
    numpy.random.seed(chance)
    trained = params["weights"] == "pretrained"
    try:
        net = zoo.build(params, find=pretrained if trained else None, load=trained)
    except zoo.Unbuildable as error:
        cases.refuse(str(error))
    if trained:
        refuse_untrained(params, [one.name for one in net.collect_params().values() if is_empty(one)])
    else:
        net.initialize(mxnet.init.Zero())
    if "classes" in params:
        reset_class(net, params)
    return net


def reset_class(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Have a detector find other classes; its predictors of classes are then new."""
    if not hasattr(net, "reset_class"):
        cases.refuse(
            f"{params['name']} cannot have other classes: it has no reset_class\n"
            "  to do: Leave classes out; many networks take the number of their classes as an option."
        )
    try:
        net.reset_class(params["classes"])
    except Exception as error:  # a network's own code may raise anything
        cases.refuse(f"{params['name']} cannot have the classes {params['classes']}: {zoo.last(error)}")


def is_empty(parameter: mxnet.gluon.Parameter) -> bool:
    """Whether the parameter has no values yet."""
    try:
        parameter.list_data()
    except RuntimeError:
        return True
    return False


def pretrained(published: zoo.Published) -> str:
    """Where a published file lies among the inputs."""
    path = f"in/pretrained/{published.stem}.params"
    if not os.path.isfile(path):
        cases.refuse(f"The network also needs {published.stem}.params, which is not among its published files")
    return path


def check_trained(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Refuse a network that was left random in part: some constructors ignore that weights are asked for.

    Random is what another network has otherwise that was made by another chance.
    """
    with mxnet.name.NameManager():
        twin = build(params, chance=1)
    pairs = zip(net.collect_params().values(), twin.collect_params().values())  # noqa: B905 - Python 3.9
    refuse_untrained(params, [one.name for one, other in pairs if (one.data() != other.data()).sum().asscalar()])


def refuse_untrained(params: dict[str, Any], names: list[str]) -> None:
    """Refuse to go on if any parameters, by name, were not in the zoo's files."""
    if names:
        cases.refuse(
            f"Of {params['name']} no complete trained weights were published: {some(names)} would be missing\n"
            '  to do: Name your own file of parameters, or convert another model, of weights = "seeded".'
        )


def run(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Trace the network, by one run on zeros; this also settles shapes that depend on the inputs'."""
    shapes: dict[str, list[int | str]] = params["inputs"]
    net.hybridize()
    zeros = [mxnet.nd.zeros([1 if dim == "batch" else dim for dim in shapes[name]]) for name in sorted(shapes)]
    try:
        net(*zeros)
        mxnet.nd.waitall()
    except Exception as error:  # a network's own code may raise anything
        cases.refuse(
            f"{params['name']} does not run as a graph on inputs of the shapes {shapes}: {zoo.last(error)}\n"
            "  to do: Check the manifest's inputs and options."
        )


def seed(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Draw every parameter from its name and shape; what the network itself fixes stays as it is.

    Fixed are constants (anchors), the gamma or beta of a BatchNorm that has none, scales that start at a number.
    """
    gain, unknown = params.get("gain", seeded.GAIN), []
    for parameter in net.collect_params().values():
        if isinstance(parameter, mxnet.gluon.Constant) or is_fixed(parameter):
            continue
        values = seeded.draw(bare(net, parameter.name), parameter.shape, gain)
        if values is not None and numpy.dtype(parameter.dtype) == values.dtype:
            parameter.set_data(mxnet.nd.array(values))
        elif not isinstance(parameter.init, mxnet.init.Constant):
            unknown.append(parameter.name)
    if unknown:
        cases.refuse(f"{params['name']} has parameters that cannot be seeded: {some(unknown)}")


def calibrate(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Have a seeded SSD detect something: scale its predictors' kernels until their answers vary as trained ones do.

    As drawn, scores are saturated or all alike. The scales are powers of two, for the bytes not to depend on how a
    processor rounds. Other networks stay as they are.
    """
    if not (hasattr(net, "class_predictors") and hasattr(net, "box_predictors")):
        return
    (name, shape), *_ = params["inputs"].items()
    low, high = params.get("ranges", {}).get(name, (-1.0, 1.0))
    values = seeded.noise([1 if dim == "batch" else dim for dim in shape], low, high)
    features = net.features(mxnet.nd.array(values))
    for predictors, wanted in ((net.class_predictors, seeded.LOGITS), (net.box_predictors, seeded.CODES)):
        for feature, predictor in zip(features, predictors):  # noqa: B905 - Python 3.9
            scale = seeded.scale(predictor(feature).asnumpy(), wanted)
            for parameter in predictor.collect_params(".*weight").values():
                parameter.set_data(parameter.data() * scale)


def is_fixed(parameter: mxnet.gluon.Parameter) -> bool:
    """Whether training leaves the parameter alone, without measuring it as it does a BatchNorm's statistics."""
    return parameter.grad_req == "null" and not parameter.name.endswith(STATISTICS)


def bare(net: mxnet.gluon.HybridBlock, name: str) -> str:
    """A parameter's name without the network's own prefix, which counts the networks that a process has made."""
    return name[len(net.prefix) :] if name.startswith(net.prefix) else name


def read(path: str) -> dict[str, mxnet.nd.NDArray]:
    """A file of parameters by name, ``arg:`` and ``aux:`` taken off."""
    try:
        stored = mxnet.nd.load(path)
    except mxnet.base.MXNetError as error:
        cases.refuse(f"MXNet cannot read the parameters: {zoo.last(error)}\n  where: {path}")
    if not isinstance(stored, dict) or not stored:
        cases.refuse(
            f"The file holds no parameters with names\n  where: {path}\n  to do: Use save_parameters or export."
        )
    return {key[4:] if key[:4] in ("arg:", "aux:") else key: value for key, value in stored.items()}


def assign(net: mxnet.gluon.HybridBlock, name: str, stored: dict[str, mxnet.nd.NDArray]) -> None:
    """Set all parameters to those of a file, in any of Gluon's spellings; refuse a file that is not this network's.

    ``save_parameters`` spells ``features.0.weight``, ``export`` and ``collect_params`` spell
    ``resnetv10_conv0_weight``, with whatever prefix the network had in the process that wrote it.
    """
    parameters = net.collect_params()
    if any("." in key for key in stored):
        own = {key: parameter.name for key, parameter in net._collect_params_with_prefix().items()}
    elif any(key in parameters for key in stored):
        own = {key: key for key in parameters}
    else:
        theirs = prefix(stored)
        own = {theirs + key[len(prefix(parameters)) :]: key for key in parameters}
    found = {own[key]: values for key, values in stored.items() if key in own}
    misfits = [key for key, values in found.items() if not fits(parameters[key], values)]
    needed = net._cached_graph[1].list_inputs()
    problems = {
        "lacks": [key for key in needed if key in parameters and key not in found],
        "has too much:": [key for key in stored if key not in own],
        "has another shape or type of": misfits,
    }
    if said := [f"{problem} {some(keys)}" for problem, keys in problems.items() if keys]:
        cases.refuse(
            f"The parameters are not those of {name}: the file {'; it '.join(said)}\n"
            "  to do: Check that the file, the manifest's name and its options belong together."
        )
    for key, values in found.items():
        parameters[key].set_data(values)


def prefix(names: Iterable[str]) -> str:
    """What all ``names`` begin with, up to an underscore."""
    common = os.path.commonprefix(list(names))  # noqa: RUF071 - of texts, as it does it
    return common[: common.rfind("_") + 1]


def fits(parameter: mxnet.gluon.Parameter, values: mxnet.nd.NDArray) -> bool:
    """Whether ``values`` can be the parameter's as they are."""
    return parameter.shape == values.shape and numpy.dtype(parameter.dtype) == numpy.dtype(values.dtype)


def check_inputs(net: mxnet.gluon.HybridBlock, params: dict[str, Any]) -> None:
    """Refuse inputs that the exported symbol calls otherwise."""
    parameters, named = net.collect_params(), params["inputs"]
    called = [name for name in mxnet.sym.load("out/model-symbol.json").list_arguments() if name not in parameters]
    if sorted(called) != sorted(named):
        cases.refuse(
            f"The inputs of {params['name']} are called {', '.join(called)}, not {', '.join(named)}\n"
            "  to do: Correct the manifest's inputs."
        )


def some(names: list[str]) -> str:
    """The first few of many names."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


if __name__ == "__main__":
    main()
