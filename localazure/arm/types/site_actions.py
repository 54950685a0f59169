"""The POST actions on a site or a slot."""

from __future__ import annotations

from typing import Final

from localazure.arm import api_versions, swap, workers
from localazure.arm.calls import Call, Reply
from localazure.arm.events import Phase
from localazure.arm.ids import ResourceId
from localazure.arm.resource_type import Action, ResourceType, require
from localazure.arm.swap_rules import Difference, differences
from localazure.arm.tree import Json
from localazure.arm.web_apps import SITE, SLOT, app_of, side, site_of, sticky
from localazure.arm.workers import Running, Worker


def _restart(call: Call) -> Reply:
    app = require(call, call.id)
    workers.start(call.services, app.id, Phase.RESTARTED)
    return Reply(200)


def _start(call: Call) -> Reply:
    app = require(call, call.id)
    if Worker.of(app).state is Running.STOPPED:
        workers.start(call.services, app.id, Phase.STARTED)
    return Reply(200)


def _stop(call: Call) -> Reply:
    workers.stop(call.services, require(call, call.id))
    return Reply(200)


def _slots_differences(call: Call) -> Reply:
    app = require(call, call.id).id
    other = swap.other_slot(call)
    current, target = side(call.tree, app), side(call.tree, other)
    found = differences(current, target, sticky(call.tree, site_of(app), current, target))
    return Reply(200, {"value": [_shown_difference(app, each) for each in found], "nextLink": None})


def _shown_difference(app: ResourceId, found: Difference) -> Json:
    return {
        "id": f"{app.text}/slotsdiffs/{found.name}",
        "name": found.name,
        "type": f"{SITE}/slotsdiffs",
        "properties": {
            "level": "Information",
            "settingType": found.kind,
            "diffRule": "SettingsWillBeSwapped" if found.moves else "SettingsWillNotBeSwapped",
            "settingName": found.name,
            "valueInCurrentSlot": found.current,
            "valueInTargetSlot": found.target,
            "description": "The setting moves with the swap." if found.moves else "The setting stays with its slot.",
        },
    }


ACTIONS: Final = {
    "slotsswap": Action(swap.begin, changes=True),
    "applyslotconfig": Action(swap.preview, changes=True),
    "resetslotconfig": Action(swap.reset, changes=True),
    "slotsdiffs": Action(_slots_differences),
    "restart": Action(_restart, changes=True),
    "start": Action(_start, changes=True),
    "stop": Action(_stop, changes=True),
}


class Hosts(ResourceType):
    """The Functions host of a site, for its keys."""

    type = f"{SITE}/host"
    versions = api_versions.WEB

    @property
    def actions(self) -> dict[str, Action]:
        return {"listkeys": Action(_list_keys)}


class SlotHosts(Hosts):
    """The Functions host of a slot."""

    type = f"{SLOT}/host"


def _list_keys(call: Call) -> Reply:
    keys = require(call, app_of(call.id)).hidden["keys"]
    return Reply(
        200,
        {
            "masterKey": keys["master"],
            "functionKeys": {"default": keys["default"]},
            "systemKeys": {"durabletask_extension": keys["durabletask_extension"]},
        },
    )
