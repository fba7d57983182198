"""The operator's image: what takes it, what is in it, and that it is the same one whoever builds it."""
from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import CACHE, ROOT, wait_for
from program import PROGRAM, free_port
from release.packed import CRANE, NAME, NATIVE, PREFIX, VERSION, Packed, command, pack, program, tool

ARCHITECTURES = ["amd64", "arm64"]
SAMPLE = """
apiVersion: gitlab-runners.dev/v1beta1
kind: GitLabRunner
metadata: {name: builds, namespace: ci}
spec:
  url: https://gitlab.example.invalid
  authentication: {accessTokenSecretRef: {name: my-gitlab}}
  scope: {type: Project, projectId: 1}
  tags: [kubernetes, größer]
  nodeSelector: {disk: ssd}
  config: {runners: {limit: 5, kubernetes: {poll_timeout: 600}}}
"""
EMULATOR = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}


def test_the_archive_offers_one_thing_which_is_for_both_architectures(packed: Packed) -> None:
    entry, = packed.top()["manifests"]
    assert entry["annotations"] == {PREFIX + "ref.name": VERSION,
                                    "io.containerd.image.name": f"registry.example.com/team/{NAME}:{VERSION}"}
    assert [e["platform"] for e in packed.index()["manifests"]] == [{"architecture": a, "os": "linux"} for a in ARCHITECTURES]
    for architecture in ARCHITECTURES:
        config = packed.config(architecture)
        assert (config["architecture"], config["config"]["User"]) == (architecture, "65532:65532")


def test_labels_are_where_each_registry_looks_for_them(packed: Packed) -> None:
    """In the configuration, and as annotations of the images and of what names both."""
    said = packed.index()["annotations"]
    assert said == {
        PREFIX + "title": NAME, PREFIX + "description": said[PREFIX + "description"], PREFIX + "version": VERSION,
        PREFIX + "source": "https://git.example.com/team/it", PREFIX + "revision": "0123456789ab",
        PREFIX + "licenses": "Apache-2.0", PREFIX + "created": "2001-09-09T01:46:40Z"}
    for architecture, manifest in packed.manifests().items():
        assert manifest["annotations"] == packed.config(architecture)["config"]["Labels"] == said


@pytest.fixture
def registry() -> Iterator[str]:
    """A real one, on this machine's own address."""
    port = free_port()
    served = subprocess.Popen([tool(CRANE), "registry", "serve", "--address", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_for("the registry answers", answers)
    yield f"127.0.0.1:{port}"
    served.kill()
    served.wait()


def test_skopeo_takes_the_archive_and_a_registry_has_the_same_digest_then(packed: Packed, registry: str) -> None:
    at = f"{registry}/team/it:{VERSION}"
    command(tool("skopeo"), "--insecure-policy", "copy", "--all", "--dest-tls-verify=false", f"oci-archive:{packed.archive}",
            f"docker://{at}")
    assert command(CRANE, "digest", at).strip() == packed.facts()["digest"]
    command(CRANE, "validate", "--remote", at)
    for architecture in ARCHITECTURES:
        seen = json.loads(command("skopeo", "inspect", "--tls-verify=false", f"--override-arch={architecture}", f"docker://{at}"))
        assert seen["Architecture"] == architecture and seen["Labels"][PREFIX + "version"] == VERSION


def test_crane_takes_the_folder_and_a_registry_has_the_same_digest_then(packed: Packed, registry: str) -> None:
    at = f"{registry}/another/{NAME}:{VERSION}"
    command(tool(CRANE), "push", packed.layout, at)
    assert command(CRANE, "digest", at).strip() == packed.facts()["digest"]
    assert command(CRANE, "digest", "--platform", "linux/arm64", at).strip() == packed.facts()["images"]["arm64"]


def test_an_image_of_one_architecture_has_the_same_shape(tmp_path: Path) -> None:
    one = pack(tmp_path, {NATIVE: program(NATIVE)})
    assert list(one.manifests()) == [NATIVE] and len(one.index()["manifests"]) == 1


def test_it_is_the_same_whoever_packs_it_where_and_for_which_registry(packed: Packed, tmp_path: Path) -> None:
    """Only the archive's entry knows the name."""
    private = {architecture: tmp_path / architecture for architecture in ARCHITECTURES}
    for architecture, copy in private.items():
        shutil.copyfile(program(architecture), copy)
        copy.chmod(0o700)
    again = pack(tmp_path, private, "other.example.org:5000/it")
    assert again.facts() == packed.facts()
    one, other = packed.members(), again.members()
    assert list(one) == list(other) and [name for name in one if one[name] != other[name]] == ["index.json"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_whoever_runs_it_may_read_it(architecture: str, packed: Packed) -> None:
    with packed.files(architecture) as files:
        members = files.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    for member in members:
        assert (member.uid, member.gid, member.mtime) == (0, 0, 0), member.name
        wanted = {tarfile.SYMTYPE: 0o777, tarfile.DIRTYPE: 0o755}.get(member.type, member.mode & 0o111 and 0o755 or 0o644)
        assert member.mode == (0o1777 if member.name == "tmp" else wanted), member.name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scanners_and_lawyers_find_the_packages_in_it(architecture: str, packed: Packed) -> None:
    """Each package whose files are in it: its name, its version, its licence, and Debian's own name."""
    with packed.files(architecture) as files:
        names = set(files.getnames())
        stanzas = {name: files.extractfile(name).read().decode() for name in names if name.startswith("var/lib/dpkg/status.d/")}
        release = files.extractfile("usr/lib/os-release").read().decode()
    listed = packed.facts()["packages"][architecture]
    assert {f"var/lib/dpkg/status.d/{p['name']}" for p in listed} == set(stanzas)
    for package in listed:
        stanza = stanzas[f"var/lib/dpkg/status.d/{package['name']}"]
        assert re.search(rf"^Version: {re.escape(package['version'])}$", stanza, re.M)
        assert package["architecture"] in (architecture, "all") and len(package["sha256"]) == 64
        assert f"usr/share/doc/{package['name']}/copyright" in names
    assert {"libc6", "libcurl4", "libssl3", "libwebsockets17", "libwebsockets-evlib-uv", "ca-certificates"} <= {p["name"] for p in listed}
    assert "VERSION_CODENAME=bookworm" in release
    assert {f"usr/share/doc/{NAME}/copyright", "usr/share/common-licenses/GPL-2"} <= names


@pytest.fixture(params=ARCHITECTURES)
def run_inside(request: pytest.FixtureRequest, packed: Packed, tmp_path: Path):
    """The program of the image, with what is in the image and no other file; another architecture's by qemu."""
    architecture = request.param
    with packed.files(architecture) as files:
        files.extractall(tmp_path, filter="tar") if hasattr(tarfile, "tar_filter") else files.extractall(tmp_path)
    inside = tmp_path / "usr/bin" / NAME
    if architecture == NATIVE:
        loader = next((tmp_path / "usr/lib").glob("*-linux-gnu/ld-linux-*"))
        start = [loader, "--inhibit-cache", "--library-path", loader.parent, inside]
    else:
        start = [tool(CACHE / "bin" / EMULATOR[architecture]), "-L", tmp_path, inside]

    def run(*words: str, code: int = 0) -> str:
        return command(*start, *words, code=code)
    return run


def test_its_program_runs_with_what_is_in_it_alone(run_inside) -> None:
    told = run_inside("--version")
    assert told.startswith(f"{NAME} ") and "libwebsockets" in told


def test_its_program_renders_and_validates_as_the_one_of_this_machine_does(run_inside, tmp_path: Path) -> None:
    sample = tmp_path / "runner.yaml"
    sample.write_text(SAMPLE)
    for words in (["render", "-f", sample], ["render", "-o", "json", "-f", sample], ["validate", "-f", sample]):
        assert run_inside(*words) == command(PROGRAM, *words)
    sample.write_text(SAMPLE.replace("limit: 5", "limit: five"))
    assert run_inside("validate", "-f", sample, code=3) == command(PROGRAM, "validate", "-f", sample, code=3)


def test_the_name_that_local_clusters_know_is_nobodys() -> None:
    """No registry under .invalid can ever be (RFC 6761), so nobody can offer an image of that name to the unwary."""
    said = dict(re.findall(r"^(IMAGE|VERSION) [:?]= (\S+)$", (ROOT / "Makefile").read_text(), re.M))
    text = (ROOT / "manifests/install.yaml").read_text()
    named = re.findall(r"^ +image: (\S+)$", text, re.M)
    assert named == ["{IMAGE}:{VERSION}".format(**said)] and named[0].startswith("registry.invalid/")
    assert "make release IMAGE=" in text.splitlines()[0]
