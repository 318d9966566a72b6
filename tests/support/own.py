"""What a user of Gluon has: a network with weights of its own, saved. A step for ``tests/support/batch.py``.

Reads ``in/params.json``: ``{"name", "inputs", "own": {"spelling", "before", "name", "change"}}``, of ``own`` whatever
there is. Builds as many networks ``before`` as are asked for, so that names count on, then the network, and writes
``out/own.params`` and ``out/expected.npz`` (``{name without the network's prefix: array}``). Without ``spelling``
nothing is written, without ``own`` nothing is done.
"""

from __future__ import annotations

import cases
import mxnet
import numpy
from gluoncv import model_zoo


def main() -> None:
    """Run the step in the working folder."""
    params = cases.params()
    own = params.get("own")
    if own is None:
        return
    nets = [model_zoo.get_model(own.get("name", params["name"])) for _ in range(own.get("before", 0) + 1)]
    if "spelling" not in own:
        return
    net = nets[-1]
    net.initialize()
    net(*(mxnet.nd.zeros([1, *shape[1:]]) for shape in params["inputs"].values()))
    stream = numpy.random.default_rng(7)
    for parameter in net.collect_params().values():
        parameter.set_data(mxnet.nd.array(stream.uniform(0.5, 1.5, parameter.shape)))
    stored = change(spelled(net, own["spelling"]), own.get("change", ""))
    mxnet.nd.save("out/own.params", stored)
    expected = {name[len(net.prefix) :]: array.data().asnumpy() for name, array in net.collect_params().items()}
    numpy.savez("out/expected.npz", **expected)


def spelled(net: mxnet.gluon.HybridBlock, spelling: str) -> dict[str, mxnet.nd.NDArray]:
    """The network's parameters as Gluon's ways of saving name them."""
    if spelling == "save_parameters":
        net.save_parameters("out/own.params")
        return mxnet.nd.load("out/own.params")
    if spelling == "export":
        net.hybridize()
        net(mxnet.nd.zeros((1, 3, 32, 32)))
        net.export("/tmp/exported")
        return mxnet.nd.load("/tmp/exported-0000.params")
    strip = net.prefix if spelling == "save_params" else ""
    net.collect_params().save("out/own.params", strip_prefix=strip)
    return mxnet.nd.load("out/own.params")


def change(stored: dict[str, mxnet.nd.NDArray], what: str) -> dict[str, mxnet.nd.NDArray]:
    """The same with a fault."""
    first = next(iter(stored))
    if what == "forget":
        del stored[first]
    elif what == "invent":
        stored["features.99.weight"] = mxnet.nd.zeros((2, 2))
    elif what == "halve":
        stored[first] = stored[first].astype("float16")
    elif what == "unname":
        return list(stored.values())
    return stored


if __name__ == "__main__":
    main()
