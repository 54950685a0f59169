from __future__ import annotations

import pytest

from durable.app_settings import app_setting_name_problem, disabled_setting, package_file, package_of

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


def test_a_function_is_disabled_by_the_setting_that_the_portal_writes_too() -> None:
    assert disabled_setting("start_stocktaking") == "AzureWebJobs.start_stocktaking.Disabled"
    assert app_setting_name_problem(disabled_setting("start_stocktaking")) is None


@pytest.mark.parametrize("name", ["A.B", "A:B", "A-B"])
def test_a_name_that_linux_does_not_allow_says_what_to_write(name: str) -> None:
    assert "Linux" in (app_setting_name_problem(name) or "")


@pytest.mark.parametrize("name", ["", "A B", "Ä", "A="])
def test_other_names_are_refused(name: str) -> None:
    assert repr(name) in (app_setting_name_problem(name) or "")
