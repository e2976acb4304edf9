"""Related rows in one request. PostgREST docs, references/api/resource_embedding."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

# ---------------------------------------------------------------- cardinalities


def test_many_to_one_embeds_an_object(library: Api) -> None:
    response = library.get("/books?select=title,authors(name)&id=in.(1,4)&order=id")

    assert response.status == 200
    assert response.json() == [
        {"title": "Tide Tables", "authors": {"name": "Ada Berg"}},
        {"title": "Untitled", "authors": None},
    ]


def test_one_to_many_embeds_an_array(library: Api) -> None:
    response = library.get("/authors?select=name,books(title)&order=id&books.order=id")

    assert response.json() == [
        {"name": "Ada Berg", "books": [{"title": "Tide Tables"}]},
        {"name": "Cem Dursun", "books": [{"title": "Night Ferry"}, {"title": "Garden, Walled"}]},
        {"name": "Eva Falk", "books": []},
    ]


def test_many_to_many_goes_through_the_join_table(library: Api) -> None:
    response = library.get("/books?select=id,branches(name)&order=id&branches.order=id")

    assert response.json() == [
        {"id": 1, "branches": [{"name": "Harbour"}, {"name": "Hill"}]},
        {"id": 2, "branches": [{"name": "Harbour"}]},
        {"id": 3, "branches": [{"name": "Hill"}]},
        {"id": 4, "branches": []},
    ]


def test_one_to_one_embeds_an_object_from_both_sides(library: Api) -> None:
    from_books = library.get("/books?select=id,covers(artist)&order=id&id=lte.3")
    from_covers = library.get("/covers?select=artist,books(title)&book_id=eq.2")

    assert from_books.json() == [
        {"id": 1, "covers": {"artist": "Gus Holm"}},
        {"id": 2, "covers": {"artist": "Ines Ji"}},
        {"id": 3, "covers": None},
    ]
    assert from_covers.json() == [{"artist": "Ines Ji", "books": {"title": "Night Ferry"}}]


def test_embeddings_nest(library: Api) -> None:
    response = library.get("/members?select=name,loans(id,books(title,authors(name)))&id=eq.1&loans.order=id")

    assert response.json() == [
        {
            "name": "Kai",
            "loans": [
                {"id": 1, "books": {"title": "Tide Tables", "authors": {"name": "Ada Berg"}}},
                {"id": 2, "books": {"title": "Night Ferry", "authors": {"name": "Cem Dursun"}}},
            ],
        }
    ]


def test_an_alias_names_the_embedded_rows(library: Api) -> None:
    response = library.get("/books?select=title,writer:authors(name)&id=eq.1")

    assert response.json() == [{"title": "Tide Tables", "writer": {"name": "Ada Berg"}}]


def test_all_columns_of_an_embedded_table(library: Api) -> None:
    response = library.get("/covers?select=*,books(id,authors(*))&book_id=eq.1")

    assert response.json() == [
        {
            "book_id": 1,
            "artist": "Gus Holm",
            "width": 12,
            "books": {"id": 1, "authors": {"id": 1, "name": "Ada Berg", "born": 1900}},
        }
    ]


# ---------------------------------------------------------------- several relationships, none, and hints


def test_two_relationships_are_refused_with_a_choice(library: Api) -> None:
    response = library.get("/transfers?select=id,branches(name)")

    assert response.status == 300
    assert response.json() == {
        "code": "PGRST201",
        "details": [
            {
                "cardinality": "many-to-one",
                "embedding": "transfers with branches",
                "relationship": "transfers_from using transfers(from_branch_id) and branches(id)",
            },
            {
                "cardinality": "many-to-one",
                "embedding": "transfers with branches",
                "relationship": "transfers_to using transfers(to_branch_id) and branches(id)",
            },
        ],
        "hint": "Try changing 'branches' to one of the following: 'branches!transfers_from', 'branches!transfers_to'. "
        "Find the desired relationship in the 'details' key.",
        "message": "Could not embed because more than one relationship was found for 'transfers' and 'branches'",
    }


@pytest.mark.parametrize("hint", ["transfers_from", "from_branch_id"], ids=["constraint", "column"])
def test_a_hint_chooses_the_relationship(library: Api, hint: str) -> None:
    response = library.get(f"/transfers?select=id,from:branches!{hint}(name)&id=eq.1")

    assert response.status == 200
    assert response.json() == [{"id": 1, "from": {"name": "Harbour"}}]


def test_both_relationships_may_be_embedded_under_aliases(library: Api) -> None:
    response = library.get(
        "/transfers?select=id,from:branches!transfers_from(name),to:branches!transfers_to(name)&order=id"
    )

    assert response.json() == [
        {"id": 1, "from": {"name": "Harbour"}, "to": {"name": "Hill"}},
        {"id": 2, "from": {"name": "Hill"}, "to": {"name": "Mobile"}},
    ]


def test_a_hint_chooses_on_the_other_side_too(library: Api) -> None:
    response = library.get("/branches?select=name,sent:transfers!transfers_from(id)&id=eq.2")

    assert response.json() == [{"name": "Hill", "sent": [{"id": 2}]}]


def test_the_join_table_is_a_hint_for_many_to_many(library: Api) -> None:
    response = library.get("/branches?select=name,books!holdings(title)&id=eq.1&books.order=id")

    assert response.json() == [{"name": "Harbour", "books": [{"title": "Tide Tables"}, {"title": "Night Ferry"}]}]


def test_tables_without_a_relationship_cannot_be_embedded(library: Api) -> None:
    response = library.get("/authors?select=name,branches(name)")

    assert response.status == 400
    assert response.json()["code"] == "PGRST200"
    assert response.json()["message"] == (
        "Could not find a relationship between 'authors' and 'branches' in the schema cache"
    )
    assert response.json()["details"] == (
        "Searched for a foreign key relationship between 'authors' and 'branches' in the schema 'lend', "
        "but no matches were found."
    )


def test_a_misspelled_relationship_is_guessed(library: Api) -> None:
    response = library.get("/books?select=title,author(name)")

    assert response.status == 400
    assert response.json()["code"] == "PGRST200"
    assert response.json()["hint"] == "Perhaps you meant 'authors' instead of 'author'."


def test_a_hint_that_fits_nothing_is_named_in_the_error(library: Api) -> None:
    response = library.get("/books?select=title,authors!nope(name)")

    assert response.status == 400
    assert response.json()["code"] == "PGRST200"
    assert response.json()["details"] == (
        "Searched for a foreign key relationship between 'books' and 'authors' using the hint 'nope' "
        "in the schema 'lend', but no matches were found."
    )


# ---------------------------------------------------------------- computed relationships, recursion


def test_a_function_on_a_row_makes_a_relationship(library: Api) -> None:
    response = library.get("/books?select=title,same_author(title)&id=in.(1,2)&order=id")

    assert response.json() == [
        {"title": "Tide Tables", "same_author": []},
        {"title": "Night Ferry", "same_author": [{"title": "Garden, Walled"}]},
    ]


def test_rows_1_makes_it_a_relationship_to_one(library: Api) -> None:
    response = library.get("/members?select=name,mentor(name),pupils(name)&order=id&pupils.order=id")

    assert response.json() == [
        {"name": "Kai", "mentor": None, "pupils": [{"name": "Lea"}, {"name": "Mio"}]},
        {"name": "Lea", "mentor": {"name": "Kai"}, "pupils": []},
        {"name": "Mio", "mentor": {"name": "Kai"}, "pupils": []},
    ]


# ---------------------------------------------------------------- views, functions, partitions


def test_foreign_keys_of_a_view_are_those_of_its_tables(library: Api) -> None:
    response = library.get("/book_list?select=title,authors(born),covers(artist)&id=in.(1,3)&order=id")

    assert response.json() == [
        {"title": "Tide Tables", "authors": {"born": 1900}, "covers": {"artist": "Gus Holm"}},
        {"title": "Garden, Walled", "authors": {"born": 1955}, "covers": None},
    ]


def test_a_view_can_be_embedded(library: Api) -> None:
    response = library.get("/covers?select=artist,book_list(title,author)&book_id=eq.1")

    assert response.json() == [
        {"artist": "Gus Holm", "book_list": {"title": "Tide Tables", "author": "Ada Berg"}},
    ]


def test_rows_of_a_function_embed_like_rows_of_its_table(library: Api) -> None:
    response = library.get("/rpc/books_since?first_year=1986&select=title,authors(name)")

    assert response.json() == [{"title": "Garden, Walled", "authors": {"name": "Cem Dursun"}}]


def test_a_partitioned_table_embeds_what_it_references(library: Api) -> None:
    response = library.get("/visits?select=people,branches(name)&day=eq.2024-06-02")

    assert response.json() == [{"people": 5, "branches": {"name": "Hill"}}]


# ---------------------------------------------------------------- filters on embedded rows


def test_a_filter_on_the_embedded_rows_leaves_the_top_alone(library: Api) -> None:
    response = library.get("/authors?select=name,books(title)&books.year=gt.1985&order=id")

    assert response.json() == [
        {"name": "Ada Berg", "books": []},
        {"name": "Cem Dursun", "books": [{"title": "Garden, Walled"}]},
        {"name": "Eva Falk", "books": []},
    ]


def test_embedded_rows_have_order_limit_and_offset_of_their_own(library: Api) -> None:
    response = library.get(
        "/authors?select=id,books(title)&id=eq.2&books.order=title.desc&books.limit=1&books.offset=1"
    )

    assert response.json() == [{"id": 2, "books": [{"title": "Garden, Walled"}]}]


def test_logic_inside_an_embedding(library: Api) -> None:
    response = library.get("/authors?select=id,books(id)&id=eq.2&books.or=(year.eq.1985,pages.lt.1)")

    assert response.json() == [{"id": 2, "books": [{"id": 2}]}]


def test_an_alias_can_be_filtered(library: Api) -> None:
    response = library.get(
        "/authors?select=id,old:books(title),new:books(title)&id=eq.2&old.year=lt.1986&new.year=gte.1986"
    )

    assert response.json() == [{"id": 2, "old": [{"title": "Night Ferry"}], "new": [{"title": "Garden, Walled"}]}]


def test_filters_reach_nested_embeddings(library: Api) -> None:
    response = library.get(
        "/members?select=id,loans(books(title))&id=eq.1&loans.books.title=like.Night*&loans.order=id"
    )

    assert response.json() == [{"id": 1, "loans": [{"books": None}, {"books": {"title": "Night Ferry"}}]}]


def test_a_filter_on_what_is_not_embedded_is_refused(library: Api) -> None:
    response = library.get("/books?select=title&authors.name=eq.Ada")

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST108",
        "details": None,
        "hint": "Verify that 'authors' is included in the 'select' query parameter.",
        "message": "'authors' is not an embedded resource in this request",
    }


# ---------------------------------------------------------------- filtering the top by what is embedded


def test_inner_keeps_only_rows_with_embedded_rows(library: Api) -> None:
    response = library.get("/authors?select=name,books!inner(title)&books.year=gt.1985")

    assert response.json() == [{"name": "Cem Dursun", "books": [{"title": "Garden, Walled"}]}]


def test_inner_works_at_every_level(library: Api) -> None:
    response = library.get("/members?select=name,loans!inner(id,books!inner(title))&loans.books.title=like.Night*")

    assert response.json() == [{"name": "Kai", "loans": [{"id": 2, "books": {"title": "Night Ferry"}}]}]


def test_inner_counts_only_what_is_kept(library: Api) -> None:
    response = library.get("/books?select=id,authors!inner(name)", headers={"prefer": "count=exact"})

    assert response.headers["content-range"] == "0-2/3"


def test_not_null_on_an_embedding_is_like_inner(library: Api) -> None:
    response = library.get("/authors?select=name,books(title)&books.year=gt.1985&books=not.is.null")

    assert response.json() == [{"name": "Cem Dursun", "books": [{"title": "Garden, Walled"}]}]


def test_null_on_an_embedding_finds_rows_without(library: Api) -> None:
    response = library.get("/books?select=id,authors(name)&authors=is.null")

    assert response.json() == [{"id": 4, "authors": None}]


def test_an_empty_embedding_filters_without_being_shown(library: Api) -> None:
    response = library.get("/authors?select=name,books()&books.title=like.Tide*&books=not.is.null")

    assert response.json() == [{"name": "Ada Berg"}]


def test_or_reaches_over_embeddings(library: Api) -> None:
    response = library.get(
        "/books?select=id,authors(),covers()&authors.name=like.Ada*&covers.artist=like.Ines*"
        "&or=(authors.not.is.null,covers.not.is.null)&order=id"
    )

    assert response.json() == [{"id": 1}, {"id": 2}]


def test_rows_are_ordered_by_a_related_column(library: Api) -> None:
    response = library.get("/books?select=id,authors(name)&order=authors(name).desc.nullslast,id")

    assert [row["id"] for row in response.json()] == [2, 3, 1, 4]


def test_rows_cannot_be_ordered_by_many_related_rows(library: Api) -> None:
    response = library.get("/authors?select=id,books(id)&order=books(title)")

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST118",
        "details": "'authors' and 'books' do not form a many-to-one or one-to-one relationship",
        "hint": None,
        "message": "A related order on 'books' is not possible",
    }


# ---------------------------------------------------------------- spread


def test_a_spread_to_one_lifts_its_columns(library: Api) -> None:
    response = library.get("/books?select=title,...authors(author:name,born)&id=in.(1,4)&order=id")

    assert response.json() == [
        {"title": "Tide Tables", "author": "Ada Berg", "born": 1900},
        {"title": "Untitled", "author": None, "born": None},
    ]


def test_a_spread_inside_an_embedding_lifts_into_it(library: Api) -> None:
    response = library.get("/branches?select=name,stock:holdings(quantity,...books(title))&id=eq.2&stock.order=book_id")

    assert response.json() == [
        {
            "name": "Hill",
            "stock": [{"quantity": 1, "title": "Tide Tables"}, {"quantity": 5, "title": "Garden, Walled"}],
        }
    ]


def test_a_spread_to_many_makes_arrays_that_belong_together(library: Api) -> None:
    response = library.get("/authors?select=name,...books(titles:title,years:year)&order=id&books.order=year.desc")

    assert response.json() == [
        {"name": "Ada Berg", "titles": ["Tide Tables"], "years": [1930]},
        {"name": "Cem Dursun", "titles": ["Garden, Walled", "Night Ferry"], "years": [1990, 1985]},
        {"name": "Eva Falk", "titles": [], "years": []},
    ]


def test_spreads_nest(library: Api) -> None:
    response = library.get("/loans?select=id,...books(title,...authors(author:name))&id=eq.1")

    assert response.json() == [{"id": 1, "title": "Tide Tables", "author": "Ada Berg"}]


# ---------------------------------------------------------------- target names


def test_by_default_a_filter_may_name_the_table_behind_an_alias_with_a_warning(library: Api) -> None:
    response = library.get("/books?select=id,writer:authors(name)&authors.name=like.Ada*&id=eq.1")

    assert response.status == 200
    assert response.json() == [{"id": 1, "writer": {"name": "Ada Berg"}}]
    assert response.headers["warning"].startswith("299 ")


def test_without_legacy_target_names_only_the_alias_counts(serve: Serve) -> None:
    api = serve(TWO_TABLES, db_schemas="shop", url_use_legacy_target_names=False)

    by_alias = api.get("/item?select=id,maker:brand(name)&maker.name=eq.Acme")
    by_name = api.get("/item?select=id,maker:brand(name)&brand.name=eq.Acme")

    assert by_alias.json() == [{"id": 1, "maker": {"name": "Acme"}}]
    assert by_name.status == 400
    assert by_name.json()["code"] == "PGRST108"


TWO_TABLES = """
create schema shop;
create table shop.brand (id int primary key, name text);
create table shop.item (id int primary key, brand_id int references shop.brand);
insert into shop.brand values (1, 'Acme');
insert into shop.item values (1, 1);
grant usage on schema shop to anonymous;
grant select on all tables in schema shop to anonymous;
"""
