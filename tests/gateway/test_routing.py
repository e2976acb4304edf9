"""Which API a request reaches, and what it is told of its address."""

import pytest

from tailrace.engine.message import HttpRequest
from tailrace.gateway import ApiSpec, Route
from tailrace.gateway.route import Routes
from tests.gateway.running import running, spec
from tests.support.postgres import Database


def found(routes: Routes[str], path: bytes, host: bytes = b"127.0.0.1:8000") -> tuple[str, bytes] | None:
    answer = routes.find(HttpRequest("GET", path, b"", [(b"host", host)]))
    return None if answer is None else (answer[0], path[answer[1] :])


def test_a_path_alone_leads_to_an_api_and_the_rest_is_left_over() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/ep-x/shop/rest/v1")], "x")

    assert found(routes, b"/ep-x/shop/rest/v1/goods") == ("x", b"/goods")
    assert found(routes, b"/ep-x/shop/rest/v1/") == ("x", b"/")
    assert found(routes, b"/ep-x/shop/rest/v1") == ("x", b"")


def test_a_part_of_a_segment_leads_nowhere() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/shop")], "x")

    assert found(routes, b"/shops") is None
    assert found(routes, b"/") is None
    assert found(routes, b"") is None


def test_host_and_path_lead_to_an_api_whatever_the_domain_and_the_case() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/shop/rest/v1", host="ep-x.apirest")], "x")
    routes.add([Route(path="/shop/rest/v1", host="ep-y.apirest")], "y")

    assert found(routes, b"/shop/rest/v1/goods", b"ep-x.apirest.tailrace.localhost:8000") == ("x", b"/goods")
    assert found(routes, b"/shop/rest/v1/goods", b"EP-Y.ApiRest.example.com") == ("y", b"/goods")
    assert found(routes, b"/shop/rest/v1/goods", b"ep-z.apirest.example.com") is None


def test_the_longest_path_wins_and_a_host_wins_over_none() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route()], "all")
    routes.add([Route(path="/a")], "a")
    routes.add([Route(path="/a/b")], "b")
    routes.add([Route(host="h")], "host")

    assert found(routes, b"/a/b/c") == ("b", b"/c")
    assert found(routes, b"/a/c") == ("a", b"/c")
    assert found(routes, b"/c") == ("all", b"/c")
    assert found(routes, b"/a/b", b"h.example.com") == ("host", b"/a/b")


def test_an_encoded_name_is_the_same_name() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/my shop/rest/v1")], "x")

    assert found(routes, b"/my%20shop/rest/v1/goods") == ("x", b"/goods")


def test_a_slash_that_is_encoded_separates_nothing() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/a/b")], "x")

    assert found(routes, b"/a%2Fb/goods/c") is None


def test_a_route_leads_to_one_api_only() -> None:
    routes: Routes[str] = Routes()
    routes.add([Route(path="/a")], "x")

    with pytest.raises(ValueError, match="taken"):
        routes.add([Route(path="/b"), Route(path="/a")], "y")

    assert found(routes, b"/b") is None


@pytest.mark.parametrize("path", ["a", "/a/", "//a", "/"])
def test_a_path_of_another_form_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Route(path=path)


@pytest.mark.parametrize("name", ["", "two words", "a\nb", 'a"b'])
def test_a_name_that_could_forge_a_log_line_is_refused(name: str, bakery: Database) -> None:
    good = spec("good", bakery)

    with pytest.raises(ValueError, match="called"):
        ApiSpec(name=name, routes=good.routes, config=good.config)


def test_an_unknown_address_is_answered_as_documented(bakery: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))

        answer = gateway.get("/nobody/goods", headers={"Origin": "http://shop.example"})

    assert answer.status == 404
    assert answer.json()["code"] == "TLR404"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_both_forms_of_an_address_reach_the_same_api(bakery: Database) -> None:
    routes = (Route(path="/shop/rest/v1", host="ep-x.apirest"), Route(path="/ep-x/shop/rest/v1"))
    with running() as gateway:
        gateway.add(spec("bakery", bakery, *routes))

        by_host = gateway.get("/shop/rest/v1/goods", headers={"Host": "ep-x.apirest.tailrace.localhost:27000"})
        by_path = gateway.get("/ep-x/shop/rest/v1/goods")

    assert by_host.json() == by_path.json() == [{"id": 1, "name": "bakery"}]


def test_locations_carry_the_prefix_that_the_client_used(bakery: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery, Route(path="/ep-x/shop/rest/v1")))

        made = gateway.post(
            "/ep-x/shop/rest/v1/goods", {"id": 2, "name": "rye"}, headers={"Prefer": "return=headers-only"}
        )
        read = gateway.get("/ep-x/shop/rest/v1/goods?id=eq.2")

    assert made.headers["Location"] == "/ep-x/shop/rest/v1/goods?id=eq.2"
    assert read.headers["Content-Location"] == "/ep-x/shop/rest/v1/goods?id=eq.2"


def test_the_description_names_the_external_address(bakery: Database) -> None:
    api = spec("bakery", bakery, Route(path="/ep-x/shop/rest/v1"))
    api = ApiSpec(
        name=api.name, routes=api.routes, config=api.config, external_url="https://shop.example/ep-x/shop/rest/v1"
    )
    with running() as gateway:
        gateway.add(api)

        document = gateway.get("/ep-x/shop/rest/v1/").json()

    assert (document["host"], document["basePath"]) == ("shop.example:443", "/ep-x/shop/rest/v1")
    assert "/goods" in document["paths"]


def test_the_database_sees_the_path_without_the_prefix(bakery: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))

        assert gateway.get("/bakery/rpc/path").json() == "/rpc/path"
