"""Settings: every mistake at once, each with file, field and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_extensions.settings_file import SettingsDocument, SettingsErrors, merge, parse_settings, read_settings


def refused(*texts: str) -> list[str]:
    documents = [SettingsDocument(f"file{n}.yaml", text) for n, text in enumerate(texts)]
    with pytest.raises(SettingsErrors) as raised:
        parse_settings(*documents)
    return [str(error) for error in raised.value.errors]


def test_nothing_said_is_a_whole_configuration():
    settings = parse_settings(SettingsDocument("empty.yaml", ""))
    assert settings.mode == "kubernetes"
    assert settings.singleuser.storage.capacity == "10Gi"
    assert settings.cull.enabled


def test_all_mistakes_are_told_at_once_each_under_its_own_file():
    told = refused(
        "mode: docker\nsingleuser: {storage: {capcity: 5Gi}}\n",
        "cull: {every: 0}\nhub: {concurrentSpawnLimit: -1}\n",
    )
    assert len(told) == 4
    assert any(line.startswith("file0.yaml: field 'mode'") and "'kubernetes' or 'local'" in line for line in told)
    assert any(
        line.startswith("file0.yaml: field 'singleuser.storage.capcity'") and "did you mean 'capacity'?" in line
        for line in told
    )
    assert any(line.startswith("file1.yaml: field 'cull.every'") and "greater than 0" in line for line in told)
    assert any(line.startswith("file1.yaml: field 'hub.concurrentSpawnLimit'") for line in told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mode: [", "is not YAML at line"),
        ("- mode", "holds a list"),
        ("singleuser: {profileList: []}", "describe machines under `profiles:`"),
        ("cull: {users: true}", "Remuda never removes people for being idle"),
        ("singleuser: {storage: {capacity: big}}", "does not look right"),
        ("singleuser: {storage: {dynamic: {pvcNameTemplate: 'home-{servername}'}}}", "does not look right"),
        ("singleuser: {storage: {dynamic: {storageAccessModes: [ReadOnlyMany]}}}", "use one of"),
        ("hub: {config: {JupyterHub: 3}}", "hub.config.JupyterHub"),
    ],
)
def test_a_mistake_says_what_to_do(text: str, words: str):
    (told,) = refused(text)
    assert words in told
    assert " — " in told
    assert told.rpartition(" — ")[2]


def test_a_value_is_not_repeated_because_it_may_be_a_secret():
    (told,) = refused("hub: {db: {url: [postgresql://hub:s3cret@db/hub]}}")
    assert "s3cret" not in told
    assert "hub.db.url" in told


def test_later_files_win_key_by_key(tmp_path: Path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("hub: {baseUrl: /lab, allowNamedServers: true}\ncatalog: {profiles: {gpu: {enabled: false}}}\n")
    second.write_text("hub: {baseUrl: /}\ncatalog: {profiles: {small-cpu: {purpose: Small}}}\n")
    settings = read_settings(f"{first}:{second}")
    assert settings.hub.base_url == "/"
    assert settings.hub.allow_named_servers
    assert settings.catalog["profiles"] == {"gpu": {"enabled": False}, "small-cpu": {"purpose": "Small"}}


def test_a_missing_file_and_a_missing_variable_are_mistakes_too(tmp_path: Path):
    with pytest.raises(SettingsErrors) as raised:
        read_settings(f"{tmp_path}/one.yaml:{tmp_path}/two.yaml")
    assert [error.file for error in raised.value.errors] == [f"{tmp_path}/one.yaml", f"{tmp_path}/two.yaml"]
    with pytest.raises(SettingsErrors, match="REMUDA_SETTINGS"):
        read_settings("")


def test_merging_changes_neither_side():
    below, above = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merge(below, above) == {"a": {"b": 1, "c": 2}}
    assert (below, above) == ({"a": {"b": 1}}, {"a": {"c": 2}})
