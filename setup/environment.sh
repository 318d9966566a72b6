#!/bin/sh
# Makes .venv with exactly the packages of requirements.lock. Does and says nothing where that is done already.
set -eu
cd "$(dirname "$0")/.."

# A virtual environment knows its own path, so that a moved one has to be made again.
wanted="$(sha256sum < requirements.lock) $(pwd)"
is_done() { [ -x .venv/bin/python ] && [ "$(cat .venv/transship.stamp 2>/dev/null)" = "$wanted" ]; }
is_done && exit 0

# Two set-ups at once: the second waits, then finds the work done.
if command -v flock >/dev/null 2>&1; then
    exec 9< requirements.lock
    flock 9
    is_done && exit 0
fi

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

install() {
    echo "set-up: apt-get install $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$@" >/dev/null; } ||
        fail "$* cannot be installed" "  to do: see apt-get's message above; then run the same command again"
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

if ! find_python; then
    if can_install; then install python3 python3-venv; fi
    find_python || fail "no Python 3.11 or newer was found" \
        "  to do: install one; on Debian 12, Ubuntu 24.04 and newer: sudo apt-get install python3 python3-venv"
fi

# Debian ships Python without the module that fills a new environment.
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    package="$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    can_install || fail "$python cannot make virtual environments" "  to do: sudo apt-get install $package"
    install "$package"
fi

version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
echo "set-up: making .venv with Python $version and the packages of requirements.lock (once, about a minute)"
rm -f .venv/transship.stamp
if [ ! -x ".venv/bin/python$version" ] || [ "$(cat .venv/transship.path 2>/dev/null)" != "$(pwd)" ]; then
    rm -rf .venv
    "$python" -m venv .venv || fail "$python cannot make .venv" "  to do: see its message above"
    pwd > .venv/transship.path
fi
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
    --require-hashes --only-binary :all: --requirement requirements.lock ||
    fail "the packages of requirements.lock cannot be installed" \
        "  to do: check the network and \`.venv/bin/python -m pip config list\`, then run the same command again"

# doit's plug-ins are in this folder, where `python -m` looks and the script that pip makes does not.
cat > .venv/bin/doit.new <<'END'
#!/bin/sh
exec "$(dirname "$0")/python" -m doit "$@"
END
chmod +x .venv/bin/doit.new
mv .venv/bin/doit.new .venv/bin/doit
# The command lines, from any folder, by links too: -P keeps the folder where they are used off the module path.
here=$(.venv/bin/python -c 'import os, shlex; print(shlex.quote(os.getcwd()))')
for command in transship mmconvert mmdownload mmtocode mmtoir mmtomodel; do
    case $command in
        transship) module=tasks.cli ;;
        *) module="tasks.cli.mmdnn $command" ;;
    esac
    cat > ".venv/bin/$command.new" <<END
#!/bin/sh
PYTHONPATH=$here exec $here/.venv/bin/python -P -m $module "\$@"
END
    chmod +x ".venv/bin/$command.new"
    mv ".venv/bin/$command.new" ".venv/bin/$command"
done
printf '%s\n' "$wanted" > .venv/transship.stamp
