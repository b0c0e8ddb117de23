"""What the set-up scripts share: packages from PyPI, laid down below .tools/ at the repository's root.

Owns: the folder .tools/, the lock that makes a second set-up wait for the first, and the way in which a thing appears there: made
under a temporary name, renamed when it is complete, and stamped with what it was made from. Never writes anywhere else, and never
installs into a Python that others use.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TOOLS = os.path.join(REPOSITORY, ".tools")
PACKAGES = os.path.join(REPOSITORY, "tools", "packages")
PYTHON_LEAST = (3, 9)
ANSWER_SECS_MAX = 60  # a Terraform answers in a tenth of a second; a machine under full load may need many times that


class SetupError(Exception):
    """What went wrong, and what to do next."""


def say(text):
    """Talk goes to stderr: stdout is for what the caller reads."""
    print(text, file=sys.stderr, flush=True)


def run(main):
    """Runs a set-up script's `main` and turns its failures into a message and an exit code."""
    if sys.version_info < PYTHON_LEAST:
        say("tools: Python %d.%d or newer is needed, this is %s" % (*PYTHON_LEAST, sys.version.split()[0]))
        sys.exit(1)
    try:
        sys.exit(main())
    except SetupError as error:
        say(f"{os.path.basename(sys.argv[0])}: {error}")
    except OSError as error:
        say(f"{os.path.basename(sys.argv[0])}: {error}\n  next: see that {TOOLS} can be written to and its disk has 1 GB free, then run this again")
    except KeyboardInterrupt:
        say("\nstopped; nothing half made is left in use, run this again to go on")
        sys.exit(130)
    sys.exit(1)


@contextlib.contextmanager
def lock():
    """Holds the one lock on .tools/ until the block ends. The lock goes with the process, however it ends."""
    os.makedirs(TOOLS, exist_ok=True)
    with open(os.path.join(TOOLS, ".lock"), "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest(*paths):
    """A short digest over the files' contents, for stamps."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as handle:
            total.update(hashlib.sha256(handle.read()).digest())
    return total.hexdigest()[:16]


def is_current(name, stamp):
    """Whether .tools/NAME is there, complete, and made from what `stamp` says."""
    try:
        with open(os.path.join(TOOLS, name, ".stamp")) as handle:
            return json.load(handle) == stamp
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def making(name, stamp):
    """Yields an empty folder; when the block ends well, that folder has become .tools/NAME. Hold the lock."""
    remove_leftovers()
    folder = tempfile.mkdtemp(prefix=".making-", dir=TOOLS)
    try:
        yield folder
        with open(os.path.join(folder, ".stamp"), "w") as handle:
            json.dump(stamp, handle)
        os.chmod(folder, 0o755)
        final = os.path.join(TOOLS, name)
        if os.path.lexists(final):
            os.rename(final, tempfile.mkdtemp(prefix=".making-", dir=TOOLS))
        os.rename(folder, final)
    finally:
        remove_leftovers()


def remove_leftovers():
    """Removes what an interrupted set-up, or this one, left under temporary names. Hold the lock."""
    for name in os.listdir(TOOLS):
        if name.startswith(".making-"):
            shutil.rmtree(os.path.join(TOOLS, name), ignore_errors=True)


def ask(binary, *arguments, folder=None):
    """Asks a Terraform something that it answers out of itself: no settings of the user's, no network, nothing left in HOME."""
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    try:
        return subprocess.run([binary, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=ANSWER_SECS_MAX, check=False)
    except subprocess.TimeoutExpired:
        raise SetupError(f"{binary} gave no answer in {ANSWER_SECS_MAX} seconds to: {' '.join(arguments)}") from None


def pip(*arguments, purpose):
    """Runs pip. `purpose` ends the sentence "could not ..." when it fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return
    if "No module named pip" in done.stdout:
        raise SetupError(f"{sys.executable} has no pip\n  next: install it (Debian: apt-get install python3-pip), then run this again")
    said = "\n".join(f"  pip: {line}" for line in done.stdout.strip().splitlines()[-6:])
    raise SetupError(f"could not {purpose}\n{said}")


def download_wheel(requirements, folder):
    """Downloads the one package that a file in tools/packages names, checks its digest, and returns the wheel's path."""
    path = os.path.join(PACKAGES, requirements)
    into = os.path.join(folder, "download")
    package = requirements.rsplit(".", 1)[0]
    pip("download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", into, "--requirement", path,
        purpose=f"download the package for {package} on {sys.platform} with Python {sys.version.split()[0]}")
    (wheel,) = os.listdir(into)
    return os.path.join(into, wheel)


def script(source, target, interpreter_flags):
    """Copies a Python script to `target` as a program that this Python runs."""
    with open(source) as handle:
        text = handle.read()
    with open(target, "w") as handle:
        handle.write(first_lines(sys.executable, interpreter_flags) + text)
    os.chmod(target, 0o755)


def first_lines(interpreter, flags):
    """A `#!` line, or where the kernel could not read one (a space in the path, or too long), a shell that starts Python."""
    line = f"#!{interpreter} {flags}\n"
    if " " not in interpreter and len(line) <= 120:
        return line
    quoted = interpreter.replace("'", "'\\''")
    return f"#!/bin/sh\n'''exec' '{quoted}' {flags} \"$0\" \"$@\"\n' '''\n"
