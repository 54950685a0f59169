"""What the binding of a Durable client gives to a function."""

from __future__ import annotations

import json

from localazure.worker.start import Start


def client_document(start: Start) -> str:
    """What the binding of a Durable client gives: the hub, and the addresses to manage its instances by."""
    query = f"taskHub={start.hub}&connection={start.connection}&code={start.management_key}"
    instance = f"{start.management}/instances/INSTANCEID"
    creation = f"{start.management}/orchestrators/{{functionName}}[/{{instanceId}}]?code={start.management_key}"
    return json.dumps(
        {
            "taskHubName": start.hub,
            "creationUrls": {
                "createNewInstancePostUri": creation,
                "createAndWaitOnNewInstancePostUri": f"{creation}&timeout={{timeoutInSeconds}}",
            },
            "managementUrls": {
                "id": "INSTANCEID",
                "statusQueryGetUri": f"{instance}?{query}",
                "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
                "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
                "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
                "purgeHistoryDeleteUri": f"{instance}?{query}",
                "restartPostUri": f"{instance}/restart?{query}",
                "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
                "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
            },
            "baseUrl": start.management,
            "requiredQueryStringParameters": query,
            "rpcBaseUrl": start.rpc,
        }
    )
