"""One image for the tests of this folder."""
from __future__ import annotations

import pytest

from release.packed import Packed, pack, program


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """Of both architectures."""
    return pack(tmp_path_factory.mktemp("image"), {architecture: program(architecture) for architecture in ("amd64", "arm64")})
