"""Logging in to Azure as the azure-native provider does: with what config or environment give, else as `az` is."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from release.azure_config import AzureConfig, CloudError, Login, told
from release.endpoints import ask, refuse_open

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

    from release.cloud import Cloud

_CLI_TIMEOUT: Final = 60.0
"""Seconds: `az` is slow to start on some machines."""


def credential(cloud: Cloud, config: Mapping[str, str], environ: Mapping[str, str]) -> TokenCredential:
    """The way to log in that config or environment ask for; the login of the Azure command line if neither does.

    One that is asked for and lacks a part is an error, and no other is tried. Raises CloudError; so may its use.
    """
    given = AzureConfig(config, environ)
    if cloud.loopback:
        return LoopbackCredential(cloud, *given.require("tenantId", "clientId", "clientSecret", for_="local Azure"))
    try:
        return _credential(cloud, given)
    except ValueError as error:
        raise CloudError(
            f"The login by {given.login} can't be used: {error} What to do: correct {told('tenantId')}, "
            f"{told('clientId')} and what else it is made of."
        ) from error


def subscription(config: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The subscription's id, from config or environment; with the Azure command line's login its default one.

    Raises CloudError.
    """
    given = AzureConfig(config, environ)
    if given.login is Login.COMMAND_LINE and not given.get("subscriptionId"):
        return _default_subscription(given)
    return given.require("subscriptionId", for_=f"a login by {given.login}")[0]


class LoopbackCredential:
    """Asks a loopback cloud's own token endpoint, by client credentials: azure-identity takes no http address."""

    def __init__(self, cloud: Cloud, tenant: str, client: str, secret: str) -> None:
        self._url = f"{cloud.login}/{tenant}/oauth2/v2.0/token"
        self._form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        answer = ask("POST", self._url, "local Azure's login", data={**self._form, "scope": " ".join(scopes)})
        try:
            return AccessToken(str(answer["access_token"]), int(time.time()) + int(answer["expires_in"]))
        except (KeyError, TypeError, ValueError):
            raise CloudError("Local Azure answers a login without a token: is it another server's address?") from None


def _credential(cloud: Cloud, given: AzureConfig) -> TokenCredential:
    from azure import identity

    at: dict[str, Any] = {"authority": cloud.login}
    if given.flag("disableInstanceDiscovery"):
        at["disable_instance_discovery"] = True
    for_ = f"a login by {given.login}"
    match given.login:
        case Login.DEFAULT:
            return identity.DefaultAzureCredential(**at)
        case Login.CERTIFICATE:
            tenant, client, path = given.require("tenantId", "clientId", "clientCertificatePath", for_=for_)
            password = given.get("clientCertificatePassword") or None
            try:
                return identity.CertificateCredential(tenant, client, path, password=password, **at)
            except OSError as error:
                raise _unreadable("clientCertificatePath", path, error) from error
        case Login.SECRET:
            names = given.require("tenantId", "clientId", "clientSecret", for_=for_)
            return identity.ClientSecretCredential(*names, **at)
        case Login.OIDC:
            tenant, client = given.require("tenantId", "clientId", for_=for_)
            return identity.ClientAssertionCredential(tenant, client, _assertion(given), **at)
        case Login.MANAGED_IDENTITY:
            return identity.ManagedIdentityCredential(client_id=given.get("clientId") or None)
        case Login.COMMAND_LINE:
            chosen = given.get("subscriptionId") or None
            return identity.AzureCliCredential(tenant_id=given.get("tenantId"), subscription=chosen)


def _assertion(given: AzureConfig) -> Callable[[], str]:
    """Where the token of an OIDC login comes from, each time that one is wanted."""
    if token := given.get("oidcToken"):
        return lambda: token
    if path := given.get("oidcTokenFilePath"):
        return lambda: _token_in(path)
    url, secret = given.get("oidcRequestUrl"), given.get("oidcRequestToken")
    if url and secret:
        refuse_open(url, told("oidcRequestUrl"))
        audience = given.get("oidcAudience") or "api://AzureADTokenExchange"
        return lambda: _requested_token(url, secret, audience)
    raise CloudError(
        "A login by OIDC is asked for, and there is no token for it. What to do: in GitHub Actions give the job "
        f"`permissions: id-token: write`; elsewhere set {told('oidcToken')} or {told('oidcTokenFilePath')}."
    )


def _token_in(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _unreadable("oidcTokenFilePath", path, error) from error


def _requested_token(url: str, secret: str, audience: str) -> str:
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    full = str(httpx.URL(url).copy_set_param("audience", audience))
    token = ask("GET", full, "the pipeline's identity provider", headers=headers).get("value")
    if not isinstance(token, str):
        raise CloudError("The pipeline's identity provider answers the request for an OIDC token without one.")
    return token


def _unreadable(key: str, path: str, error: OSError) -> CloudError:
    return CloudError(f"The file {path}, which {told(key)} names, can't be read: {error.strerror}.")


def _default_subscription(given: AzureConfig) -> str:
    command = shutil.which("az", path=given.environ.get("PATH"))
    way_out = f"log in with `az login`, or set {told('subscriptionId')} and a login, such as {told('clientSecret')}"
    if command is None:
        raise CloudError(f"No login is set, and there is no Azure command line (az) here. What to do: {way_out}.")
    try:
        done = subprocess.run(
            [command, "account", "show", "--query", "id", "--output", "tsv"],
            env=dict(given.environ),
            capture_output=True,
            text=True,
            timeout=_CLI_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CloudError(f"`az account show` didn't run to its end ({type(error).__name__}).") from error
    if done.returncode != 0 or not done.stdout.strip():
        raise CloudError(f"No login is set, and `az account show` names no subscription. What to do: {way_out}.")
    return done.stdout.strip()
