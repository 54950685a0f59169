from __future__ import annotations

import pytest

from durable.app_settings import (
    app_setting_name_problem,
    disabled_setting,
    held_package,
    hub_of,
    package_file,
    package_name_problem,
    package_of,
    packaged,
)

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("url", "package"),
    [
        (f"https://a.blob.core.windows.net/packages/{package_file(SHA)}", SHA),
        (f"http://127.0.0.1:10401/a/packages/{package_file(SHA)}?sv=1&sig=x", SHA),
        ("https://a.blob.core.windows.net/packages/app.zip", None),
        (f"https://a.blob.core.windows.net/{SHA}.zip/other", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_package_is_told_by_the_name_of_its_blob(url: str, package: str | None) -> None:
    assert package_of({"WEBSITE_RUN_FROM_PACKAGE": url}) == package


def test_a_slot_without_the_setting_has_no_package() -> None:
    assert package_of({}) is None


def test_the_name_of_a_package_s_blob_tells_its_hash() -> None:
    assert packaged(package_file(SHA)) == SHA
    assert packaged(f"old-{SHA}.zip") is None


def test_a_package_is_named_by_a_path_or_by_its_whole_hash() -> None:
    assert held_package(f"sha256:{SHA}") == SHA
    assert held_package("build/sha256.zip") is None
    assert package_name_problem(f"sha256:{SHA}") is None
    assert package_name_problem("build/functions.zip") is None
    assert "64 hex digits" in (package_name_problem(f"sha256:{SHA[:-1]}") or "")


def test_a_function_is_disabled_by_the_setting_that_the_portal_writes_too() -> None:
    assert disabled_setting("start_stocktaking") == "AzureWebJobs.start_stocktaking.Disabled"
    assert app_setting_name_problem(disabled_setting("start_stocktaking")) is None


@pytest.mark.parametrize("name", ["A.B", "A:B", "A-B"])
def test_a_name_that_linux_does_not_allow_says_what_to_write(name: str) -> None:
    assert "Linux" in (app_setting_name_problem(name) or "")


@pytest.mark.parametrize("name", ["", "A B", "Ä", "A="])
def test_other_names_are_refused(name: str) -> None:
    assert repr(name) in (app_setting_name_problem(name) or "")


@pytest.mark.parametrize(
    ("settings", "hub"),
    [
        ({"RELEASE_HUB_SETTING": "TaskHub", "TaskHub": "OrdersHubBlue"}, "OrdersHubBlue"),
        ({"RELEASE_HUB_SETTING": "TaskHub", "TaskHub": ""}, None),
        ({"RELEASE_HUB_SETTING": "TaskHub"}, None),
        ({"TaskHub": "OrdersHubBlue"}, None),
        ({}, None),
    ],
)
def test_a_hub_is_told_by_the_setting_that_its_package_takes_it_from(settings: dict[str, str], hub: str | None) -> None:
    assert hub_of(settings) == hub
