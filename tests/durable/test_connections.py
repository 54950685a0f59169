from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.connections import (
    Endpoints,
    account_of_connection_string,
    account_of_endpoint,
    accounts_of,
    belongs_to,
    connection_string,
    family,
    parse_connection_string,
    redacted,
)

KEY = "c2VjcmV0IGtleQ=="
AZURE = Endpoints(*(f"https://blue1.{service}.core.windows.net/" for service in ("blob", "queue", "table")))
LOCAL = Endpoints(*(f"http://127.0.0.1:{port}/blue1" for port in (10401, 10402, 10403)))


@pytest.mark.parametrize(("endpoints", "scheme"), [(AZURE, "https"), (LOCAL, "http")])
def test_a_connection_string_names_its_endpoints_in_azure_and_on_this_machine(
    endpoints: Endpoints, scheme: str
) -> None:
    parts = parse_connection_string(connection_string("blue1", KEY, endpoints))
    assert parts == {
        "defaultendpointsprotocol": scheme,
        "accountname": "blue1",
        "accountkey": KEY,
        "blobendpoint": endpoints.blob,
        "queueendpoint": endpoints.queue,
        "tableendpoint": endpoints.table,
    }


@pytest.mark.parametrize(
    ("text", "account"),
    [
        (connection_string("blue1", KEY, AZURE), "blue1"),
        ("accountname=blue1; AccountKey=x;", "blue1"),
        ("UseDevelopmentStorage=true", "devstoreaccount1"),
        ("TableEndpoint=https://blue1.table.core.windows.net/;SharedAccessSignature=sv=1&sig=x", "blue1"),
        ("BlobEndpoint=http://127.0.0.1:10401/blue1;SharedAccessSignature=sig", "blue1"),
        ("EndpointSuffix=core.windows.net", None),
        ("no connection string", None),
        ("", None),
    ],
)
def test_the_account_behind_a_connection_string_is_found(text: str, account: str | None) -> None:
    assert account_of_connection_string(text) == account


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://blue1.blob.core.windows.net/", "blue1"),
        ("https://blue1.table.core.chinacloudapi.cn", "blue1"),
        ("http://127.0.0.1:10401/blue1/", "blue1"),
        ("http://localhost:10401/blue1/container", "blue1"),
        ("http://127.0.0.1:10401/", None),
        ("http://[::1]:10401/blue1/", "blue1"),
        ("no address", None),
        ("http://[", None),
    ],
)
def test_the_account_behind_an_endpoint_is_found(url: str, account: str | None) -> None:
    assert account_of_endpoint(url) == account


@pytest.mark.parametrize(
    ("setting", "belongs"),
    [
        ("DurableManagementStorage", True),
        ("durablemanagementstorage", True),
        ("DurableManagementStorage__accountName", True),
        ("DurableManagementStorage__credential", True),
        ("AzureWebJobsDurableManagementStorage", True),
        ("AzureWebJobsDurableManagementStorage__blobServiceUri", True),
        ("DurableManagementStorage2", False),
        ("DurableManagementStorage_Old", False),
        ("AzureWebJobsStorage", False),
    ],
)
def test_a_connection_is_a_family_of_settings(setting: str, belongs: bool) -> None:
    assert belongs_to(setting, "DurableManagementStorage") is belongs
    assert family([setting], "DurableManagementStorage") == ({setting} if belongs else set())


@pytest.mark.parametrize(
    ("settings", "accounts"),
    [
        ({"X": connection_string("blue1", KEY, AZURE)}, {"blue1"}),
        ({"X__accountName": "blue1", "X__credential": "managedidentity"}, {"blue1"}),
        ({"X__blobServiceUri": AZURE.blob, "X__queueServiceUri": AZURE.queue}, {"blue1"}),
        ({"X__tableServiceUri": LOCAL.table}, {"blue1"}),
        ({"X": "AccountName=blue1", "AzureWebJobsX": "AccountName=green1"}, {"blue1", "green1"}),
        ({"X": "AccountName=blue1", "X__accountName": "green1"}, {"blue1", "green1"}),
        ({"x__ACCOUNTNAME": "blue1"}, {"blue1"}),
        ({"Y": "AccountName=blue1"}, set()),
        ({"X": "nonsense", "X__clientId": "an-id"}, set()),
    ],
)
def test_all_accounts_that_a_connection_leads_to_are_found(settings: dict[str, str], accounts: set[str]) -> None:
    assert accounts_of(settings, "X") == accounts


def test_keys_and_signatures_are_never_printed() -> None:
    shown = redacted(f"{connection_string('blue1', KEY, AZURE)} and SharedAccessSignature=sv=1&sig=abc")
    assert KEY not in shown
    assert "abc" not in shown
    assert "AccountName=blue1;AccountKey=***;" in shown


@given(st.text())
def test_an_error_about_a_connection_string_does_not_hold_it(text: str) -> None:
    secret = "s3cr3t" + text.replace(";", "").replace("=", "")
    with pytest.raises(ValueError, match="without '='") as raised:
        parse_connection_string(f"AccountName=a;{secret}")
    assert "s3cr3t" not in str(raised.value)
