"""What the provider tells its user when something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localazure.errors import LocalAzureError


class ProviderError(LocalAzureError):
    """Its text is shown by the engine beside the resource or invoke that it belongs to."""


class NotLoopbackError(ProviderError):
    """An address outside this machine: this provider never sends anything there."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"'{url}' is not an address of this machine, and this azure-native provider is a stand-in that serves "
            "local Azure only. For local Azure: `python -m localazure start`, then "
            '`eval "$(python -m localazure env)"`. For Azure itself: leave that shell (its PULUMI_HOME holds the '
            "stand-in) and let Pulumi install the real provider."
        )


class NoMetadataHostError(ProviderError):
    """Nothing says where local Azure is."""

    def __init__(self) -> None:
        super().__init__(
            "Local Azure's address is not known: set ARM_METADATA_HOSTNAME "
            '(`eval "$(python -m localazure env)"` does) or the stack config azure-native:metadataHost. '
            "This azure-native provider is a stand-in for local Azure; Azure itself needs the real one."
        )


class UnreachableError(ProviderError):
    """No answer came, after retries.

    `maybe_sent` tells that at least one attempt may have reached ARM, so a write may have been done.
    """

    def __init__(self, method: str, url: str, reason: str, *, maybe_sent: bool) -> None:
        super().__init__(
            f"{method} {url}: no answer from local Azure ({reason}). "
            "Is it running? `python -m localazure status` tells, `python -m localazure start` starts it."
        )
        self.maybe_sent = maybe_sent


class UnknownTypeError(ProviderError):
    """A resource type or invoke outside the catalogue."""

    def __init__(self, what: str, token: str, known: Iterable[str]) -> None:
        listed = "\n  ".join(sorted(known))
        super().__init__(f"Local Azure has no {what} '{token}'. It knows:\n  {listed}")


class CancelledError(ProviderError):
    """The engine asked to stop while a long-running operation was polled."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Stopped waiting for {url}: the update was cancelled. The operation goes on in local Azure.")


class TimedOutError(ProviderError):
    """A resource's customTimeouts ran out."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"Stopped waiting for {url} after {seconds:g} s, the time-out of this resource.")


class PartialFailureError(ProviderError):
    """ARM took a write, or may have taken it, but the resource isn't known to be ready.

    The engine keeps the resource with these outputs (empty if it was never read) and mends it in the next run.
    """

    def __init__(self, resource_id: str, outputs: Mapping[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.outputs = outputs


class ArmError(ProviderError):
    """ARM's refusal, in the text format of the real provider (`Status=404 Code="…" Message="…"`).

    Source of the format: pulumi-azure-native, provider/pkg/azure/client_azcore.go.
    """

    def __init__(self, status: int, code: str | None, message: str) -> None:
        named = f' Code="{code}"' if code else ""
        super().__init__(f'Status={status}{named} Message="{message}"')
        self.status = status
        self.code = code

    @classmethod
    def of(cls, status: int, body: object) -> ArmError:
        """The error in a response body or in an operation's answer: `{"error": {"code", "message"}}`."""
        error = body.get("error", body) if isinstance(body, Mapping) else None
        if not isinstance(error, Mapping):
            return cls(status, None, str(body or "no message"))
        code: Any = error.get("code")
        return cls(status, str(code) if code else None, str(error.get("message") or "no message"))

    @property
    def not_found(self) -> bool:
        return self.status == 404
