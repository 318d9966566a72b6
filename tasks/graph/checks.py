"""What can be wrong with a task graph, found as it is loaded: all of it at once, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from converter.errors import BadInput
from tasks.session import Step
from tasks.strict import similar

Needs = Mapping[str, Collection[str]]
"""What each task comes after, whether always or only where it runs."""

_MOST = 10


def check(needs: Needs, steps: Mapping[str, Step]) -> None:
    """See that a graph can be run.

    Raises:
        BadInput: It cannot: a task comes after one that there is not, or after itself, or two make the same file.
    """
    problems = [*unknown(needs, steps), *producers(steps)] or [*circles(needs)]
    if problems:
        more = [f"and {len(problems) - _MOST} more"] * (len(problems) > _MOST)
        what = "; ".join([*problems[:_MOST], *more])
        raise BadInput(
            f"the task graph is not right: {what}", fix="mend the task file, or the manifests below models/"
        )


def unknown(needs: Needs, steps: Mapping[str, Step]) -> Iterator[str]:
    """Tasks that others come after, and that there are not."""
    for name, after in needs.items():
        everything = (*after, *steps[name].after) if name in steps else after
        for each in dict.fromkeys(each for each in everything if each not in needs):
            yield f"{name} comes after {each}, which there is not{similar(each, needs.keys())}"


def producers(steps: Mapping[str, Step]) -> Iterator[str]:
    """Files and folders that two steps make. A step that has its folder to itself suffers nobody there."""
    whole: dict[Path, str] = {}
    shared: dict[Path, str] = {}
    for name, step in steps.items():
        place = step.folder if step.whole else step.folder / f"{name.partition(':')[0]}.json"
        other = (whole if step.whole else shared).setdefault(place, name)
        if other != name:
            yield f"{other} and {name} both make {place}"
    for place, name in (*whole.items(), *shared.items()):
        for above in place.parents:
            if above in whole:
                yield f"{name} makes {place} in the folder of {whole[above]}"


def circles(needs: Needs) -> Iterator[str]:
    """Chains of tasks that end where they begin, each once."""
    done: set[str] = set()
    for start in needs:
        path: dict[str, Iterator[str]] = {start: iter(needs[start])} if start not in done else {}
        while path:
            name = next(reversed(path))
            following = next((each for each in path[name] if each not in done), None)
            if following is None:
                done.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                yield " -> ".join([*names[names.index(following) :], following])
            else:
                path[following] = iter(needs[following])
