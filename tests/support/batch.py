"""Run a chain of steps on many cases in one container, each case in a process of its own, as many at once as fit.

    python3 in/step/batch.py checkpoint run
    python3 in/step/batch.py export=source reference

Every folder `in/cases/<case>` is the input of a case. The steps are modules beside this script; each finds the case's
files below `in/`, the outputs of the steps before it below `in/<step>/` (in the second example, those of `export`
below `in/source/`), and writes below `out/`, which is `out/cases/<case>/<step>/`. A case's `<step>.json` is what that
step finds as `params.json`, if all do not share one. What a case says is kept in `log.txt` of `out/cases/<case>/`;
where a step fails there is an `error.txt` besides, and the case ends. Like some of the images, this script knows no
Python but 2.7.
"""

# ruff: noqa: ANN001, ANN201, UP031

import importlib
import multiprocessing
import os
import sys
import traceback


def main():
    """Run the steps named by the arguments on all cases."""
    cases, results = os.path.abspath("in/cases"), os.path.abspath("out/cases")
    steps = [argument.partition("=") for argument in sys.argv[1:]]
    modules = [(importlib.import_module(name), alias or name) for name, _, alias in steps]
    running = {}
    for case in sorted(os.listdir(cases)):
        if len(running) == multiprocessing.cpu_count():
            finish_one(running)
        folder = os.path.join(results, case)
        os.makedirs(folder)
        child = os.fork()
        if not child:
            os._exit(run_case(os.path.join(cases, case), folder, modules))
        running[child] = folder
    while running:
        finish_one(running)


def finish_one(running):
    """Wait for one of the processes `running`, folders by their numbers, and see that a failure is on record."""
    child, status = os.wait()
    report = os.path.join(running.pop(child), "error.txt")
    if status and not os.path.exists(report):
        with open(report, "w") as stream:
            stream.write("the process ended with status %d\n" % status)


def run_case(source, folder, modules):
    """Run `modules` on the case of `source`; its exit code."""
    log = os.open(os.path.join(folder, "log.txt"), os.O_CREAT | os.O_WRONLY, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        run_steps(source, folder, modules)
    except BaseException:
        with open(os.path.join(folder, "error.txt"), "w") as stream:
            stream.write(traceback.format_exc())
        return 1
    return 0


def run_steps(source, folder, modules):
    """Give each of `modules` a working folder below /tmp and run it there."""
    done = {}
    for module, alias in modules:
        name = module.__name__
        work = os.path.join("/tmp", os.path.basename(folder), name)
        os.makedirs(os.path.join(work, "in"))
        for entry in os.listdir(source):
            known = "params.json" if entry == name + ".json" else entry
            os.symlink(os.path.join(source, entry), os.path.join(work, "in", known))
        for step, path in done.items():
            os.symlink(path, os.path.join(work, "in", step))
        done[alias] = os.path.join(folder, name)
        os.makedirs(done[alias])
        os.symlink(done[alias], os.path.join(work, "out"))
        os.chdir(work)
        module.main()


if __name__ == "__main__":
    main()
