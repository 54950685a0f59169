"""The swap of two slots, phase by phase as App Service does it, each phase one transaction.

Source: deploy-staging-slots, "What happens during a swap". Killed in between, it goes on with the phase that it had
come to; whatever fails before the routing is exchanged leaves both slots as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from localazure.arm import workers
from localazure.arm.calls import Call, Reply, Services, shown
from localazure.arm.errors import ArmError, bad_request, conflict, invalid_content, resource_not_found
from localazure.arm.events import Phase, now
from localazure.arm.ids import ResourceId, parse
from localazure.arm.operations import Handle, ShutdownError
from localazure.arm.resource_type import require
from localazure.arm.swap_rules import Side, laid
from localazure.arm.tree import Json, Resource
from localazure.arm.web_apps import (
    DOMAIN,
    PRODUCTION,
    SWAP,
    host_label,
    put_side,
    side,
    site_of,
    slot_id,
    slot_of,
    sticky,
)
from localazure.arm.workers import Running, Worker

WARM_UP_SECONDS: Final = 30.0
"""How long a warm-up request may take."""

RESTART_SECONDS: Final = 120.0
"""How long a worker may take until it has loaded its package and joined its task hub."""


class Step(StrEnum):
    """What a swap does next."""

    APPLY = "apply"
    RESTART = "restart"
    WARM_UP = "warm-up"
    EXCHANGE = "exchange"
    SETTLE = "settle"


@dataclass(frozen=True)
class Pair:
    """The two slots of a swap: the source is warmed up and takes over from the target."""

    source: ResourceId
    target: ResourceId

    @classmethod
    def of(cls, site: ResourceId, stored: Mapping[str, str]) -> Pair:
        return cls(slot_id(site, stored["source"]), slot_id(site, stored["target"]))

    def to_json(self) -> Json:
        return {"source": slot_of(self.source).lower(), "target": slot_of(self.target).lower()}


def other_slot(call: Call) -> ResourceId:
    """The slot that the body of a slot call names as its target; it must be there and be another one."""
    name = call.body.get("targetSlot")
    if not isinstance(name, str) or not name:
        raise invalid_content("'targetSlot' must name a slot")
    found = require(call, slot_id(site_of(call.id), name)).id
    if found.key == call.id.key:
        raise bad_request(f"The slot '{name}' cannot be swapped with itself.")
    return found


def begin(call: Call) -> Reply:
    """Start a swap: of a slot with the named one, or at site level of the named slot with production."""
    asked = require(call, call.id).id
    named = other_slot(call)
    # At site level, too, production is what the other slot takes over from: it never is what restarts first.
    pair = Pair(named, asked) if slot_of(asked) == PRODUCTION else Pair(asked, named)
    site = require(call, site_of(asked))
    state: Json = {"step": Step.APPLY, **pair.to_json(), "kept": side(call.tree, pair.source).to_json()}
    preview = site.hidden.get("preview")
    if preview is not None:
        if {preview["source"], preview["target"]} != {state["source"], state["target"]}:
            raise _pending(site, preview)
        # A swap with preview has come this far already; this completes it, in its own direction.
        state = {**preview, "step": Step.WARM_UP}
        pair = Pair.of(site.id, preview)
    for app in (pair.source, pair.target):
        if Worker.of(require(call, app)).state is Running.STOPPED:
            raise conflict(f"Cannot swap slots of site '{site.name}' because its slot '{slot_of(app)}' is stopped.")
    operation = call.services.operations.create(SWAP, site.id.key, state)
    for app in (pair.source, pair.target):
        workers.record(call.services, app, Worker.of(require(call, app)), Phase.SWAP_STARTED, operation.id)
    return call.accepted(operation)


def run(services: Services, handle: Handle) -> None:
    """Carry out a swap from the step that it had come to."""
    site = parse(handle.subject)
    found = services.tree.get(site)
    if found is None:
        raise resource_not_found(site)
    site = found.id
    swap = _Swap(services, handle, site, Pair.of(site, handle.state))
    try:
        swap.prepare()
    except ShutdownError:
        raise
    except ArmError as error:
        swap.revert(error)
    except Exception as error:
        swap.revert(ArmError(500, "InternalServerError", str(error)))
        raise
    else:
        swap.finish()


class _Swap:
    def __init__(self, services: Services, handle: Handle, site: ResourceId, pair: Pair) -> None:
        self._services = services
        self._handle = handle
        self._site = site
        self._pair = pair

    @property
    def _step(self) -> Step:
        return Step(self._handle.state["step"])

    def prepare(self) -> None:
        """Up to where the source is warm, with production untouched."""
        if self._step is Step.APPLY:
            with self._services.database.transaction():
                apply(self._services, self._pair)
                source = self._app(self._pair.source)
                worker = Worker.of(source)
                restarting = Worker(Running.RESTARTING, worker.settings)
                workers.put(self._services, source, restarting, Phase.SWAP_SETTINGS_APPLIED, self._handle.id)
                self._handle.advance(step=Step.RESTART)
        if self._step is Step.RESTART:
            self._handle.pause(self._services.pace)
            with self._services.database.transaction():
                workers.start(
                    self._services, self._app(self._pair.source).id, Phase.SWAP_SOURCE_RESTARTED, self._handle.id
                )
                self._handle.advance(step=Step.WARM_UP)
        if self._step is Step.WARM_UP:
            self._warm_up()
            with self._services.database.transaction():
                source = self._app(self._pair.source)
                workers.record(self._services, source.id, Worker.of(source), Phase.SWAP_WARMED_UP, self._handle.id)
                self._handle.advance(step=Step.EXCHANGE)

    def finish(self) -> None:
        """Exchange the routing, and restart what served before."""
        if self._step is Step.EXCHANGE:
            with self._services.database.transaction():
                self._exchange()
                self._handle.advance(step=Step.SETTLE)
        if self._step is Step.SETTLE:
            self._handle.pause(self._services.pace)
            with self._services.database.transaction():
                workers.start(self._services, self._pair.source, Phase.SWAP_COMPLETED, self._handle.id)
                site = self._app(self._site)
                done = {"timestampUtc": now(), "sourceSlotName": slot_of(self._pair.source)}
                done["destinationSlotName"] = slot_of(self._pair.target)
                site = site.with_properties(slotSwapStatus=done).with_hidden(preview=None)
                self._services.tree.put(site)
                self._handle.succeed(shown(site))

    def revert(self, error: ArmError) -> None:
        """Give the source its own settings back; the operation fails with this error."""
        with self._services.database.transaction():
            source = self._services.tree.get(self._pair.source)
            site = self._services.tree.get(self._site)
            if source is not None and site is not None:
                put_side(self._services.tree, source.id, Side(**self._handle.state["kept"]))
                self._services.tree.put(site.with_hidden(preview=None))
                workers.start(self._services, source.id, Phase.SWAP_FAILED, self._handle.id)
            self._handle.fail(error)

    def _exchange(self) -> None:
        """From here on the target's host name leads to the source's warm worker, and the other way round."""
        tree, pair = self._services.tree, self._pair
        warm, old = side(tree, pair.source), side(tree, pair.target)
        kept = Side(**self._handle.state["kept"])
        put_side(tree, pair.target, warm)
        put_side(tree, pair.source, laid(old, kept, sticky(tree, self._site, kept, old)))
        warm_worker, old_worker = (Worker.of(self._app(app)) for app in (pair.source, pair.target))
        leaving = Worker(Running.RESTARTING, old_worker.settings)
        workers.put(self._services, self._app(pair.target), warm_worker, Phase.SWAP_ROUTED, self._handle.id)
        workers.put(self._services, self._app(pair.source), leaving, Phase.SWAP_ROUTED, self._handle.id)

    def _warm_up(self) -> None:
        """Ask the source as App Service's warm-up does: by default any answer will do.

        It is asked once it has restarted; a worker that can't start answers that it can't.
        """
        source = self._app(self._pair.source)
        worker = Worker.of(source)
        settings = worker.settings
        path = settings.get("WEBSITE_SWAP_WARMUP_PING_PATH") or "/"
        wanted = {
            code.strip() for code in settings.get("WEBSITE_SWAP_WARMUP_PING_STATUSES", "").split(",") if code.strip()
        }
        host = f"{host_label(source.id)}.{DOMAIN}"
        url = f"{self._services.base_url}/{path.lstrip('/')}"
        slot = slot_of(source.id)
        self._services.hosts.settled(source.id, worker.id, RESTART_SECONDS)
        self._handle.stop_at_shutdown()
        try:
            answer = httpx.get(url, headers={"Host": host}, timeout=WARM_UP_SECONDS, trust_env=False)
        except httpx.HTTPError as error:
            raise conflict(
                f"Cannot swap slots of site '{self._site.name}' because the slot '{slot}' did not respond to the "
                f"warm-up request at {path}: {error!r}. Both slots are as they were."
            ) from error
        finally:
            # A server that shuts down doesn't answer as the app would.
            self._handle.stop_at_shutdown()
        if wanted and str(answer.status_code) not in wanted:
            raise conflict(
                f"Cannot swap slots of site '{self._site.name}' because the slot '{slot}' answered "
                f"{answer.status_code} to the warm-up request at {path}, and WEBSITE_SWAP_WARMUP_PING_STATUSES wants "
                f"{', '.join(sorted(wanted))}. Both slots are as they were."
            )

    def _app(self, app: ResourceId) -> Resource:
        found = self._services.tree.get(app)
        if found is None:
            raise resource_not_found(app)
        return found


def apply(services: Services, pair: Pair) -> None:
    """Phase 1: lay what stays with the target on the source."""
    own, other = side(services.tree, pair.source), side(services.tree, pair.target)
    put_side(services.tree, pair.source, laid(own, other, sticky(services.tree, site_of(pair.source), own, other)))


def preview(call: Call) -> Reply:
    """A swap's phase 1 alone: the source can be looked at with the target's settings, until it's swapped or reset."""
    pair = Pair(require(call, call.id).id, other_slot(call))
    site = require(call, site_of(call.id))
    pending = site.hidden.get("preview")
    if pending is not None:
        raise _pending(site, pending)
    kept = side(call.tree, pair.source).to_json()
    apply(call.services, pair)
    call.tree.put(site.with_hidden(preview={**pair.to_json(), "kept": kept}))
    workers.start(call.services, pair.source, Phase.SWAP_SETTINGS_APPLIED)
    return Reply(200)


def reset(call: Call) -> Reply:
    """Undo a preview: what stays with the source is the source's own again. Without a preview nothing happens."""
    site = require(call, site_of(call.id))
    pending = site.hidden.get("preview")
    if pending is None:
        require(call, call.id)
        return Reply(200)
    pair = Pair.of(site.id, pending)
    kept = Side(**pending["kept"])
    today = side(call.tree, pair.source)
    put_side(call.tree, pair.source, laid(today, kept, sticky(call.tree, site.id, kept, today)))
    call.tree.put(site.with_hidden(preview=None))
    workers.start(call.services, pair.source, Phase.SWAP_RESET)
    return Reply(200)


def _pending(site: Resource, pending: Mapping[str, str]) -> ArmError:
    return conflict(
        f"A swap with preview of '{pending['source']}' with '{pending['target']}' is pending on site '{site.name}': "
        "complete it with slotsswap or cancel it with resetSlotConfig."
    )
