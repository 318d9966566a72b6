"""The flow: download -> IR -> code -> checkpoint -> verify, each step as the actions it is made of.

A step is a function of the :class:`~tasks.execution.Outputs` of the steps before it. Asked with look-ups it predicts
its own outputs from records, top down, without touching any file above it; asked with an execution it does what is
missing. The two cannot disagree, because they are the same functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from tasks import host, published
from tasks.action import WHATEVER, Action, Digest, Tree, below, inputs
from tasks.execution import Outputs
from tasks.manifest import OWN, PRETRAINED, SEEDED, Architecture, Gluon, Manifest, Source
from tasks.modules import PARSED, Imports, closure, companions
from tasks.photographs import Photographs
from tasks.store import Store
from tasks.targets import IR_TOOLCHAIN, SOURCES, TARGETS
from tasks.toolchains import interpreter

_HOST_ENVIRONMENT = (
    ("LANG", "C.UTF-8"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONPATH", "in"),
)
_CONTAINER_ENVIRONMENT = (("LANG", "C.UTF-8"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONHASHSEED", "0"))

_EXPORTED = {"graph": "model-symbol.json", "weights": "model-0000.params"}
"""What exporting a network writes, by role."""

NOISE = "noise-0"
"""The case that stands in where there are no photographs."""

IR = "ir"
"""Stands where a target's name stands when the IR itself is run and verified."""


def _once(method: Callable[..., Tree]) -> Callable[..., Tree]:
    """The same ``method`` of a conversion, asked once in a process for each of its arguments."""

    @wraps(method)
    def remembered(self: Conversion, get: Outputs, *arguments: Any, **named: Any) -> Tree:
        call = (method.__name__, *arguments, *named.items())
        return get.once(self, call, lambda: method(self, get, *arguments, **named))

    return remembered


@dataclass(frozen=True)
class Conversion:
    """The steps of one model.

    Attributes:
        root: The project: ``converter/`` and ``images/`` are read from it.
        store: Where small inputs (parameters, modules, scripts) are put.
        manifest: The model.
        photographs: What it is verified on, besides noise.
        imports: What modules import.
    """

    root: Path
    store: Store
    manifest: Manifest
    photographs: Photographs
    imports: Imports = field(default=PARSED, kw_only=True)

    @_once
    def source(self, get: Outputs) -> Tree:
        """The source framework's own files: as published, or of a network that it builds."""
        source = self.manifest.source
        if isinstance(source, Source):
            return get.download(source)
        return self._export(get, source) if isinstance(source, Gluon) else self._build(get, source)

    @_once
    def ir(self, get: Outputs) -> Tree:
        """``model.onnx``, ``model.json`` and, unless the model is a structure alone, ``weights.safetensors``."""
        params = {
            "framework": self.manifest.framework,
            "name": self.manifest.name,
            "inputs": {name: list(spec.shape) for name, spec in self.manifest.inputs.items()},
            "preprocess": {name: spec.preprocess for name, spec in self.manifest.inputs.items() if spec.preprocess},
            "labels": {name: list(output.labels) for name, output in self.manifest.outputs.items()},
            **self._roles(),
        }
        return get.action(
            self._on_host(
                "parse",
                (f"converter.parsers.{self.manifest.framework}",),
                params,
                below("source", self.source(get)),
                ("model.onnx", "model.json", *(["weights.safetensors"] if self._has_weights else [])),
            )
        )

    @_once
    def inputs(self, get: Outputs) -> Tree:
        """``inputs.npz``: seeded noise and photographs, as the model wants them."""
        params = {
            "inputs": {
                name: {"shape": list(spec.shape), "range": list(spec.range), "preprocess": spec.preprocess}
                for name, spec in self.manifest.inputs.items()
            },
            "seed": 0,
            "photographs": sorted(self.photographs.tree),
        }
        photographs = below("photographs", self.photographs.get(get))
        return get.action(self._on_host("inputs", (), params, photographs, ("inputs.npz",)))

    @_once
    def reference(self, get: Outputs, *, trace: bool = False) -> Tree:
        """``inputs.npz`` and the source framework's answers: ``outputs.npz``, ``runtime.json``."""
        questions = self.inputs(get)
        return {**questions, **self._ask(get, questions, trace=trace)}

    @_once
    def code(self, get: Outputs, target: str) -> Tree:
        """The target's readable network and its weight plan; made from the IR's structure alone."""
        return get.action(
            self._on_host(
                "emit",
                (f"converter.emitters.{target}",),
                {"target": target, "options": self._options(target)},
                {"ir/model.onnx": self.ir(get)["model.onnx"]},
                (WHATEVER,),
            )
        )

    @_once
    def checkpoint(self, get: Outputs, target: str) -> Tree:
        """The target's own files, written by the target."""
        weights = {"ir/weights.safetensors": self.ir(get)["weights.safetensors"]}
        return get.action(
            self._in_container(
                get,
                TARGETS[target].toolchain,
                f"{TARGETS[target].prefix}checkpoint",
                {},
                {**below("code", self.code(get, target)), **weights},
                (WHATEVER,),
            )
        )

    @_once
    def answers(self, get: Outputs, target: str, *, trace: bool = False) -> Tree:
        """What the target, or the IR itself, answers to the reference's inputs: ``outputs.npz``, ``runtime.json``."""
        toolchain, step = IR_TOOLCHAIN, "run"
        if target != IR:
            toolchain, step = TARGETS[target].toolchain, f"{TARGETS[target].prefix}run"
        return get.action(
            self._in_container(
                get,
                toolchain,
                step,
                {"trace": trace},
                {**self._runnable(get, target), **self.inputs(get)},
                ("outputs.npz", "runtime.json", *(f"{form}.npz" for form in self._forms(target))),
            )
        )

    def verify(self, get: Outputs, target: str) -> Tree:
        """``verify.json``; where the two are not exactly the same, both run again with every intermediate value.

        That says where they part: the first node that is off is named.
        """
        reference, candidate = self.reference(get), self.answers(get, target)
        found = self._compare(get, target, reference, candidate, {})
        if self.verdict(found)["verdict"] == "exact":
            return found
        traces = {
            "reference/trace.npz": self.reference(get, trace=True)["outputs.npz"],
            "candidate/trace.npz": self.answers(get, target, trace=True)["outputs.npz"],
        }
        return self._compare(get, target, reference, candidate, traces)

    def layers(self, get: Outputs, target: str) -> Tree:
        """``layers.json``: how far every value of the target is from the source framework's, on one photograph."""
        case = next((Path(name).stem for name in sorted(self.photographs.tree)), NOISE)
        question = get.action(self._on_host("case", (), {"case": case}, self.inputs(get), ("inputs.npz",)))
        reference = self._ask(get, question, trace=True)["outputs.npz"]
        step = f"{TARGETS[target].prefix}run"
        return get.action(
            self._in_container(
                get,
                TARGETS[target].toolchain,
                step,
                {"trace": True, "step": step, "case": case, "order": self._places(get)},
                {**self._runnable(get, target), **question, "reference/trace.npz": reference},
                ("layers.json",),
                wrapper="layers",
            )
        )

    def top(self, get: Outputs, target: str) -> Tree:
        """``top.json``: the classes that both sides rank first on the photographs."""
        params = {
            "cases": [Path(name).stem for name in sorted(self.photographs.tree)],
            "labels": {name: list(output.labels) for name, output in self.manifest.outputs.items()},
        }
        answers = {
            "reference/outputs.npz": self.reference(get)["outputs.npz"],
            "candidate/outputs.npz": self.answers(get, target)["outputs.npz"],
        }
        return get.action(self._on_host("top", (), params, answers, ("top.json",)))

    def verdict(self, verified: Tree) -> dict[str, Any]:
        """The content of ``verify.json``.

        Raises:
            Missing: The store has lost it.
        """
        content: dict[str, Any] = json.loads(self.store.read(verified["verify.json"]))
        return content

    def _export(self, get: Outputs, net: Gluon) -> Tree:
        toolchain = SOURCES[self.manifest.framework]
        built: dict[str, Any] = {"name": net.name, "weights": net.weights, "options": net.options}
        built |= {"zoo": net.zoo} if net.zoo else {}
        built |= {"classes": net.classes} if net.classes else {}
        inputs = self.manifest.inputs
        params = {**built, "inputs": {name: list(spec.shape) for name, spec in inputs.items()}}
        if net.weights == SEEDED:
            params |= {"ranges": {name: list(spec.range) for name, spec in inputs.items()}}
        params |= {"gain": net.gain} if net.gain else {}
        files: Tree = {}
        if net.weights == PRETRAINED:
            located = get.action(self._in_container(get, toolchain, "locate", built, {}, ("published.json",)))
            content = self.store.read(located["published.json"])
            files = below("pretrained", get.published(published.read(content)))
        elif net.weights == OWN:
            params |= {file.role: file.name for file in net.parameters.files}
            files = below("source", get.download(net.parameters))
        return get.action(self._in_container(get, toolchain, "export", params, files, tuple(_EXPORTED.values())))

    def _build(self, get: Outputs, net: Architecture) -> Tree:
        toolchain = SOURCES[self.manifest.framework]
        folder = self.root / "images" / toolchain
        module = folder / "architectures" / f"{net.name}.py"
        modules = {name: path for name, path in companions(module, folder, self.imports).items() if path != module}
        params = {
            "weights": SEEDED,
            "options": net.options,
            "gain": net.gain,
            "inputs": {
                name: {"shape": list(spec.shape), "range": list(spec.range)}
                for name, spec in self.manifest.inputs.items()
            },
        }
        files = below("step", self._put({**modules, "architecture.py": module}))
        return get.action(self._in_container(get, toolchain, "build", params, files, tuple(_EXPORTED.values())))

    def _ask(self, get: Outputs, questions: Tree, *, trace: bool) -> Tree:
        """What the source framework answers: ``outputs.npz``, ``runtime.json``."""
        return get.action(
            self._in_container(
                get,
                SOURCES[self.manifest.framework],
                "reference",
                {**self._roles(), "trace": trace},
                {**below("source", self.source(get)), **questions},
                ("outputs.npz", "runtime.json"),
            )
        )

    def _runnable(self, get: Outputs, target: str) -> Tree:
        """The files that are run: of the target, or of the IR itself."""
        if target == IR:
            return below("ir", self.ir(get))
        return {**below("code", self.code(get, target)), **below("checkpoint", self.checkpoint(get, target))}

    def _compare(self, get: Outputs, target: str, reference: Tree, candidate: Tree, traces: Tree) -> Tree:
        toolchain = IR_TOOLCHAIN if target == IR else TARGETS[target].toolchain
        settings = self.manifest.targets.get(target)
        params = {
            "model": self.manifest.name,
            "target": target,
            "options": self._options(target),
            "forms": self._forms(target),
            "runtime_image": get.image(toolchain).identity,
            "reference_image": get.image(SOURCES[self.manifest.framework]).identity,
            "order": [place["value"] for place in self._places(get)] if traces else [],
            "expect": settings.expect if settings else None,
            **({"detections": places} if (places := self._model(get).get("detections")) else {}),
        }
        answers = {
            **{f"reference/{name}": reference[name] for name in ("outputs.npz", "runtime.json")},
            **below("candidate", candidate),
        }
        return get.action(self._on_host("compare", (), params, {**answers, **traces}, ("verify.json",)))

    def _forms(self, target: str) -> list[str]:
        """The forms of the checkpoint that are built: each can be left out by an option of its name."""
        forms = () if target == IR else TARGETS[target].forms
        return [form for form in forms if self._options(target).get(form, True)]

    def _options(self, target: str) -> Mapping[str, Any]:
        return self.manifest.targets[target].options if target in self.manifest.targets else {}

    def _places(self, get: Outputs) -> list[dict[str, str]]:
        """All values of the IR in the order in which they are computed, each with its node and operator."""
        return [
            {"value": value, "node": node["name"], "operator": node["op"]}
            for node in self._model(get)["nodes"]
            for value in node["outputs"]
        ]

    def _model(self, get: Outputs) -> dict[str, Any]:
        """The IR as JSON, without its weights."""
        model: dict[str, Any] = json.loads(self.store.read(self.ir(get)["model.json"]))
        return model

    @property
    def _has_weights(self) -> bool:
        return "weights" in self._roles()

    def _roles(self) -> dict[str, str]:
        source = self.manifest.source
        return {file.role: file.name for file in source.files} if isinstance(source, Source) else _EXPORTED

    def _on_host(
        self, step: str, entries: tuple[str, ...], params: Mapping[str, Any], files: Tree, outputs: tuple[str, ...]
    ) -> Action:
        modules = closure(self.root, (f"converter.steps.{step}", *entries), self.imports)
        return Action(
            argv=("python", "-m", f"converter.steps.{step}"),
            image=host.image(),
            inputs=inputs({**self._put(modules), **self._params(params), **files}),
            outputs=outputs,
            env=_HOST_ENVIRONMENT,
        )

    def _in_container(
        self,
        get: Outputs,
        toolchain: str,
        step: str,
        params: Mapping[str, Any],
        files: Tree,
        outputs: tuple[str, ...],
        wrapper: str = "",
    ) -> Action:
        """A step of a toolchain; a ``wrapper`` is a script for all toolchains, which runs the step in its own way."""
        base = self.root / "images" / "base"
        scripts = companions(self.root / "images" / toolchain / f"{step}.py", base, self.imports)
        if wrapper:
            scripts[f"{wrapper}.py"] = base / f"{wrapper}.py"
        return Action(
            argv=(interpreter(toolchain, self.root / "images"), f"in/step/{wrapper or step}.py"),
            image=get.image(toolchain),
            inputs=inputs({**below("step", self._put(scripts)), **self._params(params), **files}),
            outputs=outputs,
            env=_CONTAINER_ENVIRONMENT,
        )

    def _put(self, files: Mapping[str, Path]) -> dict[str, Digest]:
        return {name: self.store.keep(path) for name, path in files.items()}

    def _params(self, params: Mapping[str, Any]) -> dict[str, Digest]:
        text = json.dumps(params, sort_keys=True, indent=2, ensure_ascii=False)
        return {"params.json": self.store.put(text.encode())}
