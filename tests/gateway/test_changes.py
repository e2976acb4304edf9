"""APIs come, change and go while others are asked; one without hope hurts nobody else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.gateway.running import running, spec
from tests.support.postgres import Database


def test_one_that_is_added_at_run_time_is_served_at_once(bakery: Database, florist: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        before = gateway.get("/florist/goods").status
        gateway.add(spec("florist", florist))

        assert (before, gateway.get("/florist/goods").status) == (404, 200)


def test_a_name_is_given_once(bakery: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))

        with pytest.raises(ValueError, match="already"):
            gateway.add(spec("bakery", bakery))


def test_no_request_of_others_is_lost_while_apis_come_and_go(bakery: Database, florist: Database) -> None:
    with running() as gateway, ThreadPoolExecutor(2) as crowd:
        gateway.add(spec("bakery", bakery))
        is_over = threading.Event()

        def ask() -> set[int]:
            seen = set()
            while not is_over.is_set():
                seen.add(gateway.get("/bakery/goods").status)
            return seen

        asking = crowd.submit(ask)
        for number in range(5):
            gateway.add(spec("florist", florist))
            gateway.get("/florist/goods")
            gateway.replace(spec("florist", florist, db_max_rows=number + 1))
            gateway.get("/florist/goods")
            gateway.remove("florist")
        is_over.set()

    assert asking.result() == {200}


def test_who_is_under_way_when_its_api_goes_is_still_answered(bakery: Database) -> None:
    with running() as gateway, ThreadPoolExecutor(1) as crowd:
        gateway.add(spec("bakery", bakery))
        gateway.get("/bakery/goods")
        slow = crowd.submit(gateway.get, "/bakery/rpc/slow")
        time.sleep(0.2)

        gateway.remove("bakery")

        assert slow.result().json() == 1
        assert gateway.get("/bakery/goods").status == 404


def test_settings_that_are_replaced_hold_from_then_on(bakery: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        before = gateway.get("/bakery/goods").status
        gateway.replace(spec("bakery", bakery, db_anon_role=None))

        assert (before, gateway.get("/bakery/goods").status) == (200, 401)


def test_a_refused_password_is_a_503_for_one_api_and_is_tried_again(bakery: Database, florist: Database) -> None:
    wrong = replace(bakery, authenticator_dsn=bakery.authenticator_dsn.replace(":a%20password", ":no%20password"))
    with running() as gateway:
        gateway.add(spec("bakery", wrong))
        gateway.add(spec("florist", florist))

        refused, again = gateway.get("/bakery/goods"), gateway.get("/bakery/goods")
        good = gateway.get("/florist/goods")
        time.sleep(1.1)
        later = gateway.get("/bakery/goods")
        gateway.replace(spec("bakery", bakery))
        mended = gateway.get("/bakery/goods")

    assert wrong != bakery
    assert [one.json()["code"] for one in (refused, again, later)] == ["TLR503"] * 3
    assert [one.headers["Retry-After"] for one in (refused, again, later)] == ["1", "1", "2"]
    assert "password" not in refused.text
    assert (good.status, mended.status) == (200, 200)


def test_a_database_that_is_away_is_a_503_for_one_api(bakery: Database, florist: Database) -> None:
    away = replace(bakery, authenticator_dsn="postgresql://nobody@127.0.0.1:1/nowhere")
    with running() as gateway:
        gateway.add(spec("bakery", away))
        gateway.add(spec("florist", florist))

        refused, good = gateway.get("/bakery/goods"), gateway.get("/florist/goods")

    assert (refused.status, refused.json()["code"]) == (503, "PGRST002")
    assert good.status == 200
