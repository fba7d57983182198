"""A private CA and certificates for my.gitlab.com, good ones and bad ones: python -m standin.pki DIR

Needs only the openssl program.
"""
from __future__ import annotations

import argparse
import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOST = "my.gitlab.com"
CA_CONFIG = """\
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
LEAF_EXTENSIONS = """\
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
subjectAltName = {names}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""
    cert: Path
    key: Path


class Authority:
    """A CA of its own in a folder; ca.crt is what clients must trust."""

    def __init__(self, folder: Path, name: str = "Private test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = Pair(folder / "ca.crt", folder / "ca.key")
        config = folder / "ca.cnf"
        config.write_text(CA_CONFIG.format(name=name))
        new_key(self.ca.key)
        openssl("req", "-x509", "-new", "-config", config, "-key", self.ca.key, "-days", 30, "-out", self.ca.cert)

    def issue(self, name: str, hosts: list[str], days: int = 30, usage: str = "serverAuth") -> Pair:
        """Files name.crt and name.key for these host names and addresses; days = -1: expired yesterday."""
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(LEAF_EXTENSIONS.format(usage=usage, names=",".join(map(alternative_name, hosts))))
        new_key(pair.key)
        openssl("req", "-new", "-config", self.folder / "ca.cnf", "-subj", f"/CN={hosts[0]}", "-key", pair.key,
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca.cert, "-CAkey", self.ca.key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", pair.cert)
        return pair

    def server(self, *hosts: str) -> Pair:
        return self.issue("server", list(hosts) or [HOST])

    def wrong_host(self) -> Pair:
        return self.issue("wrong-host", ["other.example.com"])

    def expired(self, *hosts: str) -> Pair:
        return self.issue("expired", list(hosts) or [HOST], days=-1)

    def client(self, name: str, days: int = 30) -> Pair:
        return self.issue(f"client-{name}", [name], days, usage="clientAuth")


def alternative_name(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


def new_key(path: Path) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", path)


def openssl(*words: object) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m standin.pki", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="where ca.crt, server.crt and server.key go")
    parser.add_argument("hosts", metavar="HOST", nargs="*", default=[HOST],
                        help=f"names and addresses of the server (default: {HOST})")
    options = parser.parse_args()
    authority = Authority(options.folder)
    pair = authority.server(*options.hosts)
    print(f"trust {authority.ca.cert}; serve {pair.cert} with {pair.key}")


if __name__ == "__main__":
    main()
