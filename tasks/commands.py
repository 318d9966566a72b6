"""What the commands of doit's command line share that ask the project and run no task."""

from __future__ import annotations

import getopt
import signal
import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.cmdparse import CmdParseError
from doit.task import Task

from converter.errors import TransshipError
from tasks.session import Session


class Polite(DoitCmdBase):  # type: ignore[misc]
    """A command that takes its options in any place, and says in a line which it does not know."""

    def parse_execute(self, in_args: list[str]) -> int:
        """Do what the words of the command line say; the exit code."""
        try:
            code: int = super().parse_execute(self._in_front(in_args))
        except (CmdParseError, getopt.GetoptError):
            options = [word for word in in_args if word.startswith("-")]
            fix = f"'doit help {self.get_name()}' lists the options"
            sys.stderr.write(f"doit does not take {' '.join(options)} here\n  to do: {fix}\n")
            return 1
        return code

    def _in_front(self, words: list[str]) -> list[str]:
        """The same with the options in front: doit itself does not see those behind the first other word."""
        parser = self.cmdparser
        options, others = getopt.gnu_getopt(words, parser.get_short(), parser.get_long())
        return [part for option in options for part in option if part] + others


class ProjectCommand(Polite):
    """A command that asks the project: its session and, where it wants them, its tasks.

    A subclass says ``doc_purpose``, ``doc_usage``, ``cmd_options`` and what :meth:`ask` does.
    """

    base_options = ()
    execute_tasks = False

    def execute(self, opt_values: Mapping[str, Any], pos_args: list[str]) -> int:
        """Open the project and ask; what goes wrong is one message and exit code 1."""
        self.loader.setup(opt_values)
        session: Session = self.loader.load_doit_config()["reporter"].session
        try:
            return self.ask(session, opt_values, list(pos_args))
        except TransshipError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            sys.stderr.write("interrupted\n")
            return 128 + signal.SIGINT

    @abstractmethod
    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """Answer, and return the exit code.

        Args:
            session: The project's; ``session.steps`` has its steps only after :meth:`load`.
            options: Values of ``cmd_options`` by name.
            words: The other words of the command line.
        """

    def load(self, words: list[str]) -> dict[str, Task]:
        """All tasks of the project by name; ``words`` become the names of the tasks that they mean, in place.

        A word that means no task ends doit with the nearest names.
        """
        return {task.name: task for task in self.loader.load_tasks(self, words)}

    def selected(self, words: Sequence[str]) -> list[str]:
        """The tasks that are meant: those of ``words``, else the project's default."""
        default: list[str] = self.loader.load_doit_config().get("default_tasks", [])
        return list(words) or default


def option(name: str, kind: type, explanation: str, *, short: str = "", default: Any = None) -> dict[str, Any]:
    """An option of a command, as doit describes one; nothing, ``False`` or 0 where it is not given."""
    return {
        "name": name,
        "short": short,
        "long": name.replace("_", "-"),
        "type": kind,
        "default": kind() if default is None else default,
        "help": explanation,
    }
