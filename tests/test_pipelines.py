"""The pipelines' files: what they run exists, in the right order, with no more rights than it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from release.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((REPOSITORY / ".github" / "actions").glob("*/action.yml"))
AZURE = [REPOSITORY / "azure-pipelines.yml", *sorted((REPOSITORY / ".ci").glob("azure-*.yml"))]
RELEASE = REPOSITORY / ".github" / "workflows" / "release.yml"
PREVIEW = REPOSITORY / ".github" / "workflows" / "preview.yml"
STEPS = ("stage", "gate", "promote")


def loaded(path: Path) -> dict[str, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 makes a truth value of `on`.
    return {"on" if key is True else str(key): value for key, value in document.items()}


def found(node: object, *keys: str) -> Iterator[Any]:
    """The values of these keys, wherever they are."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in keys:
                yield value
            yield from found(value, *keys)
    elif isinstance(node, list):
        for item in node:
            yield from found(item, *keys)


def scripts(path: Path) -> list[str]:
    """All shell of a file, without remarks."""
    shell = [text for text in found(loaded(path), "run", "bash", "inlineScript", "command") if isinstance(text, str)]
    return [re.sub(r"(?m)(^|\s)#.*", "", text) for text in shell]


def release_commands(path: Path) -> list[list[str]]:
    """The words after each `python -m release`."""
    joined = "\n".join(scripts(path)).replace("\\\n", " ")
    lines = (line.partition("|")[0] for line in joined.splitlines())
    return [line.split("python -m release", 1)[1].split() for line in lines if "python -m release" in line]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS, *AZURE], ids=lambda path: path.name)
def test_each_make_target_in_a_pipeline_is_one_of_the_makefile(path: Path) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    used = {name for text in scripts(path) for name in re.findall(r"\bmake ([\w./-]+)", text)}
    assert used <= targets


def test_the_pipelines_build_the_package_and_install_what_they_run() -> None:
    for path in (RELEASE, PREVIEW, AZURE[0]):
        assert "make package" in "\n".join(scripts(path))
    for path in (*ACTIONS, AZURE[1]):
        assert "make .venv/.installed" in "\n".join(scripts(path))


@pytest.mark.parametrize("path", [RELEASE, AZURE[0]], ids=lambda path: path.name)
def test_a_release_is_staged_then_gated_then_promoted(path: Path) -> None:
    assert [words[0] for words in release_commands(path)] == list(STEPS)


@pytest.mark.parametrize("path", [RELEASE, AZURE[0]], ids=lambda path: path.name)
def test_each_step_says_its_stack_and_answers_in_json(path: Path) -> None:
    for words in release_commands(path):
        assert "--json" in words
        assert words[words.index("--stack") + 1] in ('"$STACK"', "${{")


@pytest.mark.parametrize("path", [RELEASE, AZURE[0]], ids=lambda path: path.name)
def test_each_release_command_and_option_exists(path: Path) -> None:
    known: Any = typer.main.get_command(app)
    for name, *words in release_commands(path):
        options = {option for parameter in known.commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_the_jobs_of_a_release_wait_for_each_other() -> None:
    jobs = loaded(RELEASE)["jobs"]
    assert list(jobs) == list(STEPS)
    assert "needs" not in jobs["stage"]
    assert jobs["gate"]["needs"] == "stage"
    assert jobs["promote"]["needs"] == ["stage", "gate"]


def test_the_stages_of_azure_pipelines_wait_for_each_other() -> None:
    stages = {stage["stage"]: stage for stage in loaded(AZURE[0])["stages"]}
    assert list(stages) == list(STEPS)
    assert "dependsOn" not in stages["stage"]
    assert stages["gate"]["dependsOn"] == "stage"
    assert stages["promote"]["dependsOn"] == ["stage", "gate"]


def test_only_the_promotion_is_in_the_environment_that_is_approved() -> None:
    jobs = loaded(RELEASE)["jobs"]
    stack = "${{ inputs.stack }}"
    assert [jobs[step]["environment"] for step in STEPS] == [stack, stack, f"{stack}-production"]
    deployments = list(found(loaded(AZURE[0]), "environment"))
    assert deployments == ["${{ parameters.stack }}-production"]


def test_what_is_promoted_is_what_was_staged_by_its_hash() -> None:
    document = loaded(RELEASE)
    assert "sha256sum build/functions.zip" in "\n".join(scripts(RELEASE))
    assert document["jobs"]["stage"]["outputs"] == {"package": "${{ steps.package.outputs.package }}"}
    assert document["jobs"]["promote"]["env"]["PACKAGE"] == "${{ needs.stage.outputs.package }}"
    promote = release_commands(RELEASE)[-1]
    assert promote[promote.index("--package") + 1] == '"$PACKAGE"'
    stages = {stage["stage"]: stage for stage in loaded(AZURE[0])["stages"]}
    assert stages["promote"]["variables"] == {"package": "$[ stageDependencies.stage.stage.outputs['staged.package'] ]"}
    assert "staged" in list(found(stages["stage"], "name"))
    assert '--package "$(package)"' in "\n".join(scripts(AZURE[0]))


def test_one_release_of_a_stack_runs_at_a_time_and_none_is_broken_off() -> None:
    assert loaded(RELEASE)["concurrency"] == {"group": "release-${{ inputs.stack }}", "cancel-in-progress": False}
    assert loaded(AZURE[0])["lockBehavior"] == "sequential"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_right_but_those_that_a_job_says(path: Path) -> None:
    document = loaded(path)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        allowed = {"pull-requests": "write"} if name == "comment" else {"contents": "read", "id-token": "write"}
        assert job["permissions"] == allowed


def test_a_preview_runs_for_pull_requests_of_this_repository_alone_and_changes_nothing() -> None:
    document = loaded(PREVIEW)
    assert list(document["on"]) == ["pull_request"]
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    assert document["jobs"]["preview"]["if"] == ours
    shell = "\n".join(scripts(PREVIEW))
    assert "pulumi preview --stack" in shell
    assert "--policy-pack policies" in shell
    assert re.search(r"pulumi (up|destroy|refresh|stack)|python -m release", shell) is None


def test_the_job_that_comments_runs_nothing_of_the_pull_request() -> None:
    uses = list(found(loaded(PREVIEW)["jobs"]["comment"], "uses"))
    assert [name.partition("@")[0] for name in uses] == ["actions/download-artifact"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_each_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert lines
    for line in lines:
        local = re.search(r"uses: \./(\S+)$", line)
        if local:
            assert (REPOSITORY / local[1] / "action.yml").is_file()
        else:
            assert re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_no_script_has_an_expression_in_it(path: Path) -> None:
    """One would be put into the script before the shell sees it; variables of the environment are not."""
    assert [text for text in scripts(path) if "${{" in text] == []


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS, *AZURE], ids=lambda path: path.name)
def test_the_only_secret_is_the_passphrase_and_a_step_gets_it_not_a_job(path: Path) -> None:
    document = loaded(path)
    used = set(re.findall(r"secrets\.(\w+)", path.read_text()))
    assert used <= {"PULUMI_CONFIG_PASSPHRASE"}
    wider = [document, *(document.get("jobs", {}).values() if path in WORKFLOWS else [])]
    assert [key for node in wider for key in node.get("env", {}) if "PASSPHRASE" in key] == []


def test_the_pipelines_install_the_pulumi_that_the_program_asks_for() -> None:
    wanted = re.search(r'"pulumi ==(\d+\.\d+)\.\*"', (REPOSITORY / "pyproject.toml").read_text())
    assert wanted is not None
    assert [str(version) for path in ACTIONS for version in found(loaded(path), "pulumi-version")] == [f"{wanted[1]}.0"]
    assert re.findall(r"--version (\S+)", "\n".join(scripts(AZURE[1]))) == [f"{wanted[1]}.0"]


@pytest.mark.parametrize("path", [PREVIEW, RELEASE, AZURE[0]], ids=lambda path: path.name)
def test_each_folder_of_policies_that_a_pipeline_names_is_there(path: Path) -> None:
    named = set(re.findall(r"--policy-pack (\S+)", "\n".join(scripts(path))))
    assert named == {"policies"}
    assert (REPOSITORY / "policies" / "PulumiPolicy.yaml").is_file()


def test_the_articles_gate_asks_the_function_that_the_sample_app_has() -> None:
    text = AZURE[0].read_text()
    assert "https://<host name of production>/api/StatusCheck" in text
    assert "successCriteria: eq(root['HasRunning'], false)" in text
    source = (REPOSITORY / "functions" / "status_check.py").read_text()
    assert 'route="StatusCheck"' in source
    assert '"HasRunning"' in source
