"""The published api-versions of each resource provider; ARM refuses any other.

Sources: the folders of Azure/azure-rest-api-specs, and the versions that the Azure clients for Python and
azure-native 3.29 name for their types.
"""

from __future__ import annotations

from typing import Final


def _versions(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESOURCES: Final = _versions("""
    2015-11-01 2016-02-01 2016-06-01 2016-07-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01 2018-06-01 2019-03-01
    2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-10-01 2019-11-01 2020-01-01 2020-06-01 2020-08-01
    2020-10-01 2021-01-01 2021-04-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01
    2025-04-01
""")
STORAGE: Final = _versions("""
    2015-06-15 2016-01-01 2016-12-01 2017-06-01 2017-10-01 2018-02-01 2018-03-01-preview 2018-07-01 2018-11-01
    2019-04-01 2019-06-01 2020-08-01-preview 2021-01-01 2021-02-01 2021-04-01 2021-06-01 2021-08-01 2021-09-01
    2022-05-01 2022-09-01 2023-01-01 2023-04-01 2023-05-01 2024-01-01 2025-01-01 2025-06-01 2025-08-01 2026-04-01
    2026-09-01
""")
WEB: Final = _versions("""
    2015-08-01 2016-03-01 2016-08-01 2016-09-01 2018-02-01 2018-11-01 2019-08-01 2020-06-01 2020-09-01 2020-10-01
    2020-12-01 2021-01-01 2021-01-15 2021-02-01 2021-03-01 2022-03-01 2022-09-01 2023-01-01 2023-12-01 2024-04-01
    2024-11-01 2025-03-01 2025-05-01 2026-03-01-preview 2026-03-15 2026-07-15
""")
AUTHORIZATION: Final = _versions("""
    2015-07-01 2018-01-01-preview 2018-07-01 2018-09-01-preview 2020-03-01-preview 2020-04-01-preview
    2020-08-01-preview 2020-10-01-preview 2022-04-01 2022-05-01-preview
""")
MANAGED_IDENTITY: Final = _versions("""
    2015-08-31-preview 2018-11-30 2021-09-30-preview 2022-01-31-preview 2023-01-31 2023-07-31-preview 2024-11-30
    2025-01-31-preview 2025-05-31-preview
""")
INSIGHTS: Final = _versions("2015-05-01 2018-05-01-preview 2020-02-02-preview 2020-02-02")
OPERATIONAL_INSIGHTS: Final = _versions("""
    2015-11-01-preview 2020-03-01-preview 2020-08-01 2020-10-01 2021-06-01 2021-12-01-preview 2022-10-01 2023-09-01
    2025-02-01 2025-07-01
""")
