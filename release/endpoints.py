"""Addresses that secrets are sent to, and JSON from them."""

from __future__ import annotations

import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import tenacity

from release.azure_config import CloudError

_TIMEOUT: Final = 30.0
_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.5
"""Of the pauses between attempts, in seconds as the timeout of one; each is twice the last."""

_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_plain(url: str) -> bool:
    """Whether what is sent to an address goes there unencrypted."""
    return urlsplit(url).scheme != "https"


def origin(url: str) -> str:
    """An address without its path, and without a user's name and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme else host


def refuse_open(url: str, source: str) -> None:
    """Raise CloudError for an address, found in `source`, to which a secret would travel in the open."""
    if not is_plain(url) or (urlsplit(url).scheme == "http" and is_loopback(url)):
        return
    raise CloudError(
        f"{source} leads to {origin(url)}, and a login over anything but https can be read on its way. What to do: "
        "use an https address; plain http is for an address of this machine, such as local Azure's."
    )


class _TransientError(Exception):
    """No answer, or one that says to come again; the text is for a person."""


def ask(
    method: str, url: str, who: str, transport: httpx.BaseTransport | None = None, **request: Any
) -> dict[str, Any]:
    """The JSON object that an address answers; what may go better later is tried again. Raises CloudError.

    `who` names the address to a person. Neither request nor answer is told in an error: both may hold secrets.
    """
    where = f"{who} at {origin(url)}"

    def attempt() -> httpx.Response:
        try:
            # A proxy has no way to this machine.
            with httpx.Client(transport=transport, trust_env=not is_loopback(url), timeout=_TIMEOUT) as client:
                answer = client.request(method, url, **request)
        except httpx.HTTPError as error:
            raise _TransientError(f"{where} doesn't answer ({type(error).__name__})") from error
        if answer.status_code in _TRANSIENT:
            raise _TransientError(f"{where} answers {answer.status_code}")
        return answer

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_exponential(_FIRST_PAUSE),
        reraise=True,
    )
    try:
        answer = attempts(attempt)
    except _TransientError as error:
        raise CloudError(
            f"{error}, {_ATTEMPTS} times. What to do: check address and network, and run again."
        ) from error
    except httpx.InvalidURL as error:
        raise CloudError(f"The address of {who} is no URL: {error}.") from None
    if answer.status_code != 200:
        raise CloudError(f"{where} answers {answer.status_code}. What to do: check the address and the login.")
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CloudError(f"{where} answers something that is no JSON object. What to do: check the address.")
    return content
