"""The runner: schedules, on a clock that is made up, and real threads."""
