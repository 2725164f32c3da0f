"""The manifests: what they grant and what they name. No cluster is at hand, and no schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hostgw_controller.settings import parse as controller_settings
from hostgw_daemon.settings import parse as daemon_settings
from support.debian_tree import ROOT

FOLDER = ROOT / "deploy/kubernetes"


def load(name: str) -> dict[str, Any]:
    """Give the one document of a file."""
    return yaml.safe_load((FOLDER / name).read_text())


@pytest.fixture(scope="module")
def agent() -> dict[str, Any]:
    """Give the pod of the agent."""
    return load("daemonset.yaml")["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def controller() -> dict[str, Any]:
    """Give the pod of the controller."""
    return load("controller.yaml")["spec"]["template"]["spec"]


def test_the_agent_may_administer_the_network_and_nothing_else(agent: dict[str, Any]) -> None:
    """NET_ADMIN alone, no privilege, a root file system that it cannot write."""
    (container,) = agent["containers"]
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    assert context["privileged"] is False
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert agent["hostNetwork"] is True
    assert not {"hostPID", "hostIPC", "initContainers"} & agent.keys()


def test_the_controller_holds_nothing(controller: dict[str, Any]) -> None:
    """No capability, an ordinary user, no path of the host."""
    (container,) = controller["containers"]
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["readOnlyRootFilesystem"] is True
    assert not [volume for volume in controller["volumes"] if "hostPath" in volume]


def test_nobody_gets_a_token_of_the_cluster(
    agent: dict[str, Any], controller: dict[str, Any]
) -> None:
    """Neither program speaks to the API, so there is no role and no token."""
    assert load("serviceaccount.yaml")["automountServiceAccountToken"] is False
    assert agent["automountServiceAccountToken"] is False
    assert controller["automountServiceAccountToken"] is False
    kinds = {load(path.name)["kind"] for path in FOLDER.glob("*.yaml")}
    assert not kinds & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}


def test_the_agent_goes_everywhere_one_node_at_a_time(agent: dict[str, Any]) -> None:
    """It runs on every node whatever is wrong with the node, and is replaced slowly."""
    assert agent["tolerations"] == [{"operator": "Exists"}]
    assert agent["priorityClassName"] == "system-node-critical"
    update = load("daemonset.yaml")["spec"]["updateStrategy"]
    assert update == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}


def test_an_outage_of_etcd_restarts_nothing(
    agent: dict[str, Any], controller: dict[str, Any]
) -> None:
    """What restarts a pod asks /livez, which never depends on etcd; the agent asks on loopback."""
    (container,) = agent["containers"]
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"host": "127.0.0.1", "port": 9745, "path": "/livez"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    (other,) = controller["containers"]
    assert other["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_every_setting_is_one_that_the_program_has(
    agent: dict[str, Any], controller: dict[str, Any]
) -> None:
    """With these flags and variables the settings are right, and nothing is to be warned of."""

    def no_file(path: str) -> bytes:
        raise AssertionError(path)

    shared = load("config.yaml")["data"]
    for pod, parse in ((agent, daemon_settings), (controller, controller_settings)):
        (container,) = pod["containers"]
        own = {each["name"]: "node-1" for each in container.get("env", [])}
        settings = parse(container.get("args", []), {**shared, **own}, no_file)
        assert settings.warnings == ()
        assert settings.etcd_keyfile == "/etc/hostgw/etcd/tls.key"


def test_paths_and_ports_are_those_of_the_program(
    agent: dict[str, Any], controller: dict[str, Any]
) -> None:
    """The host's folders are mounted where the defaults of the settings look for them."""
    settings = daemon_settings([], {}, Path.read_bytes)  # type: ignore[arg-type]  # never called
    (container,) = agent["containers"]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    paths = {
        mounts[volume["name"]]: volume["hostPath"]["path"]
        for volume in agent["volumes"]
        if "hostPath" in volume
    }
    assert {settings.state_dir, settings.run_dir, str(Path(settings.subnet_file).parent)} < set(
        paths
    )
    assert all(inside == outside for inside, outside in paths.items())
    assert settings.http_address is not None
    assert container["ports"][0]["containerPort"] == settings.http_address.port
    (other,) = controller["containers"]
    defaults = controller_settings([], {}, Path.read_bytes)  # type: ignore[arg-type]  # never called
    assert defaults.http_address is not None
    assert other["ports"][0]["containerPort"] == defaults.http_address.port
    unit = (ROOT / "systemd/hostgw-controller.service").read_text()
    assert f"ExecStart={other['command'][0]}" in unit.splitlines()


def test_the_runtime_is_told_how_to_attach_containers(agent: dict[str, Any]) -> None:
    """The conflist goes where it can be written; the plugins can be seen and not changed."""
    (container,) = agent["containers"]
    settings = daemon_settings(container["args"], {}, Path.read_bytes)  # type: ignore[arg-type]  # never called
    mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
    folder = str(Path(settings.cni_conf).parent)
    assert "readOnly" not in mounts[folder]
    assert mounts[settings.cni_bin_dir[0]]["readOnly"] is True
    assert settings.cni_chain == ("portmap",)


def test_what_is_mounted_is_declared_and_what_is_listed_is_there(
    agent: dict[str, Any], controller: dict[str, Any]
) -> None:
    """Volumes, selectors, Secret, ConfigMap and the files of the kustomization agree by name."""
    for pod in (agent, controller):
        (container,) = pod["containers"]
        assert {each["name"] for each in container["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        }
        assert container["envFrom"] == [
            {"configMapRef": {"name": load("config.yaml")["metadata"]["name"]}}
        ]
        secrets = [each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each]
        assert secrets == [load("etcd-secret.example.yaml")["metadata"]["name"]]
        assert pod["serviceAccountName"] == load("serviceaccount.yaml")["metadata"]["name"]
    for name in ("daemonset.yaml", "controller.yaml"):
        spec = load(name)["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
    listed = load("kustomization.yaml")["resources"]
    unlisted = {path.name for path in FOLDER.glob("*.yaml")} - set(listed)
    assert unlisted == {"kustomization.yaml", "etcd-secret.example.yaml"}
    assert {load(name)["metadata"].get("namespace", "hostgw") for name in listed} == {"hostgw"}
