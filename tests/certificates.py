"""Certificates for servers of this machine, made by openssl and good for a day or two at most."""

from __future__ import annotations

import subprocess
from itertools import count
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """An authority of the test's own, and what it signs."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.file = place / "ca.pem"
        self._numbers = count()
        # Python 3.13 wants to be told what a key is for.
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl(
            "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2", *usage
        )

    def server(self, name: str, *, days: int = 2, signs_itself: bool = False) -> tuple[str, ...]:
        """A server's TLS settings, with a certificate for `name` (as `DNS:localhost` or `IP:127.0.0.1`)."""
        stem = f"server{next(self._numbers)}"
        request = ("req", *_KEY, "-keyout", f"{stem}.key", "-subj", "/CN=server")
        if signs_itself:
            self._openssl(
                *request, "-x509", "-out", f"{stem}.pem", "-days", str(days), "-addext", f"subjectAltName={name}"
            )
        else:
            (self.place / f"{stem}.names").write_text(f"subjectAltName={name}")
            self._openssl(*request, "-out", f"{stem}.csr")
            signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", f"{stem}.names")
            self._openssl("x509", "-req", "-in", f"{stem}.csr", *signed, "-out", f"{stem}.pem", "-days", str(days))
        settings = {
            "--tls-cert-file": self.place / f"{stem}.pem",
            "--tls-key-file": self.place / f"{stem}.key",
            "--tls-ca-cert-file": self.file,
            "--tls-auth-clients": "no",
        }
        return tuple(str(word) for pair in settings.items() for word in pair)

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.place, check=True, capture_output=True)
