"""Runs generated PyTorch code without PyTorch: every call and operation becomes a term, and terms are compared.

A term is what was done, to which terms; equal terms are the same object. A module's term is its class, its
arguments and what the weight plan sets its parameters to.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from converter.emitters.python import call, literal
from converter.emitters.pytorch.signature import DEFAULTS
from converter.emitters.statement import State, Statement, Submodule

_terms: dict[Any, Term] = {}


class NotSymbolic(Exception):
    """Something needs a number where there is a symbol."""


class Term:
    """A symbolic value."""

    def __init__(self, key: Any) -> None:
        object.__setattr__(self, "key", key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return term("attribute", self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Term:
        return term("call", self, *args, **kwargs)

    def __getitem__(self, index: Any) -> Term:
        return term("item", self, repr(index) if isinstance(index, slice) else index)

    def __iter__(self) -> Iterator[Any]:
        raise NotSymbolic("how many parts a symbol has is not known")

    def __repr__(self) -> str:
        return f"<{self.key[0]}>"


def term(*parts: Any, **named: Any) -> Term:
    """The term of ``parts``."""
    key = (tuple(map(_key, parts)), tuple((name, _key(value)) for name, value in sorted(named.items())))
    return _terms.setdefault(key, Term(key))


def _key(value: Any) -> Any:
    if isinstance(value, Term):
        return id(value)
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(_key, value))
    if isinstance(value, Unpacked):
        return ("unpacked", *map(_key, value.values))
    return (type(value).__name__, repr(value))


def parts(value: Any, count: int) -> list[Any]:
    """What ``value`` is unpacked to."""
    return [term("part", value, number) for number in range(count)] if isinstance(value, Term) else list(value)


class Unpacked:
    """Several values at once."""

    def __init__(self, values: Any) -> None:
        self.values = values


def _operator(name: str) -> Callable[..., Term]:
    return lambda self, *others: term(name, self, *others)


def _reversed(name: str) -> Callable[..., Term]:
    return lambda self, other: term(name, other, self)


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
for _name in (*_BINARY, "neg", "invert", "abs", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Term, f"__{_name}__", _operator(_name))
for _name in _BINARY:
    setattr(Term, f"__r{_name}__", _reversed(_name))
Term.__hash__ = object.__hash__  # type: ignore[method-assign]


class Module:
    """Stands for ``nn.Module``."""

    training = True

    def __init__(self) -> None:
        self.__dict__["children_"] = {}
        self.__dict__["tensors_"] = {}
        self.__dict__["hooks_"] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(Module, name) or name in NN_MODULE:
            raise AttributeError(f"{name} is taken")
        if isinstance(value, Module):
            self.children_[name] = value
        elif isinstance(value, Parameter):
            self.tensors_[name] = value
        self.__dict__[name] = value

    def register_buffer(self, name: str, value: Any) -> None:
        assert name not in self.__dict__
        assert name not in NN_MODULE
        self.tensors_[name] = value
        self.__dict__[name] = value

    def __call__(self, *args: Any) -> Any:
        result = self.forward(*args)
        for hook in self.hooks_:
            hook(result)
        return result

    def forward(self, *args: Any) -> Any:
        raise NotImplementedError

    def named_modules(self, path: str = "") -> Iterator[tuple[str, Module]]:
        yield path, self
        for name, child in self.children_.items():
            yield from child.named_modules(f"{path}.{name}".lstrip("."))


class Leaf(Module):
    """A module of PyTorch's own."""

    def __init__(self, type_: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        defaults = DEFAULTS.get(type_, {})
        given = {
            name: literal(v)
            for name, v in kwargs.items()
            if name not in defaults or literal(defaults[name]) != literal(v)
        }
        self.__dict__["identity"] = [type_, [literal(value) for value in args], given]
        self.__dict__["state"] = {}

    def forward(self, *args: Any) -> Any:
        return term("module", json.dumps([self.identity, self.state], sort_keys=True), *args)


class Sequential(Module):
    """Stands for ``nn.Sequential``."""

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        for number, module in enumerate(modules):
            assert isinstance(module, Module)
            self.children_[str(number)] = module

    def forward(self, value: Any) -> Any:
        for module in self.children_.values():
            value = module(value)
        return value


class Parameter:
    """A parameter or a buffer before it is loaded."""


class _Namespace(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Recorder(f"{self.__name__}.{name}")


class Recorder:
    """A function or a class or a constant: calling it gives a term."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name.startswith("nn.") and self.name[3].isupper() and not self.name.startswith("nn.functional"):
            return Leaf(self.name, args, kwargs)
        return term("function", self.name, *args, **kwargs)

    def __repr__(self) -> str:
        return self.name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Recorder(f"{self.name}.{name}")

    __hash__ = object.__hash__


NN_MODULE = frozenset(
    ("type", "half", "float", "double", "to", "cpu", "cuda", "train", "eval", "apply", "children", "modules")
)


def _parameter(*args: Any, **kwargs: Any) -> Parameter:
    return Parameter()


def namespaces() -> dict[str, ModuleType]:
    """``torch`` and what is imported from it."""
    torch, nn, functional = _Namespace("torch"), _Namespace("nn"), _Namespace("F")
    torch.nn, torch.Tensor = nn, Term  # type: ignore[attr-defined]
    nn.Module, nn.Sequential, nn.functional = Module, Sequential, functional  # type: ignore[attr-defined]
    nn.Parameter = _parameter  # type: ignore[attr-defined]
    torch.zeros = _parameter  # type: ignore[attr-defined]
    return {"torch": torch, "torch.nn": nn, "torch.nn.functional": functional}


class _Marked(ast.NodeTransformer):
    """Calls ``__held__(line, names, values)`` after each assignment of a ``forward``."""

    def visit_Assign(self, node: ast.Assign) -> Any:
        names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        if not names:
            return node
        if isinstance(node.targets[0], ast.Tuple):
            node.value = ast.Call(ast.Name("__parts__", ast.Load()), [node.value, ast.Constant(len(names))], [])
        text = f"__held__({node.lineno}, {node.end_lineno}, {names!r}, [{', '.join(names)}])"
        return [node, ast.parse(text).body[0]]


def run(text: str, plan: Mapping[str, Any], library: Iterable[str] = ()) -> tuple[list[Any], dict[str, Any]]:
    """What the generated code returns for symbols as inputs, and the values where the plan's trace says they are."""
    modules = namespaces()
    saved = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    held: dict[tuple[int, int, str], list[Any]] = {}

    def hold(line: int, end: int, names: list[str], values: list[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            held.setdefault((line, end, name), []).append(value)

    tree = ast.parse(text)
    for node in [part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef) and part.name == "forward"]:
        _Marked().visit(node)
    try:
        scope: dict[str, Any] = {
            "__name__": "generated",
            "__held__": hold,
            "__parts__": parts,
            "__builtins__": builtins,
        }
        exec(compile(ast.fix_missing_locations(tree), "model.py", "exec", dont_inherit=True), scope)
        for name in library:
            scope[name] = Recorder(name) if not isinstance(scope[name], type) else _leaf_class(name)
        model = scope[plan["class"]]()
        _load(model, {row["name"]: row["value"] for row in plan["parameters"]})
        outputs: dict[str, list[Any]] = {}
        for path, module in model.named_modules():
            module.hooks_.append(outputs.setdefault(path, []).append)
        result = model(*(term("input", name) for name in plan["inputs"]))
    finally:
        for name, module in saved.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    traced = {}
    for name, place in plan["trace"].items():
        if "module" in place:
            traced[name] = outputs[place["module"]][place["call"]]
        else:
            traced[name] = held[place["line"], place["end"], place["variable"]][place["occurrence"]]
    single = list(plan["outputs"].values()) == [""]
    return [result] if single else list(result), traced


def _leaf_class(name: str) -> Callable[..., Leaf]:
    return lambda *args, **kwargs: Leaf(name, args, kwargs)


def _load(model: Module, values: Mapping[str, Any]) -> None:
    left = dict(values)
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        if isinstance(module, Leaf):
            for key in [key for key in left if key.startswith(prefix)]:
                module.state[key.removeprefix(prefix)] = left.pop(key)
        for name in module.tensors_:
            module.__dict__[name] = term("tensor", json.dumps(left.pop(prefix + name), sort_keys=True))
    assert not left, left


def reference(statements: list[Statement], inputs: list[Any], outputs: list[Any]) -> tuple[list[Any], dict[Any, Any]]:
    """What ``statements`` compute, one after the other: the outputs, and every value."""
    modules = namespaces()
    scope: dict[str, Any] = {
        "torch": modules["torch"],
        "nn": modules["torch.nn"],
        "F": modules["torch.nn.functional"],
    }
    scope["math"] = math
    values: dict[Any, Any] = {value: term("input", value.name) for value in inputs}
    for statement in statements:
        fields = {name: literal(value) for name, value in statement.arguments.items()}
        local = {f"in{number}": values[value] for number, value in enumerate(statement.inputs)}
        for name, state in statement.tensors.items():
            fields[name] = f"tensor_{name}"
            local[f"tensor_{name}"] = term("tensor", json.dumps(state.value, sort_keys=True))
        if statement.module is not None:
            fields["module"] = "module"
            local["module"] = _leaf(statement.module, scope)
        functions = {name: Recorder(name) for name in statement.library}
        text = statement.expression.format(*(f"in{number}" for number in range(len(statement.inputs))), **fields)
        result = eval(text, {**scope, **functions, **local})
        if len(statement.outputs) == 1:
            values[statement.outputs[0]] = result
        else:
            values |= dict(zip(statement.outputs, parts(result, len(statement.outputs)), strict=True))
    return [values[value] for value in outputs], values


def _leaf(module: Submodule, scope: Mapping[str, Any]) -> Leaf:
    if "." in module.type:
        leaf = eval(call(module.type, module.positional, module.keywords), dict(scope))
    else:
        leaf = Leaf(module.type, module.positional, module.keywords)
    leaf.state.update({name: state.value for name, state in module.state.items()})
    return leaf


__all__ = ["Counter", "State", "reference", "run", "term"]
