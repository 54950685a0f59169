"""Routes of HTTP functions, by ASP.NET's rules."""

from __future__ import annotations

import pytest

from localazure.worker.routes import Template


@pytest.mark.parametrize(
    ("route", "path", "parameters"),
    [
        ("api/orders", "/api/orders", {}),
        ("api/orders", "/API/Orders/", {}),
        ("api/orders", "/api/orders/7", None),
        ("/orders/{id}", "/orders/7", {"id": "7"}),
        ("/orders/{id}", "/orders/a b.c", {"id": "a b.c"}),
        ("/orders/{id}", "/orders", None),
        ("/orders/{id}/items", "/orders/a/b/items", None),
        ("/orders/{id?}", "/orders", {}),
        ("/orders/{id:int?}", "/orders/7", {"id": "7"}),
        ("/orders/{id:int}", "/orders/-7", {"id": "-7"}),
        ("/orders/{id:int}", "/orders/seven", None),
        ("/orders/{name:alpha}", "/orders/Seven", {"name": "Seven"}),
        ("/orders/{name:alpha}", "/orders/7", None),
        ("/orders/{big:bool}", "/orders/True", {"big": "True"}),
        ("/orders/{price:decimal}", "/orders/1.50", {"price": "1.50"}),
        ("/o/{id:guid}", "/o/0f8fad5b-d9cb-469f-a165-70867728950e", {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
        ("/o/{id:guid}", "/o/0f8fad5b", None),
        ("/files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
        ("/files/{**path}", "/files", {}),
        ("/files/{name}.{ending}", "/files/a.txt", {"name": "a", "ending": "txt"}),
        ("/files/v{number:int}", "/files/v12", {"number": "12"}),
        ("/a.b", "/axb", None),
        ("/", "/", {}),
    ],
)
def test_a_template_fits_a_path(route: str, path: str, parameters: dict[str, str] | None) -> None:
    assert Template.parse(route).match(path) == parameters


def test_the_more_exact_template_goes_first() -> None:
    routes = ["/{*all}", "/{kind}/{id}", "/orders/{id}", "/orders/{id:int}", "/orders/list"]

    assert sorted(routes, key=lambda route: Template.parse(route).rank) == routes[::-1]


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ("/o/{id:regex}", "the route constraint 'regex' isn't known"),
        ("/o/{id:length(3)}", "constraint 'length\\(3\\)' isn't known"),
        ("/o/{id:int:alpha}", "constraint 'int:alpha' isn't known"),
        ("/o/{id=5}", "'{id=5}' isn't understood"),
        ("/o/{id", "'{id' isn't understood"),
        ("/o/{id?}/items", "only the route's last segment can be '{id\\?}'"),
        ("/o/x{id?}", "'{id\\?}' must be a segment of the route by itself"),
        ("/o/{id}/{id}", "'/o/{id}/{id}' isn't understood: redefinition"),
    ],
)
def test_what_isnt_known_is_refused_in_words(route: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Template.parse(route)
