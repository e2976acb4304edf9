"""Rows from elsewhere and maps: foreign tables (tables_views) and GeoJSON (media types, resource_representation)."""

import pytest

from tests.support.serve import Api, Serve

# A stand-in for PostGIS, which the embedded Postgres has not got: the one function that the handler calls.
SCHEMA = """
create extension file_fdw;
create server files foreign data wrapper file_fdw;
create foreign table public.postcards (id int, place text)
  server files options (program 'printf "1,Lisbon\\n2,Oslo\\n3,Turin\\n"', format 'csv');
create function public.st_asgeojson(row_ record) returns text language plpgsql stable as $$ begin
  return json_build_object('type', 'Feature', 'properties', row_to_json(row_))::text;
end $$;
grant select on public.postcards to anonymous;
"""


@pytest.fixture(scope="module")
def api(serve: Serve) -> Api:
    return serve(SCHEMA)


def test_a_foreign_table_is_read_like_a_table(api: Api) -> None:
    response = api.get("/postcards?select=place&id=gt.1&order=id.desc", headers={"Prefer": "count=exact"})

    assert response.status == 200
    assert response.json() == [{"place": "Turin"}, {"place": "Oslo"}]
    assert response.headers["content-range"] == "0-1/2"


def test_a_foreign_table_that_cannot_be_written_says_so_by_its_methods(api: Api) -> None:
    response = api.options("/postcards")

    assert response.headers["allow"] == "OPTIONS,GET,HEAD"


def test_geojson_is_a_collection_of_features(api: Api) -> None:
    response = api.get("/postcards?id=lte.2&order=id", headers={"Accept": "application/geo+json"})

    assert response.status == 200
    assert response.headers["content-type"] == "application/geo+json; charset=utf-8"
    assert response.json() == {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"id": 1, "place": "Lisbon"}},
            {"type": "Feature", "properties": {"id": 2, "place": "Oslo"}},
        ],
    }


def test_geojson_of_no_rows_is_an_empty_collection(api: Api) -> None:
    response = api.get("/postcards?id=eq.9", headers={"Accept": "application/geo+json"})

    assert response.json() == {"type": "FeatureCollection", "features": []}
