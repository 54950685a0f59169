"""The engine that is in use does all that the project asks of it, on small programs without any cloud."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

import engine
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e

VIRTUALENV = Path(__file__).resolve().parents[2] / ".venv"
TIMEOUT = 120
"""Seconds after which a command counts as hung; each takes about 3."""

RESOURCES = """
import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider, UpdateResult

class NoteProvider(ResourceProvider):
    def create(self, props):
        return CreateResult("note-1", {"text": props["text"]})
    def read(self, id_, props):
        return ReadResult(id_, props)
    def update(self, id_, olds, news):
        return UpdateResult({"text": news["text"]})

class Note(Resource):
    text: pulumi.Output[str]
    def __init__(self, name, text, opts=None):
        super().__init__(NoteProvider(), name, {"text": text}, opts)
"""

PROGRAM = """
import pulumi
from notes import Note

config = pulumi.Config()
text = config.require("text")

def refuse(args):
    if args.new_inputs["text"] == "forbidden":
        raise Exception("the hook refuses " + args.new_inputs["text"])

hook = pulumi.ResourceHook("refuse", refuse, opts=pulumi.ResourceHookOptions(on_dry_run=config.get_bool("early")))

class Shelf(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Shelf", name)
        hooks = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
        self.note = Note("note", text, pulumi.ResourceOptions(parent=self, hooks=hooks))
        self.register_outputs({"text": self.note.text})

if text == "broken":
    raise ValueError("the program says no")

pulumi.export("text", Shelf("shelf").note.text)
pulumi.export("password", config.require_secret("password"))
"""

POLICY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_shouting(args, report):
    if str(args.props.get("text", "")).isupper():
        report("a note must not shout")

PolicyPack("manners", [
    ResourceValidationPolicy("no-shouting", "Notes are in lower case.", no_shouting, EnforcementLevel.MANDATORY),
])
"""


AUTOMATION = """
from pulumi import automation, export

local = automation.select_stack("dev", work_dir=".")
print("local", local.up().outputs["text"].value)
inline = automation.create_stack("dev", project_name="inline", program=lambda: export("answer", 42))
print("inline", int(inline.up().outputs["answer"].value))
"""

WAITING = """
import os, time
os.write(os.open("alive", os.O_WRONLY), b"up")
time.sleep(600)
"""
"""Holds the writing end of a named pipe, which the reader sees closed when the program ends."""


class Project(Stack):
    """A Pulumi project with a file backend of its own."""

    def fail(self, *args: str) -> str:
        code, output = self.run(*args)
        assert code != 0, output
        assert "langhost" not in output, output
        return output


@pytest.fixture
def project(tmp_path: Path, engine_in_use: engine.Engine) -> Project:
    runtime = f"runtime: {{name: python, options: {{toolchain: pip, virtualenv: {VIRTUALENV}}}}}\n"
    policies = tmp_path / "policies"
    for folder in (tmp_path / "backend", policies):
        folder.mkdir()
    (tmp_path / "Pulumi.yaml").write_text(f"name: notes\n{runtime}")
    (tmp_path / "notes.py").write_text(RESOURCES)
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (policies / "PulumiPolicy.yaml").write_text(runtime)
    (policies / "__main__.py").write_text(POLICY)
    variables = {
        **os.environ,
        "PATH": os.pathsep.join([str(engine_in_use.bin), os.environ["PATH"]]),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "backend").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    made = Project(tmp_path, variables)
    made.succeed("stack", "init", "dev")
    made.succeed("config", "set-all", "--plaintext", "text=hello", "--secret", "password=hunter2")
    return made


def test_a_stack_is_made_changed_looked_at_and_destroyed(project: Project) -> None:
    project.succeed("up", "--yes")
    project.succeed("preview", "--expect-no-changes")
    project.succeed("refresh", "--yes", "--expect-no-changes")
    outputs = json.loads(project.succeed("stack", "output", "--json"))
    assert outputs == {"text": "hello", "password": "[secret]"}
    assert json.loads(project.succeed("stack", "ls", "--json"))[0]["resourceCount"] == 4
    about = json.loads(project.succeed("about", "--json"))
    assert about["runtime"]["language"] == "python"

    analysis = ("policy", "analyze", "--policy-pack", "policies")
    project.succeed(*analysis)
    project.succeed("config", "set", "text", "HELLO")
    refused = project.fail("preview", "--policy-pack", "policies")
    assert "[mandatory]  no-shouting" in refused
    assert "a note must not shout" in refused
    project.succeed("up", "--yes", "--skip-preview")
    assert "a note must not shout" in project.fail(*analysis)

    project.succeed("destroy", "--yes")
    assert json.loads(project.succeed("stack", "export"))["deployment"].get("resources", []) == []


def test_a_program_or_a_hook_that_fails_is_shown_in_its_own_words(project: Project) -> None:
    project.succeed("config", "set", "text", "broken")
    broken = project.fail("preview")
    assert "ValueError: the program says no" in broken
    assert broken.count("Traceback") == 1

    project.succeed("config", "set", "text", "forbidden")
    project.succeed("preview")
    project.succeed("config", "set", "early", "true")
    assert 'before hook "refuse" failed: the hook refuses forbidden' in project.fail("preview")
    assert 'before hook "refuse" failed: the hook refuses forbidden' in project.fail("up", "--yes", "--skip-preview")

    project.succeed("config", "set", "text", "hello")
    project.succeed("up", "--yes", "--skip-preview")
    project.succeed("config", "set", "text", "forbidden")
    assert 'before hook "refuse" failed: the hook refuses forbidden' in project.fail("up", "--yes", "--skip-preview")


def test_the_automation_api_drives_it(project: Project) -> None:
    (project.folder / "drive.py").write_text(AUTOMATION)
    done = subprocess.run(
        [VIRTUALENV / "bin" / "python", "drive.py"],
        cwd=project.folder,
        env=project.variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["local hello", "inline 42"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_engine_that_is_interrupted_or_killed_leaves_no_process_behind(
    project: Project, number: signal.Signals
) -> None:
    (project.folder / "__main__.py").write_text(WAITING)
    alive = project.folder / "alive"
    os.mkfifo(alive)
    process = project.start("preview")
    with alive.open("rb", buffering=0) as pipe:
        assert pipe.read(2) == b"up"
        process.send_signal(number)
        assert select.select([pipe], [], [], 30)[0], "the program still runs"
        assert pipe.read() == b""
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "Traceback" not in output
