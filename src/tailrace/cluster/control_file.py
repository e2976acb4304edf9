"""What `pg_control` says of a data directory that no server runs on."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tailrace.cluster.errors import ClusterBroken
from tailrace.cluster.installation import Installation
from tailrace.cluster.owner import Owner
from tailrace.cluster.wal_position import Lsn, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFile:
    """`redo` is where the last checkpoint's replay begins, in the file `redo_segment`."""

    shut_down: bool
    checkpoint: Lsn
    redo_segment: Segment
    segment_size: int


def read_control_file(data_dir: Path, installation: Installation, owner: Owner) -> ControlFile:
    """Errors: ClusterBroken."""
    done = subprocess.run(
        [installation.program("pg_controldata"), str(data_dir)],
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        cwd="/",
        **owner.identity(),
    )
    facts = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    try:
        size = int(facts["Bytes per WAL segment"])
        return ControlFile(
            shut_down=facts["Database cluster state"].strip() == "shut down",
            checkpoint=Lsn.parse(facts["Latest checkpoint location"].strip()),
            redo_segment=Segment.parse(facts["Latest checkpoint's REDO WAL file"].strip(), size=size),
            segment_size=size,
        )
    except (KeyError, ValueError) as error:
        raise ClusterBroken(f"The file pg_control in {data_dir} is damaged: {done.stderr.strip()}") from error
