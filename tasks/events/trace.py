"""A run as the Trace Event Format has it, which chrome://tracing and Perfetto show: one row a worker."""

from __future__ import annotations

from typing import Any

from tasks.events.log import Record

_MICRO = 1000


def trace(record: Record) -> dict[str, Any]:
    """The document; times are microseconds since the run began."""

    def at(time: int) -> float:
        return (time - record.started) / _MICRO

    workers = sorted({step.worker for step in record.steps})
    events = [
        _named("process_name", 0, f"doit {_asked(record)}"),
        *(_named("thread_name", worker, f"worker {worker}") for worker in workers),
    ]
    for step in record.steps:
        told = {"did": step.did} | ({"error": step.error} if step.error else {})
        events.append(_complete(step.step, "step", at(step.started), at(step.ended), step.worker, told))
        for act in step.actions:
            told = {"key": act.key, "where": act.where}
            events.append(_complete(act.title, "action", at(act.started), at(act.ended), step.worker, told))
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"run": record.id}}


def _named(kind: str, worker: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": 1, "tid": worker, "args": {"name": name}}


def _complete(name: str, kind: str, start: float, end: float, worker: int, told: dict[str, str]) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": name,
        "cat": kind,
        "ts": start,
        "dur": max(end - start, 0.0),
        "pid": 1,
        "tid": worker,
        "args": told,
    }


def _asked(record: Record) -> str:
    return " ".join(map(str, record.run.get("arguments", ())))
