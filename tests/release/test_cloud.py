"""Which Azure, and how to log in to it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from localazure.identity import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from release import endpoints, login
from release.azure_config import AzureConfig
from release.cloud import CONFIG_KEYS, Cloud, CloudError, credential, find_cloud, subscription
from release.login import LoopbackCredential
from tests.localazure.conftest import Arm, serving
from tests.localazure.storage import MemoryStorage

PUBLIC = Cloud("https://management.azure.com", "https://login.microsoftonline.com", "https://management.azure.com")
LOCAL = {"ARM_TENANT_ID": TENANT_ID, "ARM_CLIENT_ID": CLIENT_ID, "ARM_CLIENT_SECRET": CLIENT_SECRET}
SERVICE = {"ARM_TENANT_ID": "tenant", "ARM_CLIENT_ID": "client"}


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[Arm]:
    with serving(tmp_path / "arm.sqlite", MemoryStorage()) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_FIRST_PAUSE", 0)


def document(manager: str = "https://management.stack", login_endpoint: str = "https://login.stack/") -> dict[str, Any]:
    authentication = {"loginEndpoint": login_endpoint, "audiences": ["https://management.stack/guid"]}
    return {"name": "Stack", "resourceManager": f"{manager}/", "authentication": authentication}


def answering(*answers: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[str]]:
    """A transport that gives these answers in turn, and the addresses it was asked for."""
    left, asked = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle), asked


@pytest.mark.parametrize(
    ("config", "environ", "manager", "login_endpoint"),
    [
        ({}, {}, "management.azure.com", "login.microsoftonline.com"),
        ({"azure-native:environment": "public"}, {}, "management.azure.com", "login.microsoftonline.com"),
        ({}, {"ARM_ENVIRONMENT": "usgovernment"}, "management.usgovcloudapi.net", "login.microsoftonline.us"),
        ({}, {"AZURE_ENVIRONMENT": "AzureUSGovernment"}, "management.usgovcloudapi.net", "login.microsoftonline.us"),
        ({}, {"ARM_ENVIRONMENT": "china"}, "management.chinacloudapi.cn", "login.chinacloudapi.cn"),
        (
            {"azure-native:environment": "china"},
            {"ARM_ENVIRONMENT": "public"},
            "management.chinacloudapi.cn",
            "login.chinacloudapi.cn",
        ),
    ],
)
def test_a_known_cloud_is_found_by_its_name_and_config_goes_first(
    config: Mapping[str, str], environ: Mapping[str, str], manager: str, login_endpoint: str
) -> None:
    cloud = find_cloud(config, environ)
    assert cloud.resource_manager == f"https://{manager}"
    assert cloud.login == f"https://{login_endpoint}"
    assert not cloud.loopback


def test_the_scope_is_the_one_that_azures_clients_take() -> None:
    assert find_cloud({}, {}).scope == "https://management.azure.com/.default"
    government = find_cloud({}, {"ARM_ENVIRONMENT": "usgovernment"})
    assert government.scope == "https://management.core.usgovcloudapi.net/.default"


def test_a_cloud_that_nobody_knows_is_refused_instead_of_taken_for_the_public_one() -> None:
    with pytest.raises(CloudError, match=r"ARM_ENVIRONMENT\) is 'mars'.*public, usgovernment, china"):
        find_cloud({}, {"ARM_ENVIRONMENT": "mars"})


def test_local_azure_is_found_by_its_metadata(arm: Arm) -> None:
    cloud = find_cloud({}, {"ARM_METADATA_HOSTNAME": arm.url})
    assert cloud == Cloud(arm.url, arm.url, f"{arm.url}/", loopback=True)
    assert find_cloud({"azure-native:metadataHost": arm.url}, {"ARM_METADATA_HOSTNAME": "https://elsewhere"}) == cloud


def test_a_metadata_host_without_a_scheme_is_asked_by_https() -> None:
    transport, asked = answering(httpx.Response(200, json=document()))
    cloud = find_cloud({"azure-native:metadataHost": "management.stack"}, {}, transport)
    assert asked == ["https://management.stack/metadata/endpoints?api-version=2022-09-01"]
    assert cloud == Cloud("https://management.stack", "https://login.stack", "https://management.stack/guid")
    assert cloud.scope == "https://management.stack/guid/.default"


@pytest.mark.parametrize("host", ["http://management.stack", "http://10.0.0.1:8080", "ftp://127.0.0.1"])
def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(host: str) -> None:
    transport, asked = answering()
    with pytest.raises(CloudError, match=f"ARM_METADATA_HOSTNAME.*{host}.*https"):
        find_cloud({}, {"ARM_METADATA_HOSTNAME": host}, transport)
    assert asked == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (document(manager="http://management.stack"), "leads to http://management.stack"),
        (document(login_endpoint="http://login.stack"), "leads to http://login.stack"),
        (document(manager="http://127.0.0.1:1"), "one is local Azure and the other isn't"),
        (document(login_endpoint="http://127.0.0.1:1"), "one is local Azure and the other isn't"),
        ({"resourceManager": "https://management.stack"}, "doesn't say where"),
        ({**document(), "authentication": {"loginEndpoint": "https://x", "audiences": []}}, "doesn't say where"),
        ([document()], "no JSON object"),
    ],
)
def test_a_document_that_leads_astray_is_refused(content: Any, says: str) -> None:
    transport, _ = answering(httpx.Response(200, json=content))
    with pytest.raises(CloudError, match=says):
        find_cloud({}, {"ARM_METADATA_HOSTNAME": "management.stack"}, transport)


def test_a_metadata_host_that_fails_for_a_moment_is_asked_again() -> None:
    fine = httpx.Response(200, json=document())
    transport, asked = answering(httpx.Response(503), httpx.ReadError("reset"), httpx.Response(429), fine)
    assert find_cloud({}, {"ARM_METADATA_HOSTNAME": "management.stack"}, transport).login == "https://login.stack"
    assert len(asked) == 4


def test_a_metadata_host_that_does_not_answer_is_told_without_the_password_in_its_address() -> None:
    transport, asked = answering(*[httpx.ConnectError("refused")] * 9)
    with pytest.raises(
        CloudError, match=r"https://management\.stack doesn't answer \(ConnectError\), 4 times"
    ) as error:
        find_cloud({}, {"ARM_METADATA_HOSTNAME": "https://me:hunter2@management.stack"}, transport)
    assert "hunter2" not in str(error.value)
    assert len(asked) == 4


def test_a_metadata_host_that_says_no_is_not_asked_again() -> None:
    transport, asked = answering(httpx.Response(404))
    with pytest.raises(CloudError, match=r"answers 404"):
        find_cloud({}, {"ARM_METADATA_HOSTNAME": "management.stack"}, transport)
    assert len(asked) == 1


class Recorded:
    """Stands for a credential of azure-identity: what it was made with."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args = args
        self.options = options


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str], Mapping[str, str]], Any]:
    """Log in to the public cloud, with a recording of the credential's class by its name."""
    import azure.identity

    for name in (
        "AzureCliCredential",
        "CertificateCredential",
        "ClientAssertionCredential",
        "ClientSecretCredential",
        "DefaultAzureCredential",
        "ManagedIdentityCredential",
    ):
        monkeypatch.setattr(azure.identity, name, type(name, (Recorded,), {}))
    return lambda config, environ: credential(PUBLIC, config, environ)


AUTHORITY = {"authority": "https://login.microsoftonline.com"}


@pytest.mark.parametrize(
    ("config", "environ", "kind", "args", "options"),
    [
        ({}, {}, "AzureCliCredential", (), {"tenant_id": "", "subscription": None}),
        (
            {"azure-native:subscriptionId": "sub"},
            {"ARM_TENANT_ID": "tenant"},
            "AzureCliCredential",
            (),
            {"tenant_id": "tenant", "subscription": "sub"},
        ),
        (
            {"azure-native:clientSecret": "secret"},
            SERVICE,
            "ClientSecretCredential",
            ("tenant", "client", "secret"),
            AUTHORITY,
        ),
        (
            {"azure-native:clientId": "mine"},
            {**SERVICE, "ARM_CLIENT_SECRET": "secret", "ARM_USE_OIDC": "true", "ARM_USE_MSI": "true"},
            "ClientSecretCredential",
            ("tenant", "mine", "secret"),
            AUTHORITY,
        ),
        (
            {"azure-native:disableInstanceDiscovery": "true"},
            {**SERVICE, "ARM_CLIENT_SECRET": "secret"},
            "ClientSecretCredential",
            ("tenant", "client", "secret"),
            {**AUTHORITY, "disable_instance_discovery": True},
        ),
        (
            {"azure-native:clientCertificatePath": "/cert", "azure-native:clientCertificatePassword": "secret"},
            SERVICE,
            "CertificateCredential",
            ("tenant", "client", "/cert"),
            {**AUTHORITY, "password": "secret"},
        ),
        ({"azure-native:useMsi": "true"}, {}, "ManagedIdentityCredential", (), {"client_id": None}),
        ({"azure-native:useMsi": "true"}, SERVICE, "ManagedIdentityCredential", (), {"client_id": "client"}),
        ({"azure-native:useMsi": "false"}, {}, "AzureCliCredential", (), {"tenant_id": "", "subscription": None}),
        ({"azure-native:useDefaultAzureCredential": "true"}, {}, "DefaultAzureCredential", (), AUTHORITY),
    ],
)
def test_the_login_is_the_one_that_the_provider_would_take(
    recorded: Callable[..., Any],
    config: Mapping[str, str],
    environ: Mapping[str, str],
    kind: str,
    args: tuple[Any, ...],
    options: Mapping[str, Any],
) -> None:
    made = recorded(config, environ)
    assert (type(made).__name__, made.args, made.options) == (kind, args, options)


def test_an_oidc_token_comes_from_config_a_file_or_the_pipeline(
    recorded: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = {**SERVICE, "ARM_USE_OIDC": "true"}

    def token(**environ: str) -> str:
        made = recorded({}, {**oidc, **environ})
        assert type(made).__name__ == "ClientAssertionCredential"
        assert (made.args[:2], made.options) == (("tenant", "client"), AUTHORITY)
        return str(made.args[2]())

    assert token(ARM_OIDC_TOKEN="given") == "given"
    file = tmp_path / "token"
    file.write_text("first\n")
    made = recorded({}, {**oidc, "ARM_OIDC_TOKEN_FILE_PATH": str(file)})
    assert made.args[2]() == "first"
    file.write_text("renewed")
    assert made.args[2]() == "renewed"

    asked: list[Any] = []

    def ask(method: str, url: str, who: str, **request: Any) -> dict[str, Any]:  # noqa: ARG001
        asked.append((method, url, request["headers"]["Authorization"]))
        return {"value": "requested"}

    monkeypatch.setattr(login, "ask", ask)
    github = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer",
    }
    assert token(**github) == "requested"
    url = "https://pipelines.example/token?api-version=2&audience=api%3A%2F%2FAzureADTokenExchange"
    assert asked == [("GET", url, "Bearer bearer")]
    with pytest.raises(CloudError, match=r"oidcRequestUrl.*https"):
        token(**{**github, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://pipelines.example"})


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"ARM_CLIENT_SECRET": "hunter2", "ARM_CLIENT_ID": "client"}, "azure-native:tenantId.*ARM_TENANT_ID.*secret"),
        ({"ARM_CLIENT_SECRET": "hunter2", "ARM_TENANT_ID": "tenant"}, "azure-native:clientId.*ARM_CLIENT_ID.*secret"),
        ({"ARM_CLIENT_CERTIFICATE_PATH": "/cert"}, "azure-native:tenantId.*a client certificate needs it"),
        ({"ARM_USE_OIDC": "true"}, "azure-native:tenantId.*OIDC needs it"),
        ({"ARM_USE_OIDC": "true", **SERVICE}, "no token for it.*id-token: write.*ARM_OIDC_TOKEN_FILE_PATH"),
    ],
)
def test_a_login_that_lacks_a_part_is_refused_by_key_and_variable(environ: Mapping[str, str], says: str) -> None:
    with pytest.raises(CloudError, match=says) as error:
        credential(PUBLIC, {}, environ)
    assert "hunter2" not in str(error.value)


def test_files_that_can_not_be_read_are_named_with_their_key(tmp_path: Path, recorded: Callable[..., Any]) -> None:
    missing = str(tmp_path / "missing")
    made = recorded({}, {**SERVICE, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": missing})
    with pytest.raises(CloudError, match=r"oidcTokenFilePath \(ARM_OIDC_TOKEN_FILE_PATH\).*No such file"):
        made.args[2]()


def test_a_certificate_that_can_not_be_used_is_told_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match=r"clientCertificatePath \(ARM_CLIENT_CERTIFICATE_PATH\).*No such file"):
        credential(PUBLIC, {}, {**SERVICE, "ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "missing")})
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(CloudError, match="The login by a client certificate can't be used"):
        credential(PUBLIC, {}, {**SERVICE, "ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "cert.pem")})


def test_local_azure_is_logged_in_to_at_its_own_token_endpoint(arm: Arm) -> None:
    cloud = find_cloud({}, {"ARM_METADATA_HOSTNAME": arm.url})
    arm.fault(path="/oauth2/v2.0/token", fault={"status": 503})
    token = credential(cloud, {}, LOCAL).get_token(cloud.scope)
    claims = token.token.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["tid"] == TENANT_ID
    assert arm.http.get("/localazure/faults").json() == {"faults": []}


def test_local_azure_is_not_asked_through_a_proxy(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    cloud = find_cloud({}, {"ARM_METADATA_HOSTNAME": arm.url})
    assert credential(cloud, {}, LOCAL).get_token(cloud.scope).token


@pytest.mark.parametrize("missing", sorted(LOCAL))
def test_a_part_of_local_azures_login_that_is_missing_is_named(missing: str) -> None:
    environ = {name: value for name, value in LOCAL.items() if name != missing}
    cloud = Cloud("http://127.0.0.1:1", "http://127.0.0.1:1", "x", loopback=True)
    with pytest.raises(CloudError, match=f"{missing}.*local Azure needs it"):
        credential(cloud, {}, environ)


def test_a_login_that_local_azure_refuses_is_told_without_the_secret(arm: Arm) -> None:
    arm.fault(path="/oauth2/v2.0/token", fault={"status": 401})
    refused = LoopbackCredential(Cloud(arm.url, arm.url, "x", loopback=True), "tenant", "client", "hunter2")
    with pytest.raises(CloudError, match="answers 401") as error:
        refused.get_token("scope")
    assert "hunter2" not in str(error.value)


def test_the_subscription_comes_from_config_before_the_environment() -> None:
    environ = {"ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID}
    assert subscription({}, environ) == SUBSCRIPTION_ID
    assert subscription({"azure-native:subscriptionId": "mine"}, environ) == "mine"


def test_a_service_principal_without_a_subscription_is_told_so() -> None:
    with pytest.raises(CloudError, match=r"subscriptionId \(ARM_SUBSCRIPTION_ID\).*a client secret needs it"):
        subscription({}, {**SERVICE, "ARM_CLIENT_SECRET": "hunter2"})


def command_line(folder: Path, script: str) -> dict[str, str]:
    """An environment with an `az` of our own."""
    command = folder / "az"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return {"PATH": str(folder)}


def test_the_azure_command_line_tells_its_default_subscription(tmp_path: Path) -> None:
    script = f'[ "$*" = "account show --query id --output tsv" ] && echo {SUBSCRIPTION_ID}'
    assert subscription({}, command_line(tmp_path, script)) == SUBSCRIPTION_ID


@pytest.mark.parametrize("script", ["exit 1", "true"])
def test_a_command_line_without_a_login_is_told_with_both_ways_out(tmp_path: Path, script: str) -> None:
    with pytest.raises(CloudError, match=r"`az account show` names no subscription.*az login.*ARM_SUBSCRIPTION_ID"):
        subscription({}, command_line(tmp_path, script))


def test_a_machine_without_the_command_line_is_told_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match=r"no Azure command line \(az\) here.*ARM_SUBSCRIPTION_ID.*ARM_CLIENT_SECRET"):
        subscription({}, {"PATH": str(tmp_path)})


def test_the_keys_of_config_are_full_ones() -> None:
    assert {"azure-native:clientSecret", "azure-native:metadataHost", "azure-native:subscriptionId"} <= set(CONFIG_KEYS)


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [("release.cloud", "azure"), ("release.app", "azure.identity"), ("release.swap", "azure")],
)
def test_slow_modules_are_not_loaded_before_they_are_needed(module: str, unloaded: str) -> None:
    script = f"import sys, {module}; sys.exit({unloaded!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("config", "environ", "public"),
    [
        ({}, {}, True),
        ({"azure-native:environment": "Public"}, {}, True),
        ({}, {"ARM_ENVIRONMENT": "AzureCloud"}, True),
        ({"azure-native:environment": "china"}, {}, False),
        ({}, {"ARM_METADATA_HOSTNAME": "localhost:10400"}, False),
        ({"azure-native:metadataHost": "management.azure.com"}, {}, False),
    ],
)
def test_the_public_cloud_is_known_without_asking_anyone(
    config: dict[str, str], environ: dict[str, str], public: bool
) -> None:
    assert AzureConfig(config, environ).is_public is public
