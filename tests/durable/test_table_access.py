from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.connections import (
    Endpoints,
    IdentityAccess,
    KeyAccess,
    access_of,
    blob_access,
    connection_string,
    parse_connection_string,
    table_access,
)
from durable.stores import Access

KEY = "c2VjcmV0IGtleQ=="
AZURE = Endpoints(*(f"https://blue1.{service}.core.windows.net/" for service in ("blob", "queue", "table")))
BLUE = connection_string("blue1", KEY, AZURE)
SIGNED = "TableEndpoint=https://blue1.table.core.windows.net;SharedAccessSignature=sv=1&sig=s3cr3t%3D"


@pytest.mark.parametrize(
    "settings",
    [
        {"X": BLUE},
        {"x": BLUE},
        {"AzureWebJobsX": BLUE},
        {"X": BLUE, "X__accountName": "blue1"},
        {"X": "AccountName=blue1;AccountKey=b2xk", "AzureWebJobsX": BLUE},
        {"AzureWebJobsX": BLUE, "X": "AccountName=blue1;AccountKey=b2xk"},
    ],
)
def test_a_connection_string_gives_access_by_key_and_the_prefixed_setting_goes_first(settings: dict[str, str]) -> None:
    access = table_access(settings, "X")
    assert isinstance(access, KeyAccess)
    assert access.account == "blue1"
    assert parse_connection_string(access.connection_string) == parse_connection_string(BLUE)


def test_a_shared_access_signature_is_kept_as_it_is() -> None:
    access = table_access({"X": SIGNED}, "X")
    assert isinstance(access, KeyAccess)
    assert access.account == "blue1"
    assert parse_connection_string(access.connection_string)["sharedaccesssignature"] == "sv=1&sig=s3cr3t%3D"


def test_blanks_around_the_parts_of_a_connection_string_do_not_matter() -> None:
    access = table_access({"X": f" AccountName = blue1 ; AccountKey={KEY} ; "}, "X")
    assert access == KeyAccess("blue1", f"accountname=blue1;accountkey={KEY}")


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ({"X__accountName": "blue1"}, "https://blue1.table.core.windows.net"),
        ({"AzureWebJobsX__accountName": "blue1", "X": ""}, "https://blue1.table.core.windows.net"),
        (
            {"X__tableServiceUri": "https://blue1.table.core.chinacloudapi.cn/"},
            "https://blue1.table.core.chinacloudapi.cn",
        ),
        (
            {"X__accountName": "blue1", "X__tableServiceUri": "https://blue1.table.core.usgovcloudapi.net"},
            "https://blue1.table.core.usgovcloudapi.net",
        ),
        (
            {"X__tableServiceUri": "http://127.0.0.1:10403/blue1/", "X__clientId": "an-id"},
            "http://127.0.0.1:10403/blue1",
        ),
        ({"X__tableServiceUri": f"{AZURE.table}?sv=1&sig=s3cr3t"}, "https://blue1.table.core.windows.net"),
    ],
)
def test_an_identity_reaches_the_tables_at_their_address_or_in_the_public_cloud(
    settings: dict[str, str], endpoint: str
) -> None:
    assert table_access(settings, "X") == IdentityAccess("blue1", endpoint)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"no app setting is the connection X; set X"),
        ({"Y": BLUE, "X2": BLUE}, r"no app setting is the connection X"),
        ({"X": "  "}, r"no app setting is the connection X"),
        ({"X": BLUE, "AzureWebJobsX": "AccountName=green1;AccountKey=x"}, r"different accounts, blue1, green1; leave"),
        ({"X": BLUE, "X__accountName": "green1"}, r"different accounts, blue1, green1"),
        ({"X__accountName": "green1", "X__blobServiceUri": AZURE.blob}, r"different accounts, blue1, green1"),
        ({"X": "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)"}, r"Key Vault.*X__accountName"),
        ({"X": "AccountKey=x"}, r"names no storage account; set a whole connection string"),
        ({"X": "a part without a sign"}, r"names no storage account"),
        ({"X__blobServiceUri": AZURE.blob}, r"no address of a table service; set X__accountName or X__tableServiceUri"),
        ({"X__clientId": "an-id"}, r"no address of a table service"),
        ({"X__tableServiceUri": "https://localhost/"}, r"no address of a table service"),
    ],
)
def test_a_connection_that_leads_to_no_one_account_is_refused_in_words(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        table_access(settings, "X")


@given(
    st.dictionaries(
        st.sampled_from(["X", "AzureWebJobsX", "X__accountName", "X__tableServiceUri", "X__blobServiceUri"]),
        st.sampled_from(
            [
                "AccountName=blue1;AccountKey=s3cr3t",
                "AccountKey=s3cr3t",
                SIGNED,
                "https://blue1.table.core.windows.net/?sig=s3cr3t",
                "s3cr3t.s3cr3t",
                "https://s3cr3t-s3cr3t.example/",
                "green1",
                "",
            ]
        ),
    )
)
def test_no_refusal_and_no_repr_holds_a_secret(settings: dict[str, str]) -> None:
    try:
        told = repr(table_access(settings, "X"))
    except ValueError as error:
        told = str(error)
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    ("settings", "form"),
    [
        ({}, None),
        ({"X": ""}, None),
        ({"Y__accountName": "blue1"}, None),
        ({"X": BLUE}, Access.KEYS),
        ({"AzureWebJobsX": BLUE, "X__accountName": "blue1"}, Access.KEYS),
        ({"x__ACCOUNTNAME": "blue1"}, Access.IDENTITY),
        ({"X": "", "X__tableServiceUri": "https://blue1.table.core.windows.net"}, Access.IDENTITY),
    ],
)
def test_a_connection_has_one_form_and_a_connection_string_goes_first(
    settings: dict[str, str], form: Access | None
) -> None:
    assert access_of(settings, "X") is form


def test_blobs_are_found_as_tables_are() -> None:
    assert isinstance(blob_access({"X": BLUE}, "X"), KeyAccess)
    public = IdentityAccess("blue1", "https://blue1.blob.core.windows.net")
    assert blob_access({"X__accountName": "blue1"}, "X") == public
    local = {"X__blobServiceUri": "http://127.0.0.1:1/blue1/", "X__tableServiceUri": "http://127.0.0.1:3/blue1/"}
    assert blob_access(local, "X") == IdentityAccess("blue1", "http://127.0.0.1:1/blue1")
    with pytest.raises(ValueError, match="no address of a blob service; set X__accountName or X__blobServiceUri"):
        blob_access({"X__tableServiceUri": "https://blue1.table.core.windows.net"}, "X")
