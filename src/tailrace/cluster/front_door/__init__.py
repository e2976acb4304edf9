"""The network door of a compute: TLS, SCRAM with channel binding, and a pipe to the Postgres behind.

The Postgres behind has no TLS and listens on a Unix socket. The door proves nothing by
being trusted: it logs in at the backend as the client's role, with the key that the
client's own proof reveals.

    spec = FrontDoorSpec(wake=wake, port=5432, tls=TlsSpec(folder=folder, hosts=("localhost", "127.0.0.1")))
    door = await open_front_door(spec)
    ...
    await door.close(grace=5)
"""

from tailrace.cluster.front_door.allow_list import AllowList, InvalidEntry, parse_allow_list
from tailrace.cluster.front_door.door import FrontDoor, open_front_door
from tailrace.cluster.front_door.spec import Activity, Backend, FrontDoorSpec, TlsSpec, Wake

__all__ = [
    "Activity",
    "AllowList",
    "Backend",
    "FrontDoor",
    "FrontDoorSpec",
    "InvalidEntry",
    "TlsSpec",
    "Wake",
    "open_front_door",
    "parse_allow_list",
]
