"""The source framework's own answers: run an MXNet checkpoint on every case, on the CPU.

Reads ``in/params.json`` (``{"graph", "weights", "trace"}``), ``in/source/<graph>``, ``in/source/<weights>`` and
``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes ``out/outputs.npz`` (keyed ``<case>/<output
name>``, named as MXNet's ``list_outputs`` names them) and ``out/runtime.json``. With ``trace`` every operator's
output is written, under MXNet's own name for it.

A refusal goes to stderr and ends with exit code 65. Python 3.7 or newer, mxnet 1.x, numpy.
"""

from __future__ import annotations

import json

import exact  # noqa: F401 - before numpy and mxnet

# isort: split
import cases
import mxnet
import numpy

WHOLE = {3: "uint8", 4: "int32", 5: "int8", 6: "int64", 7: "bool"}

LABEL_OF = {
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
}


def read_parameters(path: str) -> dict[str, mxnet.nd.NDArray]:
    """Read the checkpoint: ``{name: NDArray}``, arguments and auxiliary states."""
    try:
        stored = mxnet.nd.load(path)
    except mxnet.base.MXNetError as error:
        cases.refuse("MXNet cannot read the weights: " + str(error).strip().splitlines()[-1] + "\n  where: " + path)
    if isinstance(stored, list) and not stored:
        return {}
    if not isinstance(stored, dict):
        cases.refuse(
            "The weights have no names\n  where: " + path + "\n  to do: Save them with save_checkpoint or export."
        )
    return {key.split(":", 1)[-1] if key[:4] in ("arg:", "aux:") else key: value for key, value in stored.items()}


def read_symbol(path: str, trace: bool) -> mxnet.sym.Symbol:
    """Load the symbol JSON; with ``trace`` its outputs are those of every operator, in topological order."""
    try:
        symbol = mxnet.sym.load(path)
    except mxnet.base.MXNetError as error:
        cases.refuse("MXNet cannot read the symbol: " + str(error).strip().splitlines()[-1] + "\n  where: " + path)
    if not trace:
        return symbol
    variables = set(symbol.list_arguments()) | set(symbol.list_auxiliary_states())
    internals = symbol.get_internals()
    places = [place for place, name in enumerate(internals.list_outputs()) if name not in variables]
    return mxnet.sym.Group([internals[place] for place in places])


def labels(symbol: mxnet.sym.Symbol) -> set[str]:
    """The names of the label variables: what the symbol feeds as second input to a training output."""
    nodes = json.loads(symbol.tojson())["nodes"]
    fed = [nodes[node["inputs"][1][0]] for node in nodes if node["op"] in LABEL_OF and len(node["inputs"]) > 1]
    return {node["name"] for node in fed if node["op"] == "null"}


Shapes = dict[str, tuple[int, ...]]


def shapes_of(
    symbol: mxnet.sym.Symbol, parameters: dict[str, mxnet.nd.NDArray], inputs: dict[str, numpy.ndarray]
) -> Shapes:
    """The shapes of all variables, inferred from the inputs; from the parameters too where those do not suffice.

    They do not where the network computes one parameter from others.
    """
    given = {name: array.shape for name, array in inputs.items()}
    stored = {name: parameters[name].shape for name in symbol.list_arguments() if name in parameters}
    for known in (given, {**stored, **given}):
        try:
            arguments, _, states = symbol.infer_shape(**known)
        except mxnet.base.MXNetError as error:
            cases.refuse("The shapes contradict each other: " + str(error).strip().splitlines()[-1])
        if arguments is not None:
            names = symbol.list_arguments() + symbol.list_auxiliary_states()
            return dict(zip(names, arguments + states))  # noqa: B905 - Python 3.9 has no strict
    return cases.refuse(
        "The shapes of the inputs do not determine all others\n  to do: Complete the manifest's inputs."
    )


def check_shapes(
    symbol: mxnet.sym.Symbol,
    parameters: dict[str, mxnet.nd.NDArray],
    inputs: dict[str, numpy.ndarray],
    needed: Shapes,
) -> None:
    """Refuse parameters of another shape than the symbol infers."""
    for name, shape in needed.items():
        if name in parameters and name not in inputs and not fits(symbol, name, parameters[name], inputs, shape):
            cases.refuse(f"{name} has the shape {parameters[name].shape}, the symbol needs {shape}")


def fits(
    symbol: mxnet.sym.Symbol,
    name: str,
    parameter: mxnet.nd.NDArray,
    inputs: dict[str, numpy.ndarray],
    shape: tuple[int, ...],
) -> bool:
    """Whether a parameter has the inferred ``shape``, or another that MXNet takes: one slope for all channels."""
    if parameter.shape == shape:
        return True
    try:
        symbol.infer_shape(**{n: array.shape for n, array in inputs.items()}, **{name: parameter.shape})
    except (mxnet.base.MXNetError, ValueError, TypeError):
        return False
    return name in symbol.list_arguments()


def element_types(symbol: mxnet.sym.Symbol) -> dict[str, str]:
    """The variables that the symbol itself says hold whole numbers; all others are float32, as in the IR."""
    found = {}
    for name, attributes in symbol.attr_dict().items():
        kind = attributes.get("__dtype__", "")
        if kind.isdigit() and int(kind) in WHOLE:
            found[name] = WHOLE[int(kind)]
    return found


def bind(
    symbol: mxnet.sym.Symbol, parameters: dict[str, mxnet.nd.NDArray], inputs: dict[str, numpy.ndarray]
) -> mxnet.executor.Executor:
    """Bind the symbol to its parameters, with room for ``inputs``; labels are zeros, which inference ignores."""
    arguments, states = symbol.list_arguments(), symbol.list_auxiliary_states()
    for name in sorted(set(inputs) - set(arguments)):
        cases.refuse("The symbol has no input of the name " + name + "\n  to do: Correct the manifest's inputs.")
    unfed = labels(symbol)
    missing = [n for n in arguments + states if n not in inputs and n not in parameters and n not in unfed]
    if missing:
        cases.refuse(
            f"The checkpoint lacks {len(missing)} parameters that the symbol needs: {', '.join(missing[:5])}\n"
            "  to do: Check that the two files belong together, and that every input is in the manifest."
        )
    shapes = shapes_of(symbol, parameters, inputs)
    check_shapes(symbol, parameters, inputs, shapes)
    types = element_types(symbol)
    blank = {
        n: mxnet.nd.zeros(shapes[n], dtype=types.get(n, "float32")) for n in arguments if n in inputs or n in unfed
    }
    bound = {n: blank[n] if n in blank else parameters[n].astype(types.get(n, "float32")) for n in arguments}
    fixed = {n: parameters[n].astype("float32") for n in states}
    return symbol.bind(mxnet.cpu(), bound, aux_states=fixed, grad_req="null")


def main() -> None:
    """Run the step in the working folder."""
    params = cases.params()
    symbol = read_symbol("in/source/" + params["graph"], params["trace"])
    parameters = read_parameters("in/source/" + params["weights"])
    names = symbol.list_outputs()
    outputs = {}
    executor = None
    for case, inputs in cases.read().items():
        executor = executor or bind(symbol, parameters, inputs)
        for name, array in inputs.items():
            executor.arg_dict[name][:] = array
        executor.forward(is_train=False)
        outputs.update({f"{case}/{name}": executor.outputs[n].asnumpy() for n, name in enumerate(names)})
    cases.write(outputs, "mxnet", mxnet=mxnet.__version__)


if __name__ == "__main__":
    main()
