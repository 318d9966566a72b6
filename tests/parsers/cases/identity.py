"""What leaves its input as it is, in inference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, case, noise, variants
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Copies, and what only training needs."""
    net = Net()
    data = net.input("data", noise("identity", 2, 3))
    heads = [net.node(op, op, [data]) for op in ("_copy", "identity", "BlockGrad", "stop_gradient")]
    heads.append(net.node("_contrib_gradientmultiplier", "multiplied", [data], scalar="-0.5", is_int="False"))
    heads.append(net.node("_identity_with_attr_like_rhs", "like", [data, heads[0]]))
    heads.append(net.node("Dropout", "dropped", [data], p="0.3", mode="training"))
    heads.append(net.node("Dropout", "default", [data], axes="(1,)"))
    yield case("identity", net, *heads)
    yield variants("identity-int", "_copy", [np.arange(4, dtype=np.int32)], {"node": {}})
