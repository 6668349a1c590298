"""docker-compose.yml and its neighbours, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
VARIABLES = sorted({match["name"] for match in VARIABLE.finditer(TEXT)})
SERVICE_KEYS = {
    "build", "command", "depends_on", "environment", "healthcheck", "image", "init", "ports", "restart", "shm_size",
    "volumes",
}  # fmt: skip


def test_services_use_known_keys_and_are_watched() -> None:
    assert set(SERVICES) == {"postgres", "code", "webserver", "daemon", "bi"}
    for name, service in SERVICES.items():
        assert set(service) <= SERVICE_KEYS, f"{name}: {set(service) - SERVICE_KEYS}"
        assert service["restart"] == "unless-stopped", name
        assert service["volumes"], f"{name} would lose its data"
        check = service["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL"), name
        assert {"interval", "timeout", "retries"} <= set(check), name


def test_dependencies_wait_for_health_of_services_that_exist() -> None:
    for name, service in SERVICES.items():
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in SERVICES, f"{name} waits for {needed}"
            assert condition == {"condition": "service_healthy"}, name


def test_images_are_pinned() -> None:
    dockerfiles = "".join(path.read_text() for path in sorted((ROOT / "deploy").glob("*Dockerfile")))
    images = [service["image"] for service in SERVICES.values()] + re.findall(r"^FROM (\S+)", dockerfiles, re.M)
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    for image in images:
        _, _, tag = image.partition(":")
        assert tag and tag != "latest", f"{image} is not pinned"
        assert re.match(r"\d+\.\d+", tag), f"{image}: a tag that moves with every minor version"


def test_every_variable_is_documented_and_used() -> None:
    example = (ROOT / ".env.example").read_text()
    used = {match["name"] for match in VARIABLE.finditer(TEXT)}
    given = set(re.findall(r"^([A-Z_]+)=", example, re.M))
    optional = set(re.findall(r"^# ([A-Z_]+)=", example, re.M))
    assert used <= given, f"not in .env.example: {sorted(used - given)}"
    assert given <= used, f"in .env.example, but read by nothing: {sorted(given - used)}"
    read = set(re.findall(r"IASS_[A-Z_]*[A-Z]", (ROOT / "orchestration/settings.py").read_text())) - {"IASS_PASSWORD"}
    assert read <= given | optional, f"settings read what is not documented: {sorted(read - given - optional)}"


SECRETS = [name for name in VARIABLES if "PASSWORD" in name or "KEY" in name]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_have_no_default(name: str) -> None:
    rests = [match["rest"] for match in VARIABLE.finditer(TEXT) if match["name"] == name]
    assert rests and all(rest.startswith(":?") for rest in rests), "a secret must be given, never defaulted"
    assert re.search(rf"^{name}=$", (ROOT / ".env.example").read_text(), re.M), "the example must not hold a value"


def test_no_service_is_open_to_the_network() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), f"{name} listens on every interface: {port}"


def test_paths_and_volumes_exist() -> None:
    for name, service in SERVICES.items():
        for volume in service["volumes"]:
            source = str(volume).split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name}: {source}"
            elif not source.startswith("${"):
                assert source in COMPOSE["volumes"], f"{name}: {source}"
        build = service.get("build")
        if build:
            assert (ROOT / build["context"] / build["dockerfile"]).is_file()
    for command in ("webserver", "daemon"):
        path = SERVICES[command]["command"][-1]
        assert (ROOT / path).is_file(), path


def test_image_copies_what_exists_and_what_is_not_ignored() -> None:
    dockerfiles = "".join(path.read_text() for path in sorted((ROOT / "deploy").glob("*Dockerfile")))
    lines = re.findall(r"^COPY (.+)$", dockerfiles, re.M)
    admitted = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.M))
    for source in [source for line in lines for source in line.split()[:-1]]:
        assert source.split("/")[0] in admitted or source in admitted, (
            f"{source} is kept out of the image by .dockerignore"
        )
        assert (ROOT / source).exists(), source


def test_workspace_points_to_the_code_server() -> None:
    workspace = yaml.safe_load((ROOT / "deploy/workspace.yaml").read_text())
    server = workspace["load_from"][0]["grpc_server"]
    assert server["host"] in SERVICES
    assert f"-p {server['port']} -m orchestration.definitions" in SERVICES[server["host"]]["command"][-1]


def test_dagster_sends_nothing_and_keeps_runs_in_the_database() -> None:
    configuration = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())
    assert configuration["telemetry"] == {"enabled": False}
    variable = configuration["storage"]["postgres"]["postgres_url"]["env"]
    for name in ("code", "webserver", "daemon"):
        assert variable in SERVICES[name]["environment"], name
