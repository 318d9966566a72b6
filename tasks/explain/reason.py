"""What would become of a step, and why: asked of records alone, nothing runs and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from doit.task import Task
from google.protobuf.message import DecodeError

from converter.errors import TransshipError
from tasks import images, publish
from tasks.action import Action, Digest, Image, Tree, decode, encode
from tasks.execution import LookUp, Miss, name
from tasks.explain.difference import Change, changes
from tasks.manifest import Source
from tasks.memo import Call
from tasks.published import Published
from tasks.running.schedule import ordered
from tasks.session import Session, Step
from tasks.store import Missing, Store

UP_TO_DATE, RESTORED, RUN = "up to date", "restored", "run"
"""What becomes of a step."""


@dataclass(frozen=True)
class Difference:
    """An action that is not the one that the step was last made by.

    Attributes:
        action: What it is called: ``emit on host``.
        changes: What differs; empty where nothing was on record to compare with.
        why: That in words, where there are no changes to show.
    """

    action: str
    changes: tuple[Change, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Reason:
    """What would become of a step.

    Attributes:
        step: Its name.
        state: :data:`UP_TO_DATE`, :data:`RESTORED` or :data:`RUN`.
        why: In a line.
        differences: The actions that are not those of last time, as far as they can be known before anything runs.
        missing: The key of the first action that there is no result of.
    """

    step: str
    state: str
    why: str
    differences: tuple[Difference, ...] = ()
    missing: str = ""


@dataclass
class Prediction:
    """Answers from records, and notes what was asked for: also the first action that there is no result of.

    Attributes:
        look_up: Who answers.
        actions: What was asked for, in order, by key.
        missing: What there was no result of: an action, or in words what else.
    """

    look_up: LookUp
    actions: dict[Digest, Action] = field(default_factory=dict)
    missing: Action | str = ""

    def action(self, action: Action) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        self.actions[encode(action).key] = action
        try:
            return self.look_up.action(action)
        except Miss:
            self.missing = action
            raise

    def download(self, source: Source) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        return self._asked(lambda: self.look_up.download(source), "its files were never downloaded")

    def published(self, files: Iterable[Published]) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        return self._asked(lambda: self.look_up.published(files), "its files were never downloaded")

    def image(self, toolchain: str) -> Image:
        """See :class:`tasks.execution.Outputs`."""
        try:
            return self.look_up.image(toolchain)
        except Miss:
            self.missing = f"the image of {toolchain} is not built: what it holds is not known"
            raise

    def once(self, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:  # noqa: ARG002
        """See :class:`tasks.execution.Outputs`; every action is to be noted."""
        return compute()

    def _asked(self, ask: Callable[[], Tree], otherwise: str) -> Tree:
        try:
            return ask()
        except Miss:
            self.missing = otherwise
            raise


def explain(session: Session, step: Step) -> Reason:
    """What would become of ``step`` now."""
    prediction = Prediction(session.look_up())
    try:
        tree = step.produce(prediction)
    except Miss:
        key = encode(prediction.missing).key.hash if isinstance(prediction.missing, Action) else ""
        return Reason(step.name, RUN, _missing(prediction), _differences(session, step, prediction), key)
    except (Missing, TransshipError) as error:
        return Reason(step.name, RUN, f"what is on record cannot be read: {str(error).splitlines()[0]}")
    differences = _differences(session, step, prediction)
    if publish.is_published(tree, session.build / step.folder, session.digests, whole=step.whole):
        return Reason(step.name, UP_TO_DATE, _known(differences, "nothing has changed"), differences)
    return Reason(step.name, RESTORED, _known(differences, "build/ lacks files that are on record"), differences)


def needed(session: Session, tasks: Mapping[str, Task], names: Collection[str]) -> list[Reason]:
    """What would become of the steps that ``names`` need, each behind those that it comes after.

    What a step comes after only where it runs is left out where it does not.
    """
    reasons: dict[str, Reason] = {}

    def after(name: str) -> list[str]:
        task = tasks[name]
        if name in session.steps:
            reasons[name] = explain(session, session.steps[name])
            return [*task.task_dep, *(task.setup_tasks if reasons[name].state == RUN else ())]
        return [*task.task_dep, *task.setup_tasks]

    order = list(ordered(names, after))
    return attributed(reasons[name] for name in order if name in reasons)


def attributed(reasons: Iterable[Reason]) -> list[Reason]:
    """The same, each difference at the first step that has it; a step that comes after one that runs says so."""
    first: dict[str, str] = {}
    told: set[Difference] = set()
    found = []
    for reason in reasons:
        fresh = tuple(difference for difference in reason.differences if difference not in told)
        told.update(fresh)
        if reason.missing and reason.missing in first:
            why = f"comes after {first[reason.missing]}, unless that gives what it gave before"
            found.append(replace(reason, why=why, differences=()))
        else:
            first[reason.missing] = reason.step
            found.append(replace(reason, differences=fresh))
    return found


def _known(differences: tuple[Difference, ...], otherwise: str) -> str:
    return "what has changed leads to results that are on record" if differences else otherwise


def _missing(prediction: Prediction) -> str:
    if isinstance(prediction.missing, Action):
        return f"there is no result of {title(prediction.missing)} as it is now"
    return prediction.missing


def title(action: Action) -> str:
    """What an action is called."""
    return f"{name(action)} in {action.image.toolchain}" if action.image.toolchain != "host" else name(action)


def _differences(session: Session, step: Step, prediction: Prediction) -> tuple[Difference, ...]:
    """The actions asked for that are not on record for the step, each against the one of its kind that is."""
    last = session.history.last(step.name)
    gone = [_read(session.store, key) for key in last if key not in prediction.actions]
    found = []
    for key, action in prediction.actions.items():
        if key in last:
            if action is prediction.missing:
                found.append(Difference(title(action), why="its result was removed from the cache"))
            continue
        before = next((each for each in gone if each and each.argv == action.argv), None)
        if before:
            gone.remove(before)
            found.append(Difference(title(action), tuple(_changes(session, before, action))))
        else:
            why = "it is new" if last else "this step was never built from here"
            found.append(Difference(title(action), why=why))
    return tuple(found if last else found[-1:])


def _changes(session: Session, before: Action, after: Action) -> list[Change]:
    def read(digest: Digest) -> bytes | None:
        try:
            return session.store.read(digest)
        except Missing:
            return None

    return changes(before, after, read, lambda old, new: _images(session, old, new))


def _images(session: Session, before: str, after: str) -> list[str]:
    old, new = (images.contents(session.records, identity) for identity in (before, after))
    return images.difference(old, new) if old and new else []


def _read(store: Store, key: Digest) -> Action | None:
    """The action of a key, as far as it is on record."""
    try:
        return decode(key, store.read)
    except (Missing, DecodeError, ValueError):
        return None
