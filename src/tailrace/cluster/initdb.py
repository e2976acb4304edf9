"""Making a data directory, whole or not at all."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from tailrace.cluster.errors import WrongMajorVersion, diagnose
from tailrace.cluster.installation import Installation
from tailrace.cluster.owner import SYSTEM_DIR, Owner
from tailrace.cluster.settings import ClusterSpec


def is_initialised(data_dir: Path) -> bool:
    return (data_dir / "PG_VERSION").exists()


def check_version(data_dir: Path, installation: Installation) -> None:
    """Errors: WrongMajorVersion when another Postgres made the data."""
    found = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != installation.major:
        raise WrongMajorVersion(data_dir, found=found, ours=installation.major)


def initialise(spec: ClusterSpec, installation: Installation, owner: Owner) -> None:
    """Run initdb beside the data directory and move the result there, so that no half of one is ever found.

    Where `owner` cannot reach the data directory, the data goes to SYSTEM_DIR and
    a symbolic link takes its place.
    """
    home = spec.data_dir.parent
    reachable = owner.can_enter(home.resolve())
    _make_way(spec.data_dir)
    target = spec.data_dir if reachable else SYSTEM_DIR / f"data-{secrets.token_hex(6)}"
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}.new-"))
    try:
        owner.take(staging)
        _run_initdb(spec, staging, installation=installation, owner=owner)
        (staging / "data").rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not reachable:
        spec.data_dir.symlink_to(target, target_is_directory=True)


def _make_way(data_dir: Path) -> None:
    """Remove an empty folder that somebody made for us, or a link to data that is gone."""
    if data_dir.is_symlink() and not data_dir.exists():
        data_dir.unlink()
    elif data_dir.is_dir():
        data_dir.rmdir()


def _run_initdb(spec: ClusterSpec, staging: Path, *, installation: Installation, owner: Owner) -> None:
    password_file = staging / "password"
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(spec.password + "\n")
    owner.take(password_file)
    command = [
        installation.program("initdb"),
        f"--pgdata={staging / 'data'}",
        f"--username={spec.superuser}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # The same order of text on every machine, whatever locales it has.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        *(() if spec.durable else ("--no-sync",)),
    ]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
        start_new_session=True,
        **owner.identity(),
    )
    if done.returncode != 0:
        raise diagnose(done.stdout, data_dir=spec.data_dir, port=0, user=owner.name)
