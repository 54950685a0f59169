"""What live slots hold, asked of the provider while the program runs, in previews as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from pulumi_azure_native import web

from durable.stores import Slot

_T = TypeVar("_T")
_NOT_FOUND = re.compile(r'Status=404 Code="(ResourceNotFound|ResourceGroupNotFound|ContainerNotFound)"')
_FORBIDDEN = re.compile(r"Status=403\b")
_RIGHTS = {
    Slot.PRODUCTION: "Microsoft.Web/sites/config/list/action",
    Slot.STAGING: "Microsoft.Web/sites/slots/config/list/action",
}


class LiveSettingsError(Exception):
    """It can't be told what a slot holds. Its text says what was answered, and what to do."""


def live_settings(group: str, site: str, staging_slot: str) -> Callable[[Slot], Mapping[str, str] | None]:
    """A function that gives a slot's app settings, None if the slot, its site or the group isn't deployed.

    It raises LiveSettingsError for every other answer: only a clear not-found may count as one (pulumi_engine.md 7a).
    """

    def read(slot: Slot) -> Mapping[str, str] | None:
        def ask() -> Mapping[str, str]:
            if slot is Slot.PRODUCTION:
                found = web.list_web_app_application_settings(name=site, resource_group_name=group)
                return dict(found.properties)
            staging = web.list_web_app_application_settings_slot(
                name=site, slot=staging_slot, resource_group_name=group
            )
            return dict(staging.properties)

        return answer(ask, f"The settings of the {slot} slot of {site} can't be read", _RIGHTS[slot])

    return read


def operation_in_progress(group: str, site: str) -> bool:
    """Whether ARM tells of an operation on the site, such as a swap. Raises LiveSettingsError."""

    def ask() -> bool:
        return bool(web.get_web_app(name=site, resource_group_name=group).in_progress_operation_id)

    return answer(ask, f"It can't be seen whether {site} is being swapped", "Microsoft.Web/sites/read") or False


def answer(
    ask: Callable[[], _T],
    failure: str,
    right: str,
    unknown: str = "what the slots hold",
    role: str = "Website Contributor",
) -> _T | None:
    """What an invoke answers, None where it is that there is no such thing.

    `failure` says what can't be had where it answers anything else, and `unknown` what is therefore not known; `right`
    and `role` are what allows it.
    """
    try:
        return ask()
    except Exception as error:
        # The SDK raises plain exceptions, whose text carries the provider's.
        text = str(error)
        if _NOT_FOUND.search(text):
            return None
        advice = "run again; if it stays, look at the service's health"
        if _FORBIDDEN.search(text):
            advice = f"give the identity that runs this the right {right}, such as by the role {role}"
        raise LiveSettingsError(
            f"{failure}, so it is unknown {unknown}: {text}. Nothing was changed. What to do: {advice}."
        ) from error
