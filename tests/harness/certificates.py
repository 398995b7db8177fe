"""Certificates for servers on loopback."""
from harness.programs import run


def make_authority(folder):
    """An authority (ca.pem) and a certificate for 127.0.0.1 and localhost (server.pem, server.key)."""
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"
                                "extendedKeyUsage=serverAuth\n")
    for name in ("ca", "server"):
        run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", folder / f"{name}.key")
    run("openssl", "req", "-x509", "-new", "-key", folder / "ca.key", "-days", "2", "-subj", "/CN=imgsrv test",
        "-out", folder / "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("openssl", "req", "-new", "-key", folder / "server.key", "-subj", "/CN=localhost", "-out", folder / "server.csr")
    run("openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-days", "2", "-out", folder / "server.pem", "-extfile", folder / "san")
