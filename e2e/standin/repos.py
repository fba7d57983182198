"""Bare git repositories, one per project, and commits made from a table of files."""
from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

BRANCH = "main"
WHO = "Administrator <admin@my.gitlab.com>"
# Whoever starts the stand-in may have settings of their own; none of them may reach these repositories.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


async def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(folder), *words, env=ENVIRONMENT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, err = await process.communicate(stdin)
    if process.returncode:
        raise RuntimeError(f"git {words[0]} in {folder}: {err.decode(errors='replace').strip()}")
    return out


class Repository:
    def __init__(self, root: Path, project_path: str) -> None:
        self.folder = root / f"{project_path}.git"

    async def create(self) -> None:
        """Empty, whatever an earlier run has left in its place."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        await git(self.folder, "init", "-q", "--bare", f"--initial-branch={BRANCH}")
        await git(self.folder, "config", "uploadpack.allowAnySHA1InWant", "true")

    async def commit(self, files: dict[str, str | None], message: str, branch: str = BRANCH) -> str:
        """Writes these files on top of the branch (None removes one) and tells the new commit."""
        await git(self.folder, "fast-import", "--quiet", "--date-format=now",
                  stdin=commit_stream(files, message, branch, await self.head(branch)))
        return await self.head(branch)

    async def head(self, branch: str = BRANCH) -> str:
        """Empty when there is no such branch."""
        ref = f"refs/heads/{branch}"
        return (await git(self.folder, "for-each-ref", "--format=%(objectname)", ref)).decode().strip()

    async def read(self, sha: str, path: str) -> str | None:
        if not await git(self.folder, "ls-tree", sha, "--", path):
            return None
        return (await git(self.folder, "show", f"{sha}:{path}")).decode()

    async def title(self, sha: str) -> str:
        return (await git(self.folder, "show", "-s", "--format=%s", sha)).decode().strip()

    async def keep(self, sha: str, ref: str) -> None:
        """A pipeline's commit stays fetchable by this name when its branch moves on."""
        await git(self.folder, "update-ref", ref, sha)


def commit_stream(files: dict[str, str | None], message: str, branch: str, parent: str) -> bytes:
    """The commit in the language of git fast-import."""
    def data(text: str) -> bytes:
        return b"data %d\n%s\n" % (len(text.encode()), text.encode())

    stream = f"commit refs/heads/{branch}\ncommitter {WHO} now\n".encode() + data(message)
    if parent:
        stream += f"from {parent}\n".encode()
    for path, content in files.items():
        if content is None:
            stream += f"D {path}\n".encode()
        else:
            mode = "100755" if content.startswith("#!") else "100644"
            stream += f"M {mode} inline {path}\n".encode() + data(content)
    return stream + b"\n"
