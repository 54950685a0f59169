"""The one subscription, tenant and principal of local Azure.

None is a secret: local Azure listens on loopback only. CLIENT_ID is also the principal's object id.
"""

from __future__ import annotations

from typing import Final

SUBSCRIPTION_ID: Final = "00000000-0000-4000-8000-000000000001"
TENANT_ID: Final = "00000000-0000-4000-8000-000000000002"
CLIENT_ID: Final = "00000000-0000-4000-8000-000000000003"
CLIENT_SECRET: Final = "local-azure"  # noqa: S105
ACCESS_TOKEN: Final = "local-azure"  # noqa: S105
"""ARM takes it for the principal's token; storage doesn't."""
HEADERS: Final = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
