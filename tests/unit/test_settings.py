"""Settings: what is read, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from steelyard.settings import Settings, SettingsError, settings_table


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_env({}) == Settings()


def test_every_setting_is_read_from_its_variable_and_flags_win():
    env = {
        "STEELYARD_DATA_DIR": "/srv/x",
        "STEELYARD_PORT": "9000",
        "STEELYARD_ALLOW_NETWORKS": "10.0.0.0/8, 127.0.0.1",
        "STEELYARD_RATE_LIMIT": "2.5",
        "STEELYARD_PUBLIC_URL": "https://label.example.org/",
    }
    settings = Settings.from_env(env, port=9001, host=None)
    assert settings.data_dir == Path("/srv/x")
    assert settings.port == 9001
    assert settings.host == "127.0.0.1"
    assert settings.allow_networks == ("10.0.0.0/8", "127.0.0.1/32")
    assert settings.rate_limit == 2.5
    assert settings.public_url == "https://label.example.org"


def test_a_child_process_reads_the_very_same_settings():
    settings = Settings(
        data_dir=Path("/srv/a b"),
        database_url="postgresql://u:p@/d?host=%2Ftmp",
        allow_networks=("10.0.0.0/8", "::1/128"),
        rate_limit=1.5,
        secret_key="s" * 40,
        shard=3,
    )
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "abc", "STEELYARD_PORT: “abc” is not allowed; give a whole number from 0 to 65535."),
        ("PORT", "70000", "STEELYARD_PORT: “70000” is not allowed; give a whole number from 0 to 65535."),
        (
            "LOG_LEVEL",
            "loud",
            "STEELYARD_LOG_LEVEL: “loud” is not allowed; give one of debug, info, warning, error.",
        ),
        ("RATE_LIMIT", "0", "STEELYARD_RATE_LIMIT: “0” is not allowed; give a number greater than 0."),
        ("RATE_LIMIT", "nan", "STEELYARD_RATE_LIMIT: “nan” is not allowed; give a number greater than 0."),
        ("ALLOW_NETWORKS", "10.0.0.0/33", "such as 10.0.0.0/8, comma separated."),
        ("PUBLIC_URL", "label.example.org", "give an http:// or https:// address of a host name"),
        ("PUBLIC_URL", "https://example.org/label", "without a path"),
        ("STORAGE_URL", "ftp://x", "such as file:///srv/files or s3://bucket/prefix."),
        ("TLS_CERT", "/nowhere.pem", "STEELYARD_TLS_CERT and STEELYARD_TLS_KEY must be set together."),
        ("PROT", "1", "STEELYARD_PROT is not a setting; did you mean STEELYARD_PORT?"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_is_allowed(variable, value, message):
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({f"STEELYARD_{variable}": value})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"), [("SECRET_KEY", "hunter2"), ("DATABASE_URL", "mysql://root:hunter2@db/x")]
)
def test_a_secret_is_never_repeated_in_a_message(variable, value):
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({f"STEELYARD_{variable}": value})
    assert "hunter2" not in str(caught.value)
    assert f"STEELYARD_{variable}" in str(caught.value)


def test_every_setting_is_described():
    rows = settings_table()
    assert len(rows) == len(Settings.__struct_fields__)
    assert all(len(description) > 20 and allowed for _, allowed, _, description in rows)
