# ruff: noqa: E501 - a table reads best with a case on a line
"""The command line, the JSON schema, and pages that must say what the models say."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from profiles import model
from profiles.__main__ import main
from profiles.catalog import Document, load_catalog, shipped_documents
from profiles.schema import catalog_schema
from tools.generate import ROOT, profile_files

MODELS = sorted(
    {each for each in vars(model).values() if isinstance(each, type) and issubclass(each, model.Model)},
    key=lambda each: each.__name__,
)
BROKEN = "profiles: {gpu: {pricePerHour: -1, cpus: 3}, mine: {extends: gpuu}}"
VALUES = "hub: {db: {type: postgres}}\ncurrency: USD\nprofiles: {gpu: {allow: {groups: [ml]}}}\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(arguments)
    return code, capsys.readouterr().out.splitlines()


def test_check_says_every_mistake_counts_them_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(BROKEN)
    code, lines = run(capsys, "check", str(file), str(tmp_path / "none.yaml"))
    assert code == 1
    assert lines[0].startswith(f"{tmp_path / 'none.yaml'}: it cannot be read: No such file")
    assert [line.split(": ", 1)[0] for line in lines[1:-1]] == [str(file)] * 3
    assert lines[-1] == "4 to correct"


def test_check_shows_the_machines_of_helm_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(VALUES)
    code, lines = run(capsys, "check", str(file))
    assert code == 0
    assert lines[0].split() == ["profile", "pool", "cpu", "memory", "gpu", "price/h", "who"]
    assert re.split(r"  +", lines[3]) == ["gpu", "gpu", "4–8", "32Gi", "1–4", "$2.50–10.00", "members of ml"]
    assert lines[1].startswith("small-cpu* ")
    assert lines[-1] == "3 profiles in 3 pools: no mistakes"


def test_settings_of_the_hub_are_checked_by_their_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("mode: local\n")
    assert run(capsys, "check", str(file))[0] == 0
    file.write_text("mode: local\nhome: {}\ncatalog: {profiles: {gpu: {idle_timeout: 1h}}}\n")
    code, lines = run(capsys, "check", str(file))
    assert code == 1
    assert lines[0].startswith(f"{file}: catalog: profile 'gpu': field 'idle_timeout': there is no such key")
    file.write_text("catalog: [gpu]\n")
    _, lines = run(capsys, "check", str(file))
    assert "field 'catalog'" in lines[0] and "is not a mapping" in lines[0]


def test_the_charts_own_values_have_no_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "check", str(ROOT / "helm/remuda/values.yaml"))
    assert code == 0, lines


@pytest.mark.parametrize("extra", [["--no-shipped"], []])
def test_shipped_machines_can_be_left_out(
    extra: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "pools: {p: {}}\nprofiles: {mine: {pool: p, cpu: 1, memory: 1Gi}}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(text if extra else text + "shippedProfiles: false\n"))
    code, lines = run(capsys, "check", *extra, "-")
    assert (code, lines[-1]) == (0, "1 profiles in 1 pools: no mistakes")


def test_what_show_writes_loads_as_the_same_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(
        "profiles: {gpu: {pricePerHour: 2.90}, large: {extends: gpu, idleTimeout: null, options: {gpus: null}}}\n"
        "pools: {gpu: {nodeSelector: {}, tolerations: []}}\n"
    )
    code, lines = run(capsys, "show", str(file))
    again = load_catalog(Document("shown", "\n".join(lines)), base=())
    meant = load_catalog(Document("file", file.read_text()))
    assert code == 0
    own = meant.profiles["large"].model_copy(update={"extends": None})
    assert again == meant.model_copy(update={"profiles": {**meant.profiles, "large": own}})


def test_the_module_runs_from_a_shell_without_the_hub(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text(BROKEN)
    loaded = "import sys, runpy; sys.argv = ['p', 'check', 'v.yaml']\ntry: runpy.run_module('profiles', run_name='__main__')\n"
    code = (
        loaded
        + "except SystemExit as e: assert e.code == 1\nassert 'jupyterhub' not in sys.modules and 'traitlets' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 to correct" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["check"], ["chek", "x"]])
def test_wrong_usage_is_told_apart_from_mistakes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "schema")
    assert code == 0
    assert json.loads("\n".join(lines)) == json.loads(json.dumps(catalog_schema()))


VALIDATOR = jsonschema.Draft202012Validator(catalog_schema())


@pytest.mark.parametrize("document", shipped_documents(), ids=lambda document: document.name)
def test_the_schema_takes_what_is_shipped(document: Document) -> None:
    jsonschema.Draft202012Validator.check_schema(catalog_schema())
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(document.text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {gpu: {pricePerHour: 2.9}}", "profiles: {gpu: {cpu: 2, memory: {limit: 48Gi}}}", "profiles: {gpu: null}",
        "profiles: {gpu: {cpu: 0.5, idleTimeout: never, env: {A: 4}}}", "profiles: {gpu: {idleTimeout: 1800}}",
        "pools: {gpu: {nodeSelector: {a: b}, tolerations: [{operator: Exists}]}}", "shippedProfiles: false", "currency: null",
        "profiles: {gpu: {options: {gpus: {range: {to: 8}}}}}", "profiles: {gpu: {allow: {groups: [a]}}}",
        "profiles: {gpu: {options: {gpus: {default: 2}}}}", "profiles: {gpu: {extendedResources: {nvidia.com/gpu: 2}}}",
        "policies: {quotas: {a: {per: user, servers: 1, cores: 500m, overrides: {users: {ada: {memory: 1Gi}}}}, b: null}}",
        "policies: {budgets: {a: {per: hub, gpuHours: 0.5, window: 30d, grace: 0, overrides: {}}}, timezone: Asia/Tokyo}",
        "policies: {approvals: {a: {moreThan: {devices: {nvidia.com/gpu: 1}}, exempt: {admins: true}}}}",
        "profiles: {gpu: {hours: {days: [mon-fri, sun], from: '08:00', to: '24:00'}}, small-cpu: {hours: null}}",
    ],
)  # fmt: skip
def test_the_schema_takes_what_the_loader_takes(text: str) -> None:
    load_catalog(Document("x", text))
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "profile: {}", "profiles: {gpu: {price: 1}}", "profiles: {gpu: {cpu: lots}}", "profiles: {gpu: {memory: 8GB}}",
        "profiles: {gpu: {pricePerHour: -1}}", "profiles: {gpu: {idle_timeout: 1h}}", "pools: {gpu: {taints: []}}",
        "profiles: {Gpu_1: {}}", "currency: euro", "profiles: {gpu: {allow: {group: [a]}}}", "profiles: {gpu: {pool: A B}}",
        "profiles: {gpu: {imagePullPolicy: always}}", "profiles: {gpu: {env: {A: true}}}", "profiles: {gpu: {env: [A]}}",
        "policies: {quota: {}}", "policies: {quotas: {A B: {per: user, servers: 1}}}", "policies: {quotas: {a: {servers: -1}}}",
        "policies: {quotas: {a: {per: team}}}", "policies: {budgets: {a: {money: 1 EUR}}}", "policies: {budgets: {a: {warnAt: [101]}}}",
        "profiles: {gpu: {hours: {days: [monday]}}}", "profiles: {gpu: {hours: {from: 20:00}}}", "profiles: {gpu: {hours: {to: '24:30'}}}",
    ],
)  # fmt: skip
def test_the_schema_refuses_what_it_can_see(text: str) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize("each", MODELS, ids=lambda each: each.__name__)
def test_every_field_says_what_it_means(each: type[BaseModel]) -> None:
    assert each.__doc__
    for name, info in each.model_fields.items():
        assert info.description, f"{each.__name__}.{name}"
        assert info.description.rstrip("`")[-1] in ".?!", f"{each.__name__}.{name}: a sentence ends"


@pytest.mark.parametrize("path", ["docs/reference/profiles.md", "docs/reference/profiles.schema.json"])
def test_generated_pages_are_up_to_date(path: str) -> None:
    committed = (ROOT / path).read_text(encoding="utf-8")
    assert committed == profile_files()[path], "run python -m tools.generate"


@pytest.mark.parametrize("each", [each for each in MODELS if each not in {model.Model, model.Range, model.HomePolicy}])
def test_every_key_is_in_the_reference(each: type[BaseModel]) -> None:
    page = (ROOT / "docs/reference/profiles.md").read_text(encoding="utf-8")
    for name, info in each.model_fields.items():
        assert f"| `{info.alias or name}` | {(info.description or '').replace('|', chr(92) + '|')} |" in page


def _examples() -> list[Any]:
    page = (ROOT / "docs/how-to/profiles.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml\n")[1:]]


@pytest.mark.parametrize("example", _examples(), ids=lambda example: next(iter(example)))
def test_examples_of_the_how_to_load(example: dict[str, Any]) -> None:
    load_catalog(Document("how-to", yaml.safe_dump(example)))
    assert list(VALIDATOR.iter_errors(example)) == []


def test_mistakes_shown_in_the_how_to_are_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/how-to/profiles.md").read_text(encoding="utf-8")
    shown = page.split("```console\n$ python -m profiles check my-values.yaml\n")[1].split("```")[0]
    file = tmp_path / "my-values.yaml"
    file.write_text("profiles: {gpu: {idle_timeout: 1h}, gpu-large: {extends: gpu, memory: 128GB}}")
    _, lines = run(capsys, "check", str(file))
    assert "\n".join(lines).replace(f"{tmp_path}/", "") + "\n" == shown
