"""``doit cache``: what is in it, what may go, and what goes to the cache beyond or comes from there."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from converter.errors import BadInput, TransshipError
from tasks import terminal
from tasks.action import Digest
from tasks.cache import sweep
from tasks.cache.beyond import Beyond
from tasks.commands import ProjectCommand, option
from tasks.execution import Miss
from tasks.running.schedule import ordered
from tasks.session import URL, Session
from tasks.store import Missing
from tasks.strict import similar
from tasks.timings import Noted

_KILO = 1000
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_AGES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class Cache(ProjectCommand):
    """See the module."""

    name = "cache"
    doc_purpose = "see, tidy, check and share what was built"
    doc_usage = "stats | gc | verify | push [TASK...] | pull [TASK...] | rm TASK..."
    doc_description = (
        "stats   how much there is\n"
        "gc      remove what was not used for longest, until --max-size or --max-age holds\n"
        "verify  read all of it; what is damaged is removed, and made again when it is needed\n"
        "push    put results into the cache beyond, all or those of tasks\n"
        "pull    get the results of tasks from there\n"
        "rm      forget the results of tasks: they run again"
    )
    cmd_options = (
        option("max_size", str, "gc: what may be left: 500M, 20GB"),
        option("max_age", str, "gc: what was not used for so long goes: 12h, 30d"),
        option("dry_run", bool, "gc: only say what would go"),
        option("json", bool, "stats: as JSON, for programs"),
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """See :class:`tasks.commands.ProjectCommand`."""
        verbs: dict[str, Callable[[Session, Mapping[str, Any], list[str]], int]] = {
            "stats": _stats,
            "gc": _gc,
            "verify": _verify,
            "push": self._push,
            "pull": self._pull,
            "rm": self._rm,
        }
        verb = words.pop(0) if words else ""
        if verb not in verbs:
            what = f"doit cache does not know {verb!r}{similar(verb, verbs)}" if verb else "doit cache to do what?"
            raise BadInput(what, fix=f"doit cache {' | '.join(verbs)}")
        if words and verb in ("stats", "gc", "verify"):
            raise BadInput(f"doit cache {verb} is of the whole cache, and takes no {words[0]!r}")
        return verbs[verb](session, options, words)

    def _push(self, session: Session, _: Mapping[str, Any], words: list[str]) -> int:
        beyond = _beyond(session)
        if not beyond.writes:
            raise BadInput(f"{beyond.title} is only read from", fix=f"set {URL}_MODE=read-write")
        known = sweep.blobs(session.cache)
        keys = self._keys(session, words) if words else [_key(entry, known) for entry in sweep.entries(session.cache)]
        for toolchain in session.toolchains():
            session.share_image(toolchain)
        return _moved("shared", beyond, keys, lambda key: _share(session, key, known))

    def _pull(self, session: Session, _: Mapping[str, Any], words: list[str]) -> int:
        beyond = _beyond(session)
        if not words:
            raise BadInput("doit cache pull which results?", fix="name tasks: doit cache pull 'convert:*-onnx'")
        return _moved("here", beyond, self._keys(session, words), lambda key: _obtain(session, key))

    def _rm(self, session: Session, _: Mapping[str, Any], words: list[str]) -> int:
        if not words:
            raise BadInput("doit cache rm which results?", fix="name tasks; to remove all, remove the cache's folder")
        own = [key for name in self._steps(session, words) for key in _noted(session, name)[-1:]]
        sweep.remove(session.store.record_of(key) for key in own)
        sys.stdout.write(f"{_count(len(own), 'result')} forgotten\n")
        return 0

    def _keys(self, session: Session, words: list[str]) -> list[Digest]:
        """The keys of all actions behind the tasks named, as far as their results are on record."""
        found = [key for name in self._steps(session, words) for key in _noted(session, name)]
        return list(dict.fromkeys(found))

    def _steps(self, session: Session, words: list[str]) -> list[str]:
        tasks = self.load(words)
        return [name for name in ordered(words, lambda name: tasks[name].task_dep) if name in session.steps]


def _noted(session: Session, name: str) -> list[Digest]:
    """The keys of the actions behind a step, its own last; of those before the first that has no result."""
    noted = Noted(session.look_up())
    with suppress(Miss, Missing, TransshipError):
        session.steps[name].produce(noted)
    return list(noted.actions)


def _share(session: Session, key: Digest, known: Mapping[str, tuple[Path, int]]) -> bool:
    entry = next((each for each in [session.store.entry(key)] if each), None)
    if entry is None or session.beyond is None:
        return False
    names = {digest.hash: digest for digest in entry.outputs.values()}
    if key.size:
        names |= {digest.hash: digest for digest in session.store.made_of(key)}
    paths = {digest: known[name][0] for name, digest in names.items() if name in known}
    return session.beyond.share(key, session.store.record_of(key).read_bytes(), paths)


def _obtain(session: Session, key: Digest) -> bool:
    found = session.store.result(key)
    return found is not None and all(map(session.store.available, found.values()))


def _key(entry: sweep.Entry, known: Mapping[str, tuple[Path, int]]) -> Digest:
    """The key of a result; its size is that of the action's message, or 0 where that is not here."""
    return Digest(entry.key, known[entry.key][1] if entry.key in known else 0)


def _moved(word: str, beyond: Beyond, keys: Sequence[Digest], move: Callable[[Digest], bool]) -> int:
    done = 0
    with _bar() as bar:
        task = bar.add_task(beyond.title, total=len(keys))
        for key in keys:
            done += move(key)
            bar.advance(task)
    counts = beyond.counts
    moved = f"{_bytes(counts.sent)} sent" if word == "shared" else f"{_bytes(counts.received)} received"
    sys.stdout.write(f"{done} of {_count(len(keys), 'result')} {word}, {moved}\n")
    return 0 if done == len(keys) else 1


def _stats(session: Session, options: Mapping[str, Any], _: list[str]) -> int:
    entries, blobs = sweep.entries(session.cache), sweep.blobs(session.cache)
    size = sum(size for _, size in blobs.values())
    seconds = sum(entry.result.took or 0.0 for entry in entries)
    oldest = min((entry.used for entry in entries), default=None)
    beyond = session.beyond
    if options["json"]:
        told = {"folder": str(session.cache), "results": len(entries), "blobs": len(blobs), "bytes": size}
        told |= {"seconds": round(seconds, 1), "oldest": oldest}
        told |= {"beyond": beyond.title if beyond else None, "writes": bool(beyond and beyond.writes)}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return 0
    lines = [
        str(session.cache),
        f"{_count(len(entries), 'result')}, {_count(len(blobs), 'blob')}, {_bytes(size)}",
        f"{seconds / 60:.0f} min of work on record",
        *([f"not used for longest: {(time.time() - oldest) / 86400:.1f} days"] if oldest else []),
        f"beyond: {beyond.title}, {'read and written' if beyond.writes else 'only read'}"
        if beyond
        else f"beyond: none ({URL} is not set)",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _gc(session: Session, options: Mapping[str, Any], _: list[str]) -> int:
    most = _parsed(options["max_size"], r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", _UNITS, "a size: 500M, 20GB")
    oldest = _parsed(options["max_age"], r"(\d+(?:\.\d+)?)\s*([smhdw])", _AGES, "an age: 12h, 30d")
    if most is None and oldest is None:
        raise BadInput("doit cache gc down to what?", fix="doit cache gc --max-size 20GB, or --max-age 30d, or both")
    since = sweep.oldest_run(session.cache / "runs") - sweep.YOUNG
    plan = sweep.plan(session.store, None if most is None else int(most), oldest, time.time(), since)
    if not options["dry_run"]:
        sweep.remove((*plan.results, *plan.blobs))
    would = "would go" if options["dry_run"] else "removed"
    sys.stdout.write(
        f"{_count(len(plan.results), 'result')} and {_count(len(plan.blobs), 'blob')} {would}, {_bytes(plan.freed)}; "
        f"{_bytes(plan.left)} left\n"
    )
    if most is not None and plan.left > most:
        sys.stdout.write("the rest was used within the hour, or by a build that is at work\n")
    return 0


def _verify(session: Session, _: Mapping[str, Any], __: list[str]) -> int:
    blobs = sweep.blobs(session.cache)
    with _bar(in_bytes=True) as bar:
        task = bar.add_task("reading", total=sum(size for _, size in blobs.values()))
        found = list(sweep.damaged(session.cache, lambda size: bar.advance(task, size)))
    sweep.remove(found)
    for path in found:
        sys.stdout.write(f"damaged, removed: {path}\n")
    sys.stdout.write(f"{_count(len(blobs), 'blob')} read, {len(found)} damaged\n")
    return 1 if found else 0


def _beyond(session: Session) -> Beyond:
    if session.beyond is None:
        raise BadInput("there is no cache beyond this machine's", fix=f"set {URL} to its address")
    return session.beyond


def _parsed(text: str, pattern: str, units: Mapping[str, float], like: str) -> float | None:
    if not text:
        return None
    match = re.fullmatch(pattern, text.strip().lower())
    if match is None:
        raise BadInput(f"{text!r} is not {like}")
    return float(match[1]) * units[match[2]]


def _bar(*, in_bytes: bool = False) -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn()]
    count = DownloadColumn() if in_bytes else TextColumn("{task.completed} of {task.total}")
    return Progress(*columns, count, console=terminal.console(), transient=True, disable=not terminal.is_live())


def _bytes(size: float) -> str:
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= _KILO and len(units) > 1:
        size /= _KILO
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" else f"{size:.1f} {units[0]}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
