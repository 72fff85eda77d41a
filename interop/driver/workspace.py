"""Where the suite installs things, and how it notices that an installation is still current. Standard library only.

Everything lives in `interop/.work`, or in `$CAUSELINE_CACHE/interop` when that variable is set, so that a later clone
finds it again. A folder is current when its stamp equals the digest of the files it was made from.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

INTEROP = Path(__file__).resolve().parent.parent
REPOSITORY = INTEROP.parent


class SetupError(Exception):
    """A language cannot be prepared; the message says what to do."""


def root():
    """The folder that holds installations and the last run's recordings."""
    cache = os.environ.get("CAUSELINE_CACHE")
    return Path(cache) / "interop" if cache else INTEROP / ".work"


def digest(*sources, salt=""):
    """A digest of the names and contents of files, to compare with a stamp."""
    total = hashlib.sha256(salt.encode())
    for source in sources:
        total.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return total.hexdigest()


def installed(name, stamp, install):
    """Returns the folder `name`, made by `install(folder)` unless its stamp is current already."""
    folder = root() / name
    mark = folder / ".stamp"
    if mark.is_file() and mark.read_text() == stamp:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    mark.write_text(stamp)
    return folder


def virtualenv(name, requirements):
    """The interpreter of a virtual environment that holds exactly `requirements`."""

    def install(folder):
        call([sys.executable, "-m", "venv", folder])
        call([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements])

    # The digest holds the path too: an environment cannot be moved, and a cache may be mounted elsewhere.
    stamp = digest(requirements, salt=f"{sys.executable} {sys.version} {root()}")
    return installed(f"venv-{name}", stamp, install) / "bin" / "python"


def call(command, **options):
    """Runs a preparation step; its output is shown only when it fails."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode != 0:
        raise SetupError(f"`{' '.join(command)}` failed:\n{done.stdout.strip()}")
