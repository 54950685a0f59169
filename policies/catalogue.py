"""All rules: name, level, severity, and what a person needs to know. `judge` has what they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pulumi_policy import EnforcementLevel, Severity

PAGES = Path(__file__).resolve().parents[1] / "docs" / "policies"


@dataclass(frozen=True)
class Entry:
    """`levels` overrides the level for stacks of these names."""

    name: str
    severity: Severity
    description: str
    remediation: str
    level: EnforcementLevel = EnforcementLevel.MANDATORY
    levels: tuple[tuple[str, EnforcementLevel], ...] = ()

    def level_for(self, stack: str) -> EnforcementLevel:
        return dict(self.levels).get(stack, self.level)

    @property
    def page(self) -> Path:
        """Its page, which comes with the pack."""
        return PAGES / f"{self.name}.md"

    @property
    def url(self) -> str:
        return self.page.as_uri()


_ADVISORY = EnforcementLevel.ADVISORY

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "durable-storage-setting-present",
        Severity.HIGH,
        "Every slot of a durable app has the setting that names its store.",
        "Set the connection in the app settings of production and of every other slot, to a different account in each.",
    ),
    Entry(
        "durable-storage-setting-not-sticky",
        Severity.CRITICAL,
        "The durable connection travels with the code at a swap.",
        "Take every member of the connection's family out of the slot settings.",
    ),
    Entry(
        "durable-storage-differs-per-slot",
        Severity.CRITICAL,
        "Each slot has a task hub of its own.",
        "Give each slot a storage account of its own, or, on one account, a hub name of its own.",
    ),
    Entry(
        "durable-storage-connection-consistent",
        Severity.HIGH,
        "The durable connection is either a connection string or a whole identity.",
        "Keep one form of the connection and one spelling of its name, with all parts that the form needs.",
    ),
    Entry(
        "host-storage-shared",
        Severity.HIGH,
        "AzureWebJobsStorage is one account for all slots.",
        "Set AzureWebJobsStorage to the same account in production and in every other slot.",
    ),
    Entry(
        "host-storage-separate",
        Severity.HIGH,
        "A durable account isn't the account of the Functions host.",
        "Point the durable connection to an account apart from AzureWebJobsStorage.",
    ),
    Entry(
        "task-hub-name-explicit",
        Severity.HIGH,
        "An app with slots names its task hub, and validly.",
        "Write hubName into host.json: 3 to 45 letters and digits, a letter first.",
    ),
    Entry(
        "task-hub-name-not-sticky",
        Severity.CRITICAL,
        "The name of the task hub travels with the code at a swap.",
        "Take the setting that names the hub out of the slot settings.",
    ),
    Entry(
        "task-hub-unique",
        Severity.CRITICAL,
        "Two apps on one account have two task hubs.",
        "Give each app a hub name of its own, or an account of its own.",
    ),
    Entry(
        "host-id-distinct",
        Severity.HIGH,
        "Hosts that share AzureWebJobsStorage have different host ids.",
        "Shorten the site's name to 30 characters, or set a sticky AzureFunctionsWebHost__hostid in each slot.",
    ),
    Entry(
        "content-share-per-slot",
        Severity.HIGH,
        "Each slot has a content share of its own, which travels with the code.",
        "Give each slot another WEBSITE_CONTENTSHARE, or leave it to the platform, and don't make it sticky.",
    ),
    Entry(
        "package-setting-not-sticky",
        Severity.CRITICAL,
        "The package travels with its store at a swap.",
        "Take WEBSITE_RUN_FROM_PACKAGE and its identity setting out of the slot settings.",
    ),
    Entry(
        "staging-starters-disabled",
        Severity.HIGH,
        "Functions that start orchestrations by themselves are off outside production.",
        "Set AzureWebJobs.<function>.Disabled to true in every other slot, and make it sticky.",
    ),
    Entry(
        "event-source-setting-sticky",
        Severity.HIGH,
        "Settings that name a source of events stay with their slot.",
        "Add the setting to the slot settings.",
    ),
    Entry(
        "settings-in-sub-resource",
        Severity.MEDIUM,
        "App settings of a durable app are resources of their own.",
        "Move siteConfig.appSettings into WebAppApplicationSettings and WebAppApplicationSettingsSlot.",
    ),
    Entry(
        "slot-settings-names-once",
        Severity.HIGH,
        "A site has one list of slot settings.",
        "Merge the WebAppSlotConfigurationNames of the site into one.",
    ),
    Entry(
        "slot-kind-matches-site",
        Severity.HIGH,
        "A slot has the kind, runtime and operating system of its site.",
        "Give the slot the kind, reserved and language worker of its site.",
    ),
    Entry(
        "plan-supports-slots",
        Severity.MEDIUM,
        "The plan has as many slots as the site uses.",
        "Take a plan with enough slots: Standard and Elastic Premium have several, Consumption has two.",
    ),
    Entry(
        "auto-swap-off",
        Severity.HIGH,
        "A durable app isn't swapped by Azure itself.",
        "Take autoSwapSlotName out of the slot's siteConfig.",
    ),
    Entry(
        "tracking-store-consistent",
        Severity.MEDIUM,
        "Apps that share a tracking store name the same account and prefix.",
        "Set trackingStoreConnectionName and trackingStoreNamePrefix alike in all of them.",
    ),
    Entry(
        "tracking-store-hub-unique",
        Severity.CRITICAL,
        "Each hub on a tracking store has a name of its own.",
        "Give each app, and each slot, a hub name of its own.",
    ),
    Entry(
        "identity-reaches-every-store",
        Severity.HIGH,
        "Each slot's identity can use every store that it may meet after a swap.",
        "Assign the Blob, Queue and Table data roles on every store and on the host's account, or share an identity.",
    ),
    Entry(
        "durable-store-protected",
        Severity.HIGH,
        "An account with orchestrations in it isn't deleted without notice.",
        "Declare the account with protect=True, or tag it as disposable.",
        levels=(("dev", _ADVISORY),),
    ),
    Entry(
        "durable-storage-keys-agree",
        Severity.HIGH,
        "An account takes keys where a setting has one, and a store takes none where no setting has.",
        "Set allowSharedKeyAccess to false on stores that are reached by identity, and on no other.",
    ),
    Entry(
        "storage-hardened",
        Severity.MEDIUM,
        "Storage accounts of function apps take TLS 1.2 and no public access.",
        "Set minimumTlsVersion, enableHttpsTrafficOnly and allowBlobPublicAccess.",
    ),
    Entry(
        "function-app-hardened",
        Severity.MEDIUM,
        "Function apps take TLS 1.2, no plain traffic and no remote debugging.",
        "Set httpsOnly, minTlsVersion, ftpsState and remoteDebuggingEnabled.",
    ),
    Entry(
        "function-app-quota",
        Severity.MEDIUM,
        "A Consumption or Premium plan has at most 100 function apps.",
        "Remove apps that have drained, or spread them over more plans.",
    ),
    Entry(
        "secret-by-reference",
        Severity.LOW,
        "Settings hold no account key where an identity or a Key Vault reference could stand.",
        "Use an identity-based connection or a Key Vault reference.",
        level=_ADVISORY,
    ),
    Entry(
        "host-json-agrees",
        Severity.HIGH,
        "host.json of the package says the same as the settings.",
        "Name one hub and one connection in both, in the spelling of the package's Durable generation.",
    ),
)
