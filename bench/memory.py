"""Whether memory stays bounded over many requests that are all different: python -m bench.memory [REQUESTS]

Prints the resident memory as it goes; exit status 1 when it grew by more than allowed after the first tenth.
"""

from __future__ import annotations

import sys

from tests.support.mixed_load import resident_kib, send_mixed
from tests.support.standalone import FRUIT, own_cluster, running_server, scratch_folder

REQUESTS = 200_000
STEPS = 10
ALLOWED = 16 * 1024  # KiB


def main(arguments: list[str]) -> int:
    total = int(arguments[0]) if arguments else REQUESTS
    step = total // STEPS
    with (
        scratch_folder() as home,
        own_cluster(home, FRUIT) as cluster,
        running_server(cluster.authenticator_dsn, db_schemas="api", log_level="crit") as api,
    ):
        sizes = [resident_kib(api.process.pid)]
        print(f"{0:>9} requests  {sizes[0] / 1024:6.1f} MiB")
        for start in range(0, total, step):
            statuses = send_mixed(api.port, range(start, start + step))
            sizes.append(resident_kib(api.process.pid))
            answered = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
            print(f"{start + step:>9} requests  {sizes[-1] / 1024:6.1f} MiB  ({answered})", flush=True)
    grown = max(sizes[1:]) - sizes[1]
    print(f"grown by {grown / 1024:.1f} MiB after the first {step}; {ALLOWED / 1024:.0f} MiB are allowed")
    return 1 if grown > ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
