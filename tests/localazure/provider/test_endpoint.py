from __future__ import annotations

import httpx
import pytest

from localazure.provider.endpoint import metadata_url, require_loopback, resource_manager
from localazure.provider.errors import NoMetadataHostError, NotLoopbackError, ProviderError

METADATA = "http://127.0.0.1:1/metadata/endpoints"


@pytest.mark.parametrize("url", ["http://127.0.0.1:10400", "https://localhost/x", "http://[::1]:1", "http://127.9.9.9"])
def test_this_machine_is_let_through(url: str) -> None:
    assert require_loopback(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.com",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://user@10.0.0.1",
        "http://localhost@example.org",
        "http://0.0.0.0",
        "/relative",
        "",
    ],
)
def test_any_other_address_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(NotLoopbackError, match="let Pulumi install the real provider"):
        require_loopback(url)


def test_a_metadata_host_without_a_scheme_is_asked_by_https() -> None:
    assert metadata_url("localhost:8443") == "https://localhost:8443/metadata/endpoints?api-version=2022-09-01"


def test_a_missing_metadata_host_is_told_with_what_to_do() -> None:
    with pytest.raises(NoMetadataHostError, match="set ARM_METADATA_HOSTNAME"):
        metadata_url(None)


def test_the_resource_managers_address_comes_without_a_slash() -> None:
    answer = httpx.Response(200, json={"resourceManager": "http://127.0.0.1:10400/"})
    assert resource_manager(answer) == "http://127.0.0.1:10400"


def test_a_metadata_document_that_leads_off_this_machine_is_refused() -> None:
    with pytest.raises(NotLoopbackError, match=r"management\.azure\.com"):
        resource_manager(httpx.Response(200, json={"resourceManager": "https://management.azure.com/"}))


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(200, json=["x"])])
def test_another_program_on_that_port_is_told(answer: httpx.Response) -> None:
    answer.request = httpx.Request("GET", METADATA)
    with pytest.raises(ProviderError, match="is another program listening there"):
        resource_manager(answer)
