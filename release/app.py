"""A function app in live Azure, through azure-mgmt-web: its settings, whether it answers, and the swap of its slots."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import httpx
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import RetryPolicy
from azure.core.polling.base_polling import OperationFailed
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.web import WebSiteManagementClient

from durable.stores import Slot
from release.arm_errors import Task, advice, answered, called, denied, failure, is_not_deployed, status_of
from release.endpoints import is_loopback
from release.swap import AccessError, LiveError, SwapBusyError, SwapRefusedError, SwapUncertainError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from release.cloud import Cloud

__all__ = [
    "AccessError",
    "CallLimits",
    "LiveApp",
    "LiveError",
    "SwapBusyError",
    "SwapRefusedError",
    "SwapUncertainError",
    "open_app",
]

_SITE: Final = "Microsoft.Web/sites"
_SLOT: Final = "Microsoft.Web/sites/slots"
_NOT_ABOUT_THE_OPERATION: Final = frozenset({401, 403, 404, 408, 429})
"""Client errors in answer to a look at an operation that don't say how it ended."""


@dataclass(frozen=True)
class CallLimits:
    """How long calls to ARM may take, in seconds, and how often those that change nothing are repeated.

    `connect` and `read` are for one attempt, `call` is for a call with its repeats. The pauses between them double
    from `pause` on; neither they nor what ARM asks for with Retry-After are longer than `longest_pause`. A swap is
    looked at every `poll` unless ARM says how often, for no longer than `swap`.
    """

    connect: float = 15
    read: float = 60
    call: float = 300
    repeats: int = 6
    pause: float = 0.8
    longest_pause: float = 30
    poll: float = 5
    swap: float = 1800


def open_app(
    cloud: Cloud,
    credential: TokenCredential,
    subscription: str,
    group: str,
    site: str,
    staging_slot: str,
    limits: CallLimits = CallLimits(),
) -> LiveApp:
    """The app by its names; nothing is asked yet, so this never fails for what is or isn't in Azure."""
    client = WebSiteManagementClient(
        credential,
        subscription,
        cloud.resource_manager,
        credential_scopes=[cloud.scope],
        authentication_policy=_LoopbackToken(credential, cloud.scope) if cloud.loopback else None,
        retry_policy=_Repeats(limits),
        polling_interval=limits.poll,
        connection_timeout=limits.connect,
        read_timeout=limits.read,
        # A proxy has no way to this machine.
        use_env_settings=not cloud.loopback,
    )
    return LiveApp(client, cloud, group, site, staging_slot, limits)


class LiveApp:
    """The two slots of a function app. Implements release.swap.App."""

    def __init__(
        self,
        client: WebSiteManagementClient,
        cloud: Cloud,
        group: str,
        site: str,
        staging_slot: str,
        limits: CallLimits,
    ) -> None:
        self._client = client
        self._cloud = cloud
        self._group = group
        self._site = site
        self._staging = staging_slot
        self._limits = limits
        self._hosts: dict[Slot, str] = {}

    def __enter__(self) -> LiveApp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def settings(self, slot: Slot) -> dict[str, str] | None:
        """A slot's app settings; None if and only if ARM says that the slot, its site or their group isn't there.

        Raises AccessError, and LiveError for anything else that isn't an answer.
        """
        apps = self._client.web_apps
        try:
            if slot is Slot.PRODUCTION:
                found = apps.list_application_settings(self._group, self._site)
            else:
                found = apps.list_application_settings_slot(self._group, self._site, self._staging)
        except AzureError as error:
            if is_not_deployed(error):
                return None
            right = f"{_SITE if slot is Slot.PRODUCTION else _SLOT}/config/list/action"
            raise failure(Task(f"read the app settings of {self._named(slot)}", right), error) from error
        return dict(found.properties or {})

    def sticky(self) -> frozenset[str]:
        """The names of the app settings that stay with their slot at a swap."""
        task = Task(f"read which app settings of {self._site} are sticky", f"{_SITE}/config/read")
        found = called(task, lambda: self._client.web_apps.list_slot_configuration_names(self._group, self._site))
        return frozenset(found.app_setting_names or ())

    def swapping(self) -> bool:
        """Whether ARM tells of an operation in progress on the site."""
        task = Task(f"see whether {self._site} is being swapped", f"{_SITE}/read")
        site = called(task, lambda: self._client.web_apps.get(self._group, self._site))
        return bool(site.in_progress_operation_id)

    def ask(self, slot: Slot, path: str, timeout: float) -> int:
        """The status of a GET of a path at the slot's own host name, without following redirects.

        `timeout` is in seconds. Raises LiveError if there is no answer.
        """
        host = self._host(slot)
        url = f"https://{host}/{path.lstrip('/')}"
        base = self._cloud.resource_manager if self._cloud.loopback else f"https://{host}"
        try:
            with (
                httpx.Client(trust_env=not self._cloud.loopback, timeout=timeout) as client,
                client.stream("GET", f"{base}/{path.lstrip('/')}", headers={"Host": host}) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LiveError(
                f"{url} did not answer ({type(error).__name__}). What to do: see in the portal whether the app is "
                "running, and whether access restrictions keep this machine out."
            ) from error

    def swap(self) -> None:
        """Ask ARM, once, to exchange staging with production, and await the end.

        Raises SwapBusyError, SwapRefusedError or SwapUncertainError.
        """
        body: Any = {"targetSlot": self._staging, "preserveVnet": True}
        try:
            poller = self._client.web_apps.begin_swap_slot_with_production(self._group, self._site, body)
        except AzureError as error:
            raise self._not_begun(error) from error
        try:
            poller.wait(self._limits.swap)
        except AzureError as error:
            raise self._not_ended(error) from error
        if not poller.done():
            raise SwapUncertainError(
                f"The swap of {self._site} was begun, and has not ended in {self._limits.swap:g} seconds."
            )

    def _not_begun(self, error: AzureError) -> LiveError:
        """What an error in answer to the request for a swap means."""
        status, told = status_of(error), answered(error)
        if status in {409, 429}:
            return SwapBusyError(f"A swap of {self._site} can't begin now ({told}).")
        if status == 403:
            task = Task(f"swap the slots of {self._site}", f"{_SITE}/slotsswap/action")
            return SwapRefusedError(denied(task, error))
        # A login that fails by itself does so before anything is sent.
        if isinstance(error, ClientAuthenticationError) or (_is_clients(status) and status != 408):
            return SwapRefusedError(f"The swap of {self._site} was refused ({told}). {advice(error)}")
        return SwapUncertainError(
            f"Azure was asked to swap {self._site}, and it is not known whether it does ({told})."
        )

    def _not_ended(self, error: AzureError) -> LiveError:
        """What an error means while a swap is awaited.

        An operation that has failed says so in its status or, where its Location is polled, by an error status.
        """
        status, told = status_of(error), answered(error)
        failed = isinstance(error.inner_exception, OperationFailed)
        if failed or (_is_clients(status) and status not in _NOT_ABOUT_THE_OPERATION):
            return SwapRefusedError(
                f"The swap of {self._site} was begun and failed ({told}). What to do: if it was the warm-up, see in "
                "the log of the staging slot why; then run again."
            )
        return SwapUncertainError(f"The swap of {self._site} was begun, and it is not known how it ended ({told}).")

    def _host(self, slot: Slot) -> str:
        if slot not in self._hosts:
            apps = self._client.web_apps
            what = f"read the host name of {self._named(slot)}"
            if slot is Slot.PRODUCTION:
                found = called(Task(what, f"{_SITE}/read"), lambda: apps.get(self._group, self._site))
            else:
                task = Task(what, f"{_SLOT}/read")
                found = called(task, lambda: apps.get_slot(self._group, self._site, self._staging))
            if not found.default_host_name:
                raise LiveError(f"Azure has no host name for {self._named(slot)}. What to do: see it in the portal.")
            self._hosts[slot] = str(found.default_host_name)
        return self._hosts[slot]

    def _named(self, slot: Slot) -> str:
        where = "production" if slot is Slot.PRODUCTION else f"the slot {self._staging}"
        return f"{where} of {self._site} in {self._group}"


class _Repeats(RetryPolicy[HttpRequest, HttpResponse]):
    """Repeats what failed for a moment, but never the request for a swap: a second one would swap back.

    RetryPolicy on its own repeats a POST that is answered 500, 503 or 504, or anything along with Retry-After.
    """

    def __init__(self, limits: CallLimits) -> None:
        self._longest = limits.longest_pause
        super().__init__(
            retry_total=limits.repeats,
            retry_connect=limits.repeats,
            retry_read=limits.repeats,
            retry_status=limits.repeats,
            retry_backoff_factor=limits.pause,
            retry_backoff_max=limits.longest_pause,
            timeout=limits.call,
        )

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        if _is_swap(request.http_request):
            return self.next.send(request)
        # The other POSTs read lists that hold secrets, and change nothing.
        request.context.options["retry_on_methods"] = frozenset({"GET", "POST"})
        return super().send(request)

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        wanted = super().get_retry_after(response)
        return None if wanted is None else min(wanted, self._longest)


class _LoopbackToken(ARMChallengeAuthenticationPolicy):
    """Sends the token over plain http too, but only within this machine."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options["enforce_https"] = not is_loopback(request.http_request.url)
        super().on_request(request)


def _is_swap(request: HttpRequest) -> bool:
    return request.method == "POST" and "/slotsswap" in request.url.lower()


def _is_clients(status: int | None) -> bool:
    """Whether a status says that the request itself was at fault."""
    return status is not None and 400 <= status < 500
