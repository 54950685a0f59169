"""The HTTP API over the orchestrations of a hub, as the Durable extension has it (azure_facts.md 3.5)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

from durable.entities import EntityId
from durable.instance_ids import instance_id_problem
from durable.statuses import FINISHED, InstanceStatus
from localazure.arm.calls import Reply

if TYPE_CHECKING:
    from localazure.hubs.backend import Snapshot
    from localazure.hubs.hub import Hub

Json = dict[str, Any]

_TOKEN: Final = "x-ms-continuation-token"  # noqa: S105
_PAGE: Final = 100
_SECONDS_UNTIL_THE_NEXT_LOOK: Final = "10"
_NUMBERS: Final = {
    0: InstanceStatus.RUNNING,
    1: InstanceStatus.COMPLETED,
    2: InstanceStatus.CONTINUED_AS_NEW,
    3: InstanceStatus.FAILED,
    4: InstanceStatus.CANCELED,
    5: InstanceStatus.TERMINATED,
    6: InstanceStatus.PENDING,
    7: InstanceStatus.SUSPENDED,
}
"""The extension's numbers of the statuses (azure_facts.md 3.2), which are the protocol's, too."""


@dataclass(frozen=True)
class Links:
    """What the URLs that are handed out have in them: where the site answers, its hub, and a key for it."""

    base: str
    hub: str
    connection: str
    code: str

    def of(self, instance_id: str) -> Json:
        """The body of a check status response."""
        here = f"{self.base}/instances/{quote(instance_id, safe='')}"
        query = f"taskHub={quote(self.hub)}&connection={quote(self.connection)}&code={quote(self.code, safe='')}"
        verbs = ("terminate", "suspend", "resume", "rewind")
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{here}?{query}",
            "sendEventPostUri": f"{here}/raiseEvent/{{eventName}}?{query}",
            **{f"{verb}PostUri": f"{here}/{verb}?reason={{text}}&{query}" for verb in verbs},
            "purgeHistoryDeleteUri": f"{here}?{query}",
            "restartPostUri": f"{here}/restart?{query}",
        }


@dataclass(frozen=True)
class Request:
    """A request below the base of the API; `path` is without it.

    `orchestrators` are those that the app has, None if that isn't known.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    links: Links = field(default_factory=lambda: Links("", "", "", ""))
    orchestrators: Collection[str] | None = None

    def text(self, name: str) -> str:
        """A query parameter, whatever the case of its name; empty if there is none."""
        return next((value for key, value in self.query.items() if key.lower() == name.lower()), "")

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name).lower()
        return default if not value else value in {"true", "1"}


class _RefusedError(Exception):
    """The backend's refusal of a call, by the name of gRPC's status code."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code


class _Context:
    """What the backend's methods need of a gRPC call."""

    def abort(self, code: Any, details: str) -> NoReturn:
        raise _RefusedError(code.name, details)


def answer(hub: Hub | None, request: Request) -> Reply:
    """Answer a request about a hub's instances; None is a hub that nobody has joined, so it has none."""
    parts = [part for part in request.path.split("/") if part]
    match (request.method, *parts):
        case ("GET", "instances"):
            return _list(hub, request)
        case ("DELETE", "instances"):
            return _purge(hub, request)
        case ("GET" | "HEAD", "instances", instance_id):
            return _status(hub, request, instance_id)
        case ("DELETE", "instances", instance_id):
            return _purge(hub, request, instance_id)
        case ("POST", "instances", instance_id, "raiseEvent", name):
            return _raise_event(hub, request, instance_id, name)
        case ("POST", "instances", instance_id, ("terminate" | "suspend" | "resume" | "rewind" | "restart") as verb):
            return _act(hub, request, instance_id, verb)
        case ("POST", "orchestrators", name):
            return _start(hub, request, name, "")
        case ("POST", "orchestrators", name, instance_id):
            return _start(hub, request, name, instance_id)
        case ("GET", "entities", name, key):
            return _entity(hub, name, key)
        case ("POST", "entities", name, key):
            return _signal(hub, request, name, key)
        case ("GET", "entities", *name):
            return _entities(hub, request, *name[:1])
        case _:
            return Reply(404, {"error": f"404 Not found: {request.method} /{'/'.join(parts)}."})


def _list(hub: Hub | None, request: Request) -> Reply:
    """In the order of the ids. What comes on a later page is what comes after the last id, whatever happens between."""
    after = _decoded(request.headers.get(_TOKEN, ""))
    size = int(request.text("top")) if request.text("top").isdecimal() else _PAGE
    found = [each for each in (hub.backend.snapshots() if hub else []) if each.id > after and _wanted(each, request)]
    page = found[: max(size, 1)]
    more = {_TOKEN: _encoded(page[-1].id)} if len(found) > len(page) else {}
    return Reply(200, [_shown(each, request.flag("showInput", True)) for each in page], more)


def _wanted(found: Snapshot, request: Request) -> bool:
    statuses, since, until = _statuses(request), _time(request, "createdTimeFrom"), _time(request, "createdTimeTo")
    created = _created(found)
    return (
        (not statuses or _standing(found) in statuses)
        and found.id.startswith(request.text("instanceIdPrefix"))
        and (since is None or created >= since)
        and (until is None or created <= until)
    )


def _statuses(request: Request) -> set[str]:
    """Names that aren't spelled exactly so are dropped, and if none is left there is no filter: as Azure has it."""
    found: set[str] = set()
    for name in (part.strip() for part in request.text("runtimeStatus").split(",")):
        if name.isdecimal():
            found.add(_NUMBERS.get(int(name), name))
        elif name in set(InstanceStatus):
            found.add(name)
    return found


def _status(hub: Hub | None, request: Request, instance_id: str) -> Reply:
    found = _instance(hub, instance_id)
    if found is None:
        return _missing(instance_id)
    if request.flag("showHistory"):
        return Reply(501, {"error": "Local Azure doesn't show histories: leave showHistory out."})
    body = _shown(found, request.flag("showInput", True))
    status = _standing(found)
    if status not in FINISHED:
        where = {"Location": request.links.of(instance_id)["statusQueryGetUri"]} if request.links.base else {}
        return Reply(202, body, {**where, "Retry-After": _SECONDS_UNTIL_THE_NEXT_LOOK})
    failed = status == InstanceStatus.FAILED and request.flag("returnInternalServerErrorOnFailure")
    return Reply(500 if failed else 200, body)


def _purge(hub: Hub | None, request: Request, instance_id: str = "") -> Reply:
    from durabletask.internal import orchestrator_service_pb2 as pb

    if hub is None:
        return _missing(instance_id) if instance_id else Reply(404, {"error": "There is nothing to purge."})
    wanted = pb.PurgeInstancesRequest(instanceId=instance_id) if instance_id else pb.PurgeInstancesRequest()
    if not instance_id:
        wanted.purgeInstanceFilter.SetInParent()
        for name in ("createdTimeFrom", "createdTimeTo"):
            if (moment := _time(request, name)) is not None:
                getattr(wanted.purgeInstanceFilter, name).FromDatetime(moment)
        numbers = {status.value: number for number, status in _NUMBERS.items()}
        known = [numbers[status] for status in _statuses(request) if status in numbers]
        wanted.purgeInstanceFilter.runtimeStatus.extend(known)  # type: ignore[arg-type]
    deleted = hub.backend.PurgeInstances(wanted, _Context()).deletedInstanceCount  # type: ignore[arg-type]
    if not deleted:
        return _missing(instance_id) if instance_id else Reply(404, {"error": "There is nothing to purge."})
    return Reply(200, {"instancesDeleted": deleted})


def _raise_event(hub: Hub | None, request: Request, instance_id: str, name: str) -> Reply:
    from durabletask.internal import orchestrator_service_pb2 as pb

    found = _instance(hub, instance_id)
    if hub is None or found is None:
        return _missing(instance_id)
    if _standing(found) in FINISHED:
        return _over(instance_id)
    if (content := _json_text(request)) is None:
        return Reply(400, {"error": "Only application/json request content is supported."})
    event = pb.RaiseEventRequest(instanceId=instance_id, name=name)
    event.input.value = content or "null"
    return _done(lambda: hub.backend.RaiseEvent(event, _Context()))  # type: ignore[arg-type]


def _act(hub: Hub | None, request: Request, instance_id: str, verb: str) -> Reply:
    from durabletask.internal import orchestrator_service_pb2 as pb

    found = _instance(hub, instance_id)
    if hub is None or found is None:
        return _missing(instance_id)
    status, reason = _standing(found), request.text("reason")
    context: Any = _Context()
    if verb == "restart":
        new = request.flag("restartWithNewInstanceId", True)
        wanted = pb.RestartInstanceRequest(instanceId=instance_id, restartWithNewInstanceId=new)
        try:
            made = hub.backend.RestartInstance(wanted, context).instanceId
        except _RefusedError as refused:
            return Reply(409, {"error": str(refused)})
        return Reply(202, request.links.of(made))
    if verb == "rewind":
        if status != InstanceStatus.FAILED:
            return _over(instance_id)
        rewind = pb.RewindInstanceRequest(instanceId=instance_id)
        rewind.reason.value = reason
        return _done(lambda: hub.backend.RewindInstance(rewind, context))
    if status in FINISHED:
        return _over(instance_id)
    if verb == "terminate":
        terminate = pb.TerminateRequest(instanceId=instance_id)
        terminate.output.value = json.dumps(reason)
        return _done(lambda: hub.backend.TerminateInstance(terminate, context))
    if verb == "suspend":
        suspend = pb.SuspendRequest(instanceId=instance_id)
        suspend.reason.value = reason
        return _done(lambda: hub.backend.SuspendInstance(suspend, context))
    resume = pb.ResumeRequest(instanceId=instance_id)
    resume.reason.value = reason
    return _done(lambda: hub.backend.ResumeInstance(resume, context))


def _start(hub: Hub | None, request: Request, name: str, instance_id: str) -> Reply:
    from durabletask.internal import orchestrator_service_pb2 as pb

    if hub is None:
        return Reply(404, {"error": f"404 Not found: nobody has joined the task hub {request.links.hub}."})
    if request.orchestrators is not None and name not in request.orchestrators:
        unknown = f"The function '{name}' doesn't exist, or is not an orchestrator function."
        return Reply(400, {"error": unknown, "ExceptionMessage": unknown})
    if instance_id and (problem := instance_id_problem(instance_id)) is not None:
        return Reply(400, {"error": problem, "ExceptionMessage": problem})
    if (content := _json_text(request)) is None:
        return Reply(400, {"error": "The body must be JSON.", "ExceptionMessage": "The body must be JSON."})
    wanted = pb.CreateInstanceRequest(instanceId=instance_id, name=name)
    if content:
        wanted.input.value = content
    if version := request.text("version"):
        wanted.version.value = version
    # Those of the extension's overridableExistingInstanceStates, by default: what isn't active any more.
    replaceable = [number for number, status in _NUMBERS.items() if status in FINISHED]
    wanted.orchestrationIdReusePolicy.replaceableStatus.extend(replaceable)  # type: ignore[arg-type]
    try:
        made = hub.backend.StartInstance(wanted, _Context()).instanceId  # type: ignore[arg-type]
    except _RefusedError:
        problem = f"An Orchestration instance with the status {_named(hub, instance_id)} already exists."
        return Reply(409, {"Message": problem})
    links = request.links.of(made)
    return Reply(202, links, {"Location": links["statusQueryGetUri"], "Retry-After": _SECONDS_UNTIL_THE_NEXT_LOOK})


def _named(hub: Hub, instance_id: str) -> str:
    return _standing(hub.backend.snapshot(instance_id))


def _entity(hub: Hub | None, name: str, key: str) -> Reply:
    found = hub.backend.snapshot(str(EntityId(name, key))).entity if hub else None
    if found is None or found.serialized_state is None:
        return Reply(404, {"error": f"There is no entity {EntityId(name, key)}."})
    return Reply(200, _parsed(found.serialized_state))


def _entities(hub: Hub | None, request: Request, name: str = "") -> Reply:
    prefix = f"@{name.lower()}@" if name else "@"
    after = _decoded(request.headers.get(_TOKEN, ""))
    size = int(request.text("top")) if request.text("top").isdecimal() else _PAGE
    every = hub.backend.snapshots() if hub else []
    found = [each for each in every if each.entity and each.id.startswith(prefix) and each.id > after]
    page = found[: max(size, 1)]
    more = {_TOKEN: _encoded(page[-1].id)} if len(found) > len(page) else {}
    return Reply(200, [_shown_entity(each, request.flag("fetchState")) for each in page], more)


def _shown_entity(found: Snapshot, state: bool) -> Json:
    name, _, key = found.id[1:].partition("@")
    shown: Json = {"entityId": {"name": name, "key": key}, "lastOperationTime": _text(_updated(found))}
    if state and found.entity is not None:
        shown["state"] = _parsed(found.entity.serialized_state)
    return shown


def _signal(hub: Hub | None, request: Request, name: str, key: str) -> Reply:
    from uuid import uuid4

    from durabletask.internal import orchestrator_service_pb2 as pb

    if hub is None:
        return Reply(404, {"error": f"404 Not found: nobody has joined the task hub {request.links.hub}."})
    if (content := _json_text(request)) is None:
        return Reply(400, {"error": "Only application/json request content is supported."})
    signal = pb.SignalEntityRequest(instanceId=str(EntityId(name, key)), name=request.text("op"), requestId=uuid4().hex)
    if content:
        signal.input.value = content
    return _done(lambda: hub.backend.SignalEntity(signal, _Context()))  # type: ignore[arg-type]


def _instance(hub: Hub | None, instance_id: str) -> Snapshot | None:
    found = hub.backend.snapshot(instance_id) if hub else None
    return found if found is not None and (found.orchestration or found.entity) else None


def _shown(found: Snapshot, show_input: bool) -> Json:
    from localazure.hubs.rows import output_of

    instance = found.orchestration
    return {
        "name": instance.name if instance else f"@{found.id[1:].partition('@')[0]}",
        "instanceId": found.id,
        "runtimeStatus": _standing(found),
        "input": _parsed(instance.input) if instance and show_input else None,
        "customStatus": _parsed(instance.custom_status) if instance else None,
        "output": _parsed(output_of(instance)) if instance else None,
        "createdTime": _text(_created(found)),
        "lastUpdatedTime": _text(_updated(found)),
    }


def _standing(found: Snapshot) -> str:
    """The status by its name; an entity is Running for ever."""
    return _NUMBERS[found.orchestration.status].value if found.orchestration else InstanceStatus.RUNNING.value


def _created(found: Snapshot) -> datetime:
    return found.orchestration.created_at if found.orchestration else _updated(found)


def _updated(found: Snapshot) -> datetime:
    if found.orchestration is not None:
        return found.orchestration.last_updated_at
    return found.entity.last_modified_at if found.entity else datetime.now(UTC)


def _time(request: Request, name: str) -> datetime | None:
    """A moment in UTC; one that can't be read counts as none."""
    try:
        found = datetime.fromisoformat(request.text(name))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parsed(text: str | None) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json_text(request: Request) -> str | None:
    """The body as it is; None if it isn't JSON."""
    if not request.body.strip():
        return ""
    try:
        json.loads(request.body)
    except ValueError:
        return None
    return request.body.decode()


def _encoded(instance_id: str) -> str:
    return base64.urlsafe_b64encode(instance_id.encode()).decode()


def _decoded(token: str) -> str:
    """Where a listing goes on; from the beginning for a token that isn't ours."""
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return ""


def _done(call: Callable[[], object]) -> Reply:
    try:
        call()
    except _RefusedError as refused:
        return Reply(404 if refused.code == "NOT_FOUND" else 410, {"error": str(refused)})
    return Reply(202)


def _missing(instance_id: str) -> Reply:
    return Reply(404, {"error": f"There is no instance {instance_id} in this task hub."})


def _over(instance_id: str) -> Reply:
    return Reply(410, {"error": f"The instance {instance_id} isn't in a state in which that can be done."})
