"""`make release`: what is in dist/, that all of it says the same, and that nobody can change it unseen."""
from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from cluster import CACHE, ROOT
from release.helm import loaded
from release.packed import NAME, VERSION, Packed, command, module

IMAGES = [f"registry.example.com/team/{NAME}", "other.example.org:5000/it"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HELM = CACHE / "bin/helm4"


def key(folder: Path, *algorithm: str) -> Path:
    """A private one; its public one is beside it."""
    private = folder / "key.pem"
    command("openssl", "genpkey", *algorithm, "-out", private, stdin=subprocess.DEVNULL)
    command("openssl", "pkey", "-in", private, "-pubout", "-out", private.with_suffix(".pub"))
    return private


ALGORITHMS = {"ECDSA": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "Ed25519": ["-algorithm", "ED25519"]}


def release(folder: Path, packed: Packed, image: str, *more: str | Path) -> Path:
    dist = folder / "dist"
    module("release", "--image", image, "--version", VERSION, "--commit", COMMIT, "--revision", COMMIT[:12], "--source",
           "https://git.example.com/team/it", "--builder", "https://ci.example.com/7", "--epoch", "1000000000",
           "--layout", packed.layout, "--dist", dist, *more)
    return dist


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return key(tmp_path_factory.mktemp("key"), *ALGORITHMS["ECDSA"])


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory, packed: Packed, private: Path) -> Path:
    if (ROOT / "manifests/chart").is_dir() and not HELM.exists():
        pytest.skip("no helm: hack/helm/build")
    return release(tmp_path_factory.mktemp("release"), packed, IMAGES[0], "--key", private)


def test_the_charts_alerts_lead_to_the_source(dist: Path) -> None:
    with tarfile.open(dist / f"{NAME}-{VERSION}.tgz") as packed:
        rules = packed.extractfile(f"{NAME}/files/rules.yaml").read().decode()
    assert "https://git.example.com/team/it/docs/alerts.md#" in rules and "source.invalid" not in rules


def names(dist: Path) -> set[str]:
    return {str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file()}


def objects(*files: Path) -> list[dict]:
    return [body for file in files for body in loaded(file.read_text())]


def test_dist_has_what_a_stranger_needs_and_nothing_else(dist: Path, packed: Packed) -> None:
    blobs = {f"{NAME}-{VERSION}.oci/{path.relative_to(packed.layout)}" for path in packed.layout.rglob("*") if path.is_file()}
    chart = {f"{NAME}-{VERSION}.tgz"} if (ROOT / "manifests/chart").is_dir() else set()
    assert names(dist) == blobs | chart | {
        f"{NAME}-{VERSION}.oci.tar", f"{NAME}_{VERSION}_linux_amd64.tar.gz", f"{NAME}_{VERSION}_linux_arm64.tar.gz",
        f"kubectl-glr_{VERSION}_linux_amd64.tar.gz", f"kubectl-glr_{VERSION}_linux_arm64.tar.gz", "glr.yaml",
        "install.yaml", "crds.yaml", "operator.yaml", "sbom.spdx.json", "provenance.json", "SHA256SUMS", "SHA256SUMS.sig"}


def test_the_manifests_name_the_image_by_its_digest_and_are_else_those_of_the_source(dist: Path, packed: Packed) -> None:
    pinned = f"{IMAGES[0]}@{packed.facts()['digest']}"
    made = objects(dist / "install.yaml")
    deployment, = [o for o in made if o["kind"] == "Deployment"]
    container, = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == pinned
    source = (ROOT / "manifests/install.yaml").read_text()
    named, = re.findall(r"registry\.invalid/\S+", source)
    assert made == loaded(source.replace(named, pinned))


def test_to_delete_what_the_operators_file_names_deletes_no_runner(dist: Path) -> None:
    kind, operator, whole = (objects(dist / name) for name in ("crds.yaml", "operator.yaml", "install.yaml"))
    assert {o["kind"] for o in kind} == {"CustomResourceDefinition"}
    assert [o for o in whole if o not in kind and o["kind"] != "Namespace"] == operator
    assert "Deployment" in {o["kind"] for o in operator}


def test_krew_finds_the_plugin_its_licence_and_what_it_is(dist: Path, tmp_path: Path) -> None:
    """As krew judges a manifest and installs by it (internal/index/validation, internal/installation)."""
    plugin, = loaded((dist / "glr.yaml").read_text())
    assert (plugin["apiVersion"], plugin["kind"]) == ("krew.googlecontainertools.github.com/v1alpha2", "Plugin")
    assert re.fullmatch(r"[\w-]+", plugin["metadata"]["name"])
    spec = plugin["spec"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", spec["version"])
    assert 0 < len(spec["shortDescription"]) <= 50 and "\n" not in spec["shortDescription"] and spec["description"]
    assert [p["selector"]["matchLabels"] for p in spec["platforms"]] == [{"os": "linux", "arch": a} for a in ("amd64", "arm64")]
    for platform in spec["platforms"]:
        file = dist / platform["uri"].rpartition("/")[2]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == platform["sha256"]
        with tarfile.open(file) as tar:
            assert sorted(tar.getnames()) == ["LICENSE", "kubectl-glr"]
            assert tar.getmember(platform["bin"].removeprefix("./")).mode & 0o111


def test_one_digest_serves_all_registries(dist: Path, packed: Packed, tmp_path: Path) -> None:
    """And all that is released says that one."""
    other = release(tmp_path, packed, IMAGES[1])
    digest = packed.facts()["digest"]
    for folder, image in ((dist, IMAGES[0]), (other, IMAGES[1])):
        assert f"{image}@{digest}" in (folder / "install.yaml").read_text()
        assert json.loads((folder / "sbom.spdx.json").read_text())["packages"][0]["name"] == f"{image}@{digest}"
        assert "invalid" not in (folder / "provenance.json").read_text()
        if (ROOT / "manifests/chart").is_dir():
            made = command(HELM, "template", "it", folder / f"{NAME}-{VERSION}.tgz")
            assert re.findall(r"^ +image: \"?([^\s\"]+)", made, re.M) == [f"{image}@{digest}"]
    assert not (other / "SHA256SUMS.sig").exists()


def test_a_release_is_the_same_bytes_again_but_for_the_signature(dist: Path, packed: Packed, private: Path, tmp_path: Path) -> None:
    again = release(tmp_path, packed, IMAGES[0], "--key", private)
    assert [name for name in names(dist) if (dist / name).read_bytes() != (again / name).read_bytes()] == ["SHA256SUMS.sig"]


def verify(dist: Path, public: Path, code: int = 0) -> str:
    return command("hack/release/verify", dist, public, code=code)


def test_what_was_signed_is_verified(dist: Path, private: Path) -> None:
    assert "as it was signed" in verify(dist, private.with_suffix(".pub"))
    # and by nothing of ours:
    command("openssl", "dgst", "-sha256", "-verify", private.with_suffix(".pub"), "-signature", dist / "SHA256SUMS.sig", dist / "SHA256SUMS")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_key_is_refused(algorithm: str, packed: Packed, dist: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    own, other = key(tmp_path, *ALGORITHMS[algorithm]), key(tmp_path / "other", *ALGORITHMS[algorithm])
    signed = release(tmp_path, packed, IMAGES[0], "--key", own)
    verify(signed, own.with_suffix(".pub"))
    assert "is not what the owner of" in verify(signed, other.with_suffix(".pub"), code=1)


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2] + b"!\n")


TAMPERING = {
    "a manifest": lambda dist: change(dist / "install.yaml"),
    "the archive": lambda dist: change(dist / f"{NAME}-{VERSION}.oci.tar"),
    "a blob": lambda dist: change(next((dist / f"{NAME}-{VERSION}.oci/blobs/sha256").iterdir())),
    "the sums": lambda dist: change(dist / "SHA256SUMS"),
    "a file that goes": lambda dist: (dist / "crds.yaml").unlink(),
    "a file that comes": lambda dist: (dist / "more.yaml").write_text("kind: Pod\n"),
    "a link that comes": lambda dist: (dist / "more.yaml").symlink_to("install.yaml"),
    "no signature": lambda dist: (dist / "SHA256SUMS.sig").unlink(),
    "an empty signature": lambda dist: (dist / "SHA256SUMS.sig").write_bytes(b""),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_seen(what: str, dist: Path, private: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dist"
    shutil.copytree(dist, copy)
    TAMPERING[what](copy)
    assert verify(copy, private.with_suffix(".pub"), code=1)


def test_the_bill_of_materials_is_valid_and_lists_what_the_image_lists(dist: Path, packed: Packed) -> None:
    file = dist / "sbom.spdx.json"
    assert [m.validation_message for m in validate_full_spdx_document(parse_file(str(file)))] == []
    bill = json.loads(file.read_text())
    packages = {package["SPDXID"]: package for package in bill["packages"]}
    for architecture, digest in packed.facts()["images"].items():
        image, = [p for p in packages.values() if p["name"].endswith(f"@{digest}")]
        inside = {r["relatedSpdxElement"] for r in bill["relationships"]
                  if r["spdxElementId"] == image["SPDXID"] and r["relationshipType"] == "CONTAINS"}
        with packed.files(architecture) as files:
            status = [files.extractfile(name).read().decode() for name in files.getnames() if name.startswith("var/lib/dpkg/status.d/")]
        listed = {tuple(re.findall(r"^(?:Package|Version): (\S+)$", stanza, re.M)[:2]) for stanza in status}
        assert {(packages[i]["name"], packages[i]["versionInfo"]) for i in inside} == listed | {(NAME, VERSION)}
    texts = {text["licenseId"] for text in bill["hasExtractedLicensingInfos"]}
    assert all(p["licenseDeclared"] in texts for p in packages.values() if p["SPDXID"].startswith("SPDXRef-deb-"))


def test_the_provenance_is_of_each_file_and_names_what_went_in(dist: Path, packed: Packed) -> None:
    said = json.loads((dist / "provenance.json").read_text())
    assert (said["_type"], said["predicateType"]) == ("https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1")
    subjects = {s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    assert subjects.pop(IMAGES[0]) == packed.facts()["digest"].removeprefix("sha256:")
    files = names(dist) - {"provenance.json", "SHA256SUMS", "SHA256SUMS.sig"}
    assert subjects == {name: hashlib.sha256((dist / name).read_bytes()).hexdigest() for name in files}
    built = said["predicate"]["buildDefinition"]
    assert built["externalParameters"] == {"image": IMAGES[0], "version": VERSION, "platforms": ["amd64", "arm64"]}
    source, *archives = built["resolvedDependencies"]
    assert source["digest"] == {"gitCommit": COMMIT}
    known = {p["archive"]: p["sha256"] for list_ in packed.facts()["packages"].values() for p in list_}
    assert {a["name"]: a["digest"]["sha256"] for a in archives} == known
    assert said["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example.com/7"


@pytest.mark.parametrize("architecture, machine", [("amd64", "X86-64"), ("arm64", "AArch64")])
def test_the_programs_are_each_of_its_architecture(architecture: str, machine: str, dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"{NAME}_{VERSION}_linux_{architecture}.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["LICENSE", NAME]
        archive.extractall(tmp_path)
    assert machine in command("readelf", "-h", tmp_path / NAME)


@pytest.mark.parametrize("image", ["registry.invalid/it", "it", "team/it", "registry.example.com/it:1.0", "https://registry.example.com/it",
                                   "registry.example.com/it@sha256:" + 64 * "0", "registry.example.com/It", "registry.example.com/", ""])
def test_without_a_place_for_the_image_nothing_is_released(image: str) -> None:
    told = module("release.request", env={"IMAGE": image, "VERSION": VERSION}, code=1)
    assert f"make release IMAGE=registry.example.com/team/{NAME}" in told


def test_a_version_and_a_key_that_cannot_be_are_refused() -> None:
    for env in ({"VERSION": "1.2"}, {"VERSION": "v1.2.3"}, {"VERSION": VERSION, "SIGNING_KEY": "/nowhere.pem"}):
        module("release.request", env={"IMAGE": IMAGES[0]} | env, code=1)
    module("release.request", env={"IMAGE": IMAGES[0], "VERSION": "1.2.3-rc.1"})
