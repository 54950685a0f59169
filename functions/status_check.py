"""StatusCheck: whether orchestrations still need this app's code, for a pipeline that can't reach the app's storage.

The app is zipped alone, so what `durable/` knows about statuses, entities and packages stands here once more;
tests/functions/test_status_check.py holds the two together.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import azure.functions as func

FINISHED = frozenset({"Completed", "Failed", "Canceled", "Terminated"})
"""An instance in any other status is active, in one that nobody knows as well."""

ENTITY = re.compile(r"@[^@]+@")
"""How an entity's id begins. Entities run for ever, so they say nothing."""

PACKAGE = re.compile(r"([0-9a-f]{64})\.zip")

TIME = 200
"""Seconds for all pages: App Service ends an answer that takes longer than 230."""

PAGE = 1000
"""Instances a page; a table gives no more at once."""

CONTINUATION = "x-ms-continuation-token"
NO_MORE = ("", "bnVsbA==")
"""What the last page says; the second is "null" in base64, from older Durable extensions (issue 1174)."""

blueprint = func.Blueprint()


class UnknownError(Exception):
    """The task hub couldn't be read to its end."""


@blueprint.function_name("StatusCheck")
@blueprint.route(route="StatusCheck", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
@blueprint.generic_input_binding(arg_name="durable", type="durableClient")
async def status_check(req: func.HttpRequest, durable: str) -> func.HttpResponse:  # noqa: ARG001
    """200 with what `answer` gives, or 503 with {"hub", "package", "error"} where it can't tell."""
    # The rich client's get_status_all reads the first page only, so this asks the host as that does, with the token.
    host = json.loads(durable)
    about = {"hub": host["taskHubName"], "package": package_of(os.environ.get("WEBSITE_RUN_FROM_PACKAGE", ""))}
    try:
        async with asyncio.timeout(TIME):
            instances = [instance async for page in pages(host["rpcBaseUrl"]) for instance in page]
        status, body = 200, {**about, **answer(instances)}
    except (UnknownError, aiohttp.ClientError, TimeoutError, ValueError) as error:
        told = str(error) if isinstance(error, UnknownError) else type(error).__name__
        status, body = 503, {**about, "error": f"the task hub can't be read to its end: {told}"}
    headers = {"Cache-Control": "no-store"}
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json", headers=headers)


async def pages(base_url: str) -> AsyncIterator[list[dict[str, Any]]]:
    """All pages of the instances that the Durable extension has; any may be empty but for a token for the next one."""
    url, query = f"{base_url.rstrip('/')}/instances", {"top": str(PAGE), "showInput": "false"}
    seen: set[str] = set()
    token = ""
    async with aiohttp.ClientSession() as session:
        while True:
            headers = {CONTINUATION: token} if token else {}
            async with session.get(url, params=query, headers=headers, allow_redirects=False) as page:
                if page.status != 200:
                    raise UnknownError(f"the Durable extension answers {page.status}")
                rows = await page.json(content_type=None)
                token = page.headers.get(CONTINUATION, "")
            if not isinstance(rows, list) or not all(map(is_instance, rows)):
                raise UnknownError("the Durable extension's answer is no list of instances")
            yield rows
            if token in NO_MORE:
                return
            if token in seen:
                raise UnknownError("the Durable extension gives the same page again and again")
            seen.add(token)


def answer(instances: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What StatusCheck says about a hub with these instances.

    `HasRunning`: whether any is active, as in Microsoft's article. `active`: how many are, `byStatus`: how many in each
    status, `instances`: which, as {"id", "name", "status", "created"}. `rows`: how many there are, finished ones and
    entities included.
    """
    every = list(instances)
    active = [
        {
            "id": instance["instanceId"],
            "name": instance.get("name") or "",
            "status": instance.get("runtimeStatus") or "",
            "created": instance.get("createdTime"),
        }
        for instance in every
        if is_active(instance.get("runtimeStatus")) and not is_entity(instance["instanceId"])
    ]
    return {
        "HasRunning": bool(active),
        "active": len(active),
        "byStatus": Counter(instance["status"] for instance in active),
        "instances": active,
        "rows": len(every),
    }


def is_instance(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("instanceId"), str) and bool(row["instanceId"])


def is_active(status: str | None) -> bool:
    return status not in FINISHED


def is_entity(instance_id: str) -> bool:
    return ENTITY.match(instance_id) is not None


def package_of(run_from_package: str) -> str | None:
    """The SHA-256 of the package that the app runs, by its blob's name."""
    path = run_from_package.partition("?")[0]
    found = PACKAGE.fullmatch(path.rpartition("/")[2])
    return found[1] if found else None
