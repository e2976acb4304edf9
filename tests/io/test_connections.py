"""How the server reaches Postgres: addresses, encryption, several hosts, and the pool (references/connection_pool)."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tailrace.cluster import RunningCluster
from tailrace.cluster.process import free_port
from tailrace.engine.postgres.connect import SOCKET_DEFAULTS, connect
from tailrace.engine.statement import ConnectionFailed
from tests.support.postgres import PASSWORD, CreateDatabase, Database
from tests.support.proxy import Proxy
from tests.support.serve import HOST, Api
from tests.support.standalone import FRUIT, running_server, until


@pytest.fixture(scope="module")
def fruit(create_database: CreateDatabase) -> Database:
    return create_database(FRUIT)


def works(api: Api) -> bool:
    found: object = api.get("/fruit?select=id&order=id").json()
    return found == [{"id": 1}, {"id": 2}]


def keywords(database: Database, *, port: int, **options: str | int) -> str:
    """An address in keyword form, without a password."""
    words = {"host": HOST, "port": port, "dbname": database.name, "user": "authenticator", **options}
    return " ".join(f"{name}='{value}'" for name, value in words.items())


# ---------------------------------------------------------------- addresses


def test_an_address_may_be_a_uri(fruit: Database) -> None:
    with running_server(fruit.authenticator_dsn, db_schemas="api") as api:
        assert works(api)


def test_an_address_may_be_written_in_keywords(fruit: Database, cluster: RunningCluster) -> None:
    with running_server(keywords(fruit, port=cluster.port, password=PASSWORD), db_schemas="api") as api:
        assert works(api)


def test_a_unix_socket_will_do_as_uri_and_in_keywords(fruit: Database, cluster: RunningCluster) -> None:
    uri = cluster.socket_dsn(fruit.name, user="authenticator", password=PASSWORD)
    words = keywords(fruit, port=cluster.port, password=PASSWORD, host=str(cluster.socket_dir))

    for address in (uri, words):
        with running_server(address, db_schemas="api") as api:
            assert works(api)


@pytest.mark.parametrize("place", ["passfile", "PGPASSFILE"])
def test_the_password_may_stand_in_a_file(fruit: Database, cluster: RunningCluster, place: str, tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"{HOST}:{cluster.port}:*:authenticator:{PASSWORD}\n")
    file.chmod(0o600)
    option = {"passfile": str(file)} if place == "passfile" else {}
    environ = {"PGPASSFILE": str(file)} if place == "PGPASSFILE" else {}

    with running_server(keywords(fruit, port=cluster.port, **option), environ=environ, db_schemas="api") as api:
        assert works(api)


@pytest.mark.parametrize("address", ["service=orchard", "postgresql://?service=orchard"])
def test_the_whole_address_may_stand_in_a_service_file(
    fruit: Database, cluster: RunningCluster, address: str, tmp_path: Path
) -> None:
    file = tmp_path / "services"
    lines = (f"host={HOST}", f"port={cluster.port}", f"dbname={fruit.name}", "user=authenticator")
    file.write_text("\n".join(("[orchard]", *lines, f"password={PASSWORD}", "")))

    with running_server(address, environ={"PGSERVICEFILE": str(file)}, db_schemas="api") as api:
        assert works(api)


def test_what_an_address_leaves_out_comes_from_the_environment(fruit: Database, cluster: RunningCluster) -> None:
    environ = {"PGHOST": HOST, "PGPORT": str(cluster.port), "PGUSER": "authenticator", "PGPASSWORD": PASSWORD}

    with running_server(f"postgresql:///{fruit.name}", environ=environ, db_schemas="api") as api:
        assert works(api)


def test_a_host_that_has_no_address_is_named_in_the_log(fruit: Database, cluster: RunningCluster) -> None:
    address = keywords(fruit, port=cluster.port, host="nowhere.invalid", password=PASSWORD)

    with running_server(address, wait=False, db_schemas="api") as api:
        until(lambda: 'could not translate host name "nowhere.invalid"' in api.log)

        assert until(lambda: api.admin.get("/live")).status == 200
        assert PASSWORD not in api.log


# ---------------------------------------------------------------- encryption


@dataclass(frozen=True)
class Authority:
    """Signs certificates, and is a file that clients trust."""

    folder: Path
    name: str

    def certify(self, *names: x509.GeneralName) -> ssl.SSLContext:
        """A server's side of TLS, with a certificate for these names."""
        own_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate(self.name, own_key.public_key(), issuer=self.name, key=own_key, names=())
        leaf = _certificate("postgres", key.public_key(), issuer=self.name, key=own_key, names=names)
        self.root.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        chain = self.folder / f"{self.name}.chain"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    @property
    def root(self) -> Path:
        return self.folder / f"{self.name}.crt"


def _certificate(
    subject: str,
    public: ec.EllipticCurvePublicKey,
    *,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    names: tuple[x509.GeneralName, ...],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


LOOPBACK_NAME = x509.IPAddress(ipaddress.ip_address(HOST))
OTHER_NAME = x509.DNSName("elsewhere.example")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "orchard")


@pytest.mark.parametrize(
    ("mode", "name"), [("require", OTHER_NAME), ("verify-ca", OTHER_NAME), ("verify-full", LOOPBACK_NAME)]
)
def test_tls_checks_as_much_as_its_mode_says(
    fruit: Database, cluster: RunningCluster, authority: Authority, *, mode: str, name: x509.GeneralName
) -> None:
    context = authority.certify(name)
    trust = {} if mode == "require" else {"sslrootcert": str(authority.root)}

    with Proxy(cluster.port, tls=context) as proxy:
        address = keywords(fruit, port=proxy.port, password=PASSWORD, sslmode=mode, **trust)
        with running_server(address, db_schemas="api", environ={"HOME": str(authority.folder)}) as api:
            assert works(api)
        assert proxy.encrypted == proxy.accepted


@pytest.mark.parametrize(
    ("mode", "name", "complaint"),
    [
        ("verify-ca", "another authority", "certificate verify failed"),
        ("verify-full", "another authority", "certificate verify failed"),
        ("verify-full", "another name", f'does not match host name "{HOST}"'),
        ("disable", "no encryption", "server closed the connection"),
    ],
)
def test_tls_that_does_not_hold_is_refused_and_the_log_says_why(
    fruit: Database, cluster: RunningCluster, authority: Authority, *, mode: str, name: str, complaint: str
) -> None:
    stranger = Authority(authority.folder, "stranger")
    stranger.certify(LOOPBACK_NAME)
    context = authority.certify(OTHER_NAME if name == "another name" else LOOPBACK_NAME)
    trusted = stranger if name == "another authority" else authority

    with Proxy(cluster.port, tls=context) as proxy:
        address = keywords(fruit, port=proxy.port, password=PASSWORD, sslmode=mode, sslrootcert=str(trusted.root))
        with running_server(address, wait=False, db_schemas="api") as api:
            until(lambda: complaint in api.log)

            assert until(lambda: api.admin.get("/ready")).status == 503
            assert PASSWORD not in api.log


# ---------------------------------------------------------------- several hosts, and those that keep silent


def test_a_host_that_is_away_is_passed_over(fruit: Database, cluster: RunningCluster) -> None:
    address = keywords(fruit, port=0, host=f"{HOST},{HOST}", password=PASSWORD)
    address = address.replace("port='0'", f"port={free_port()},{cluster.port}")

    with running_server(address, db_schemas="api") as api:
        assert works(api)


def test_a_host_that_keeps_silent_is_passed_over_after_the_time_for_connecting(
    fruit: Database, cluster: RunningCluster
) -> None:
    with Proxy(cluster.port) as proxy:
        proxy.stall()
        address = keywords(fruit, port=0, host=f"{HOST},localhost", password=PASSWORD, connect_timeout=1)
        address = address.replace("port='0'", f"port={proxy.port},{cluster.port}")

        with running_server(address, db_schemas="api") as api:
            assert works(api)


def test_a_silent_host_is_given_up_while_everything_else_goes_on(fruit: Database, cluster: RunningCluster) -> None:
    """libpq's calls that block would hold the interpreter's lock, and so all that the process does."""

    async def count_turns() -> tuple[int, str]:
        turns = 0
        connecting = asyncio.ensure_future(connect(address))
        while not connecting.done():
            turns += 1
            await asyncio.sleep(0.01)
        return turns, str(connecting.exception())

    with Proxy(cluster.port) as proxy:
        proxy.stall()
        address = keywords(fruit, port=proxy.port, password=PASSWORD, connect_timeout=1)
        turns, complaint = asyncio.run(count_turns())

    assert complaint == f'connection to server at "{HOST}", port {proxy.port} failed: timeout expired\n'
    assert turns > 20


def test_a_name_with_several_addresses_is_tried_at_each(fruit: Database, cluster: RunningCluster) -> None:
    address = keywords(fruit, port=cluster.port, host="localhost", password=PASSWORD)

    async def place() -> bytes:
        pgconn = await connect(address)
        try:
            return pgconn.host + b" " + pgconn.hostaddr
        finally:
            pgconn.finish()

    assert asyncio.run(place()) == b"localhost 127.0.0.1"


def test_a_wrong_password_is_libpqs_text(fruit: Database, cluster: RunningCluster) -> None:
    with pytest.raises(ConnectionFailed, match="password authentication failed"):
        asyncio.run(connect(keywords(fruit, port=cluster.port, password="wrong")))


def socket_options(address: str) -> dict[str, int]:
    """What the system was told about losing the network, for a connection to `address`."""

    async def read() -> dict[str, int]:
        pgconn = await connect(address)
        found = socket.socket(fileno=pgconn.socket)
        try:
            names = [(keyword, getattr(socket, name, None)) for keyword, name, _ in SOCKET_DEFAULTS]
            return {
                keyword: found.getsockopt(socket.IPPROTO_TCP, option) for keyword, option in names if option is not None
            }
        finally:
            found.detach()
            pgconn.finish()

    return asyncio.run(read())


def test_a_network_that_is_gone_is_noticed_in_half_a_minute_unless_the_address_says_otherwise(
    fruit: Database, cluster: RunningCluster
) -> None:
    defaults = {keyword: value for keyword, _, value in SOCKET_DEFAULTS}
    usual = socket_options(keywords(fruit, port=cluster.port, password=PASSWORD))
    given = socket_options(
        keywords(fruit, port=cluster.port, password=PASSWORD, keepalives_idle=77, tcp_user_timeout=4000)
    )

    assert usual == {keyword: defaults[keyword] for keyword in usual}
    assert given == {
        **usual,
        "keepalives_idle": 77,
        **({"tcp_user_timeout": 4000} if "tcp_user_timeout" in usual else {}),
    }


# ---------------------------------------------------------------- the pool


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Meanwhile nobody can read `fruit`."""
    with psycopg.connect(database.dsn) as connection:
        connection.execute("lock table api.fruit in access exclusive mode")
        yield


def backends(database: Database) -> int:
    """Connections of the server; its listener is off in these tests."""
    return len(
        database.query(
            "select pid from pg_stat_activity where usename = 'authenticator' and datname = %s", database.name
        )
    )


def is_napping(database: Database) -> bool:
    return bool(
        database.query("select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = %s", database.name)
    )


def test_there_are_never_more_connections_than_the_pool_may_have(fruit: Database) -> None:
    with (
        running_server(fruit.authenticator_dsn, db_schemas="api", db_pool=3, db_channel_enabled=False) as api,
        ThreadPoolExecutor(9) as threads,
    ):
        naps = [threads.submit(api.get, "/rpc/nap?seconds=0.3") for _ in range(9)]
        seen = []
        while not all(nap.done() for nap in naps):
            seen.append(backends(fruit))

        assert [nap.result().status for nap in naps] == [200] * 9
        assert max(seen) == 3


def test_who_waits_longer_for_a_connection_than_allowed_gets_504(fruit: Database) -> None:
    with (
        running_server(fruit.authenticator_dsn, db_schemas="api", db_pool=1, db_pool_acquisition_timeout=1) as api,
        ThreadPoolExecutor(1) as threads,
    ):
        nap = threads.submit(api.get, "/rpc/nap?seconds=2.5")
        until(lambda: is_napping(fruit))
        began = time.monotonic()
        answer = api.get("/fruit")

        assert (answer.status, answer.json()["code"]) == (504, "PGRST003")
        assert 0.9 < time.monotonic() - began < 2.4
        assert nap.result().status == 200
        assert works(api)


def test_reads_that_queue_behind_one_that_hangs_get_504_too(fruit: Database) -> None:
    """Short reads share connections; one that turns out to wait for a lock must not hold the others for ever."""
    with (
        running_server(
            fruit.authenticator_dsn,
            db_schemas="api",
            db_pool=1,
            db_pool_acquisition_timeout=1,
            db_channel_enabled=False,
        ) as api,
        ThreadPoolExecutor(8) as threads,
    ):
        for _ in range(5):
            assert works(api)
        with locked(fruit):
            reads = [threads.submit(api.get, "/fruit?select=id&order=id") for _ in range(8)]
            until(lambda: sum(read.done() for read in reads) == 7)

            assert api.admin.get("/live").status == 200
        answers = sorted(read.result().status for read in reads)

        assert answers == [200] + [504] * 7
        assert works(api)


def test_connections_that_nobody_uses_are_closed(fruit: Database) -> None:
    with running_server(
        fruit.authenticator_dsn, db_schemas="api", db_pool_max_idletime=1, db_channel_enabled=False
    ) as api:
        assert works(api)
        assert backends(fruit) >= 1

        until(lambda: backends(fruit) == 0)

        assert works(api)


def test_connections_that_are_old_are_replaced_while_requests_go_on(fruit: Database) -> None:
    with running_server(
        fruit.authenticator_dsn, db_schemas="api", db_pool=1, db_pool_max_lifetime=1, db_channel_enabled=False
    ) as api:
        first = api.get("/rpc/seen").json()["backend"]

        until(lambda: api.get("/rpc/seen").json()["backend"] != first)

        assert backends(fruit) == 1
