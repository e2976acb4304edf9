"""Nothing of one API is ever seen by another."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tailrace.engine.config.config import LogFormat
from tests.gateway.running import running, spec
from tests.support.postgres import Database
from tests.support.tokens import SECRET, sign

OTHER_SECRET = "another secret of at least 32 bytes"


def test_each_answers_from_its_own_schema_with_its_own_settings(bakery: Database, florist: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery, app_settings=(("app.settings.color", "brown"),)))
        gateway.add(spec("florist", florist, app_settings=(("app.settings.color", "red"),)))

        def ask(number: int) -> tuple[object, ...]:
            shop = ("bakery", "florist")[number % 2]
            color, goods = gateway.get(f"/{shop}/rpc/setting"), gateway.get(f"/{shop}/goods?id=eq.1")
            return shop, color.json(), goods.json()[0]["name"]

        with ThreadPoolExecutor(8) as crowd:
            seen = set(crowd.map(ask, range(60)))

    assert seen == {("bakery", "brown", "bakery"), ("florist", "red", "florist")}


def test_a_token_of_one_is_none_of_another_even_once_it_is_known(bakery: Database, florist: Database) -> None:
    token = {"Authorization": f"Bearer {sign({'role': 'authenticated'}, secret=SECRET)}"}
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist, jwt_secret=OTHER_SECRET.encode()))

        statuses = [gateway.get(f"/{shop}/goods", headers=token).status for shop in ("bakery", "florist", "bakery")]

    assert statuses == [200, 401, 200]


def test_hints_and_errors_speak_of_the_own_schema_only(bakery: Database, florist: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist))
        gateway.get("/bakery/bakery_only")

        missing = gateway.get("/florist/bakery_only")
        refused = gateway.post("/florist/rpc/refuse")

    assert missing.status == 404
    assert missing.json()["hint"] != "Perhaps you meant the table 'api.bakery_only'"
    assert refused.json()["message"] == "florist refuses"


def test_two_schemas_of_one_database_are_two_apis(bakery: Database) -> None:
    bakery.execute("create schema if not exists staff; create table if not exists staff.wages (id int);")
    bakery.execute("grant usage on schema staff to anonymous; grant select on staff.wages to anonymous")
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("staff", bakery, schema="staff"))

        statuses = [gateway.get(path).status for path in ("/staff/wages", "/bakery/wages", "/staff/goods")]

    assert statuses == [200, 404, 404]


def test_log_lines_and_metrics_carry_the_name(
    bakery: Database, florist: Database, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist, log_format=LogFormat.JSON))
        gateway.get("/bakery/goods")
        gateway.get("/florist/goods")
        gateway.get("/florist/nothing")
        metrics = gateway.admin.get("/metrics").text
    out, err = (stream.decode() for stream in capfdbinary.readouterr())

    [access, *documents] = out.splitlines()
    assert access.startswith("bakery 127.0.0.1 - anonymous")
    assert '"GET /bakery/goods HTTP/1.1" 200' in access
    assert [(json.loads(line)["api"], json.loads(line)["status"]) for line in documents] == [
        ("florist", 200),
        ("florist", 404),
    ]
    assert all(line.startswith(("bakery ", '{"time":')) for line in err.splitlines())
    assert 'tailrace_request_duration_seconds_count{status="4xx",api="florist"} 1' in metrics
    assert 'status="4xx",api="bakery"' not in metrics
    assert metrics.count("# TYPE tailrace_request_duration_seconds histogram") == 1
