"""Artifacts, as far as the client 0.31 logs them: created with a manifest, files uploaded, committed, aliases moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.wandb_standin.server import Standin

Json = dict[str, Any]


@dataclass
class StoredArtifact:
    """One version of an artifact."""

    id: str
    name: str
    kind: str
    digest: str
    aliases: set[str] = field(default_factory=set)
    state: str = "PENDING"


def _artifact_type(server: "Standin", variables: Json) -> Json:
    name = variables["name"].partition(":")[0]
    known = next((one for one in server.artifacts if one.name == name), None)
    return {"project": {"artifact": {"artifactType": {"name": known.kind}} if known else None}}


def _create(server: "Standin", variables: Json) -> Json:
    asked = variables["input"]
    name, aliases = asked["artifactCollectionName"], {one["alias"] for one in asked["aliases"] or ()}
    made = StoredArtifact(f"artifact{len(server.artifacts)}", name, asked["artifactTypeName"], asked["digest"], aliases)
    for other in server.artifacts:
        if other.name == name:
            other.aliases -= aliases
    server.artifacts.append(made)
    sequence = {"id": f"sequence-{name}", "latestArtifact": None}
    return {"createArtifact": {"artifact": {"id": made.id, "state": made.state, "artifactSequence": sequence}}}


def _create_manifest(server: "Standin", variables: Json) -> Json:
    artifact = _found(server, variables["artifactID"])
    name = variables.get("name") or "wandb_manifest.json"
    file = _upload(server, f"{artifact.name}/{name}")
    return {"createArtifactManifest": {"artifactManifest": {"id": f"manifest-{artifact.id}", "file": file}}}


def _create_files(server: "Standin", variables: Json) -> Json:
    edges = []
    for spec in variables["input"]["artifactFiles"]:
        artifact = _found(server, spec["artifactID"])
        file = _upload(server, f"{artifact.name}/{spec['name']}") | {"artifact": {"id": artifact.id}}
        edges.append({"node": {"storagePath": None, "uploadMultipartUrls": None, **file}})
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def _commit(server: "Standin", variables: Json) -> Json:
    artifact = _found(server, variables["artifactID"])
    artifact.state = "COMMITTED"
    return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}


def _found(server: "Standin", name: str) -> StoredArtifact:
    return next(one for one in server.artifacts if one.id == name)


def _upload(server: "Standin", name: str) -> Json:
    url = f"{server.url}/upload/{name}"
    return {"id": name, "name": name, "displayName": name, "uploadUrl": url, "uploadHeaders": []}


ARTIFACTS: Mapping[str, Callable[["Standin", Json], Json]] = {
    "ArtifactType": _artifact_type,
    "CreateArtifact": _create,
    "CreateArtifactManifest": _create_manifest,
    "CreateArtifactFiles": _create_files,
    "CommitArtifact": _commit,
}
