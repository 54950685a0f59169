"""A small shop: orders that run for days, which is why new code must not get under them.

`fulfil_order` and `take_stock` are orchestrators: Durable Functions replays them from their history, so they decide by
nothing but their input, the results of activities, and the context's clock. Activities do the work.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from status_check import blueprint as status_check

APPROVAL_LIMIT = 1000
"""Orders above this total wait for the external event `Approval`, with true or false."""

APPROVAL_TIME = timedelta(days=3)

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(status_check)


@app.route(route="orders", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_order(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """POST {"item": "lamp", "quantity": 2, "total": 80}: starts an order and answers with its status URLs."""
    try:
        order = read_order(req.get_body())
    except ValueError as error:
        return func.HttpResponse(str(error), status_code=400)
    instance_id = await client.start_new("fulfil_order", client_input=order)
    return client.create_check_status_response(req, instance_id)


@app.timer_trigger(schedule="0 0 2 * * *", arg_name="timer")
@app.durable_client_input(client_name="client")
async def start_stocktaking(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Each night at two. Disabled in the staging slot, which would take stock a second time."""
    instance_id = await client.start_new("take_stock")
    logging.info("stocktaking %s started, %s", instance_id, "late" if timer.past_due else "in time")


@app.orchestration_trigger(context_name="context")
def fulfil_order(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Reserve, have large orders approved, charge, ship."""
    order = context.get_input()
    yield context.call_activity("reserve_stock", order)

    if order["total"] > APPROVAL_LIMIT:
        approval = context.wait_for_external_event("Approval")
        deadline = context.create_timer(context.current_utc_datetime + APPROVAL_TIME)
        first = yield context.task_any([approval, deadline])
        if not deadline.is_completed:
            deadline.cancel()
        if first != approval or not approval.result:
            yield context.call_activity("release_stock", order)
            return {"state": "refused"}

    receipt = yield context.call_activity("charge_customer", order)
    parcel = yield context.call_activity("ship_order", order)
    return {"state": "shipped", "receipt": receipt, "parcel": parcel}


@app.orchestration_trigger(context_name="context")
def take_stock(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Count what is on the shelves."""
    counted = yield context.call_activity("count_shelves", ["lamp", "table"])
    return counted


@app.activity_trigger(input_name="order")
def reserve_stock(order: dict[str, Any]) -> None:
    logging.info("reserved %s of %s", order["quantity"], order["item"])


@app.activity_trigger(input_name="order")
def release_stock(order: dict[str, Any]) -> None:
    logging.info("released %s of %s", order["quantity"], order["item"])


@app.activity_trigger(input_name="order")
def charge_customer(order: dict[str, Any]) -> str:
    return f"receipt for {order['total']}"


@app.activity_trigger(input_name="order")
def ship_order(order: dict[str, Any]) -> str:
    return f"parcel with {order['quantity']} of {order['item']}"


@app.activity_trigger(input_name="items")
def count_shelves(items: list[str]) -> dict[str, int]:
    return dict.fromkeys(items, 12)


def read_order(body: bytes) -> dict[str, Any]:
    """The order in a request's body. Raises ValueError with what is wrong with it."""
    try:
        order = json.loads(body)
    except ValueError:
        raise ValueError("The body must be JSON.") from None
    if not isinstance(order, dict) or not isinstance(order.get("item"), str):
        raise ValueError('The body must be an object with an "item".')
    numbers = {"quantity": order.get("quantity", 1), "total": order.get("total")}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f'"{name}" must be a number above zero.')
    return {"item": order["item"], **numbers}
