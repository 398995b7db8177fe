#!/usr/bin/env python3
"""Configuration: layers, origins, mistakes, secrets in files, names and defaults. The same for the parser alone: unit/config; that the sample file says what the program does: api/configuration_test.py."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import pair
from harness.build import BINARY, clean_environment
from harness.certificates import make_authority
from harness.checks import check
from harness.imgsrv import Server

# The page's names, with the default where it tells one.
NAMES = {
    "listen": ":8080", "node-name": None, "shutdown-timeout": "10s", "log-format": None, "verbosity": "info",
    "metrics-listen": "127.0.0.1:9464", "metrics-path": "/metrics", "upload-ttl": "24h", "cas-promotion-enabled": "true",
    "cas-promotion-poll-interval": "5s", "cas-promotion-error-backoff": "5s", "cas-promotion-error-backoff-max": "1m",
    "cas-promotion-circuit-breaker-failures": "10", "cas-promotion-circuit-breaker-cooldown": "1m",
    "data-dir": None, "tls-listen": "", "tls-certificate": "", "tls-key": "", "plugin-dir": None, "trust-proxy": "false",
    "rate-limit": "1200", "storage.driver": "fs", "database.driver": "sqlite", "auth.drivers": ["bearer"],
    "publish.steps": ["validate_catalog", "incus_index", "finalize_publish"],
}
SHORT = {
    "postgres-url": ("database.driver", "database.postgres.url", "postgresql://somebody@db.example/imgsrv"),
    "s3-endpoint": ("storage.driver", "storage.s3.endpoint", "http://s3.example"),
    "s3-bucket": ("storage.driver", "storage.s3.bucket", "images"),
    "s3-access-key-id": ("storage.driver", "storage.s3.access_key_id", "KEYID"),
    "s3-secret-access-key": ("storage.driver", "storage.s3.secret_access_key", "hush"),
    "s3-session-token": ("storage.driver", "storage.s3.session_token", "hush"),
    "s3-region": ("storage.driver", "storage.s3.region", "here"),
    "s3-use-tls": ("storage.driver", "storage.s3.use_tls", "false"),
    "s3-path-style": ("storage.driver", "storage.s3.path_style", "true"),
}


S3 = ("--set", "s3-endpoint=http://s3.example", "--set", "s3-bucket=images", "--set", "s3-access-key-id=KEYID")


class Folder:
    """A scratch folder for configuration files."""

    def __init__(self, text=""):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-test-"))
        self.file = self.path / "imgsrv.toml"
        self.file.write_text(text)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def imgsrv(*words, **environment):
    return subprocess.run([BINARY, *words], env={**clean_environment(), **environment}, capture_output=True, text=True, timeout=60)


def shown(*flags, **environment):
    """`config show`: key -> (value, origin)."""
    done = imgsrv("config", "show", *flags, **environment)
    check.equal(done.returncode, 0, f"config show {flags} {environment}: {done.stderr}")

    def value(text):
        if text.startswith("["):
            return re.findall(r'"([^"]*)"', text) if text != "[REDACTED]" else text
        return text.strip('"')
    return {key: (value(text), origin) for key, text, origin in re.findall(r"^(\S+) = (.*?)  # (.*)$", done.stdout, re.M)}


def test_names_and_defaults():
    """Settings keep their names and defaults; without any configuration the server listens on loopback alone."""
    with Folder() as folder:
        there = shown("--config", folder.file)
        for key, default in NAMES.items():
            check.true(key in there, f"{key} is a setting")
            if key in there and default is not None:
                check.equal(there[key], (default, "default"), f"{key} by default")
        check.true(there["log-format"][0] in ("json", "text"), "log-format", there["log-format"])
    nothing = shown()
    check.equal(nothing["listen"], ("127.0.0.1:8080", "default"), "nothing configured: loopback")
    for key in ("storage.driver", "database.driver", "auth.drivers", "publish.steps"):
        check.equal(nothing[key], (NAMES[key], "default"), f"nothing configured: {key}")


def test_layers():
    """The file, conf.d, the environment, flags: the later wins, and `config show` tells the origin of each value."""
    text = "".join(f'{key} = "{value}"\n' for key, value in (
        ("node-name", "file"), ("shutdown-timeout", "1s"), ("upload-ttl", "1h"), ("metrics-path", "/file"), ("data-dir", "/file")))
    with Folder(text) as folder:
        folder.write("conf.d/10.toml", 'shutdown-timeout = "2s"\nupload-ttl = "2h"\nmetrics-path = "/ten"\ndata-dir = "/ten"\n')
        folder.write("conf.d/20.toml", '\nupload-ttl = "3h"\nmetrics-path = "/twenty"\ndata-dir = "/twenty"\n')
        folder.write("conf.d/notes.txt", "not TOML")
        there = shown("--config", folder.file, "--data-dir", "/flag", IMGSRV_METRICS_PATH="/environment", IMGSRV_DATA_DIR="/environment")
        for key, wanted in (("node-name", ("file", f"{folder.file}:1")),
                            ("shutdown-timeout", ("2s", f"{folder.path}/conf.d/10.toml:1")),
                            ("upload-ttl", ("3h", f"{folder.path}/conf.d/20.toml:2")),
                            ("metrics-path", ("/environment", "environment IMGSRV_METRICS_PATH")),
                            ("data-dir", ("/flag", "--data-dir"))):
            check.equal(there[key], wanted, key)
        folder.write("imgsrv.toml", '[storage.s3]\nsecret-access-key = "hush"\nbucket = "file"\n')
        hidden = folder.write("secret", "hush\n")
        there = shown("--config", folder.file, "--set", "storage.s3.bucket=flag", IMGSRV_S3_BUCKET="environment",
                      IMGSRV_S3_SECRET_ACCESS_KEY_FILE=str(hidden))
        check.equal(there["storage.s3.bucket"], ("flag", "--storage.s3.bucket"), "a driver's option")
        check.equal((there.get("storage.s3.secret_access_key_file", ["", ""])[1], "storage.s3.secret_access_key" in there),
                    ("environment IMGSRV_S3_SECRET_ACCESS_KEY_FILE", False), "a secret's file wins over the secret of an earlier layer")


def test_mistakes():
    """`config check` refuses an unknown key with its file, its line and the nearest known key."""
    with Folder() as folder:
        check.contains(imgsrv("config", "check", "--config", folder.file).stdout, ["valid"], "an empty file")
        data = ("--data-dir", folder.path / "data")
        for name, text, words in (
                ("imgsrv.toml", '\n\nupload-tll = "1h"\n', ["imgsrv.toml:3", "upload-tll", "did you mean 'upload-ttl'"]),
                ("imgsrv.toml", '[storage]\ndrivr = "fs"\n', ["imgsrv.toml:2", "storage.drivr", "did you mean 'storage.driver'"]),
                ("imgsrv.toml", '[storage]\ndriver = "s3"\n[storage.s3]\nbuckett = "x"\n',
                 ["imgsrv.toml:4", "storage.s3.buckett", "did you mean 'storage.s3.bucket'"]),
                ("imgsrv.toml", '[storage.s3]\nbuckett = "x"\n', ["imgsrv.toml:2", "did you mean 'storage.s3.bucket'"]),
                ("imgsrv.toml", '[storage.s33]\nbucket = "x"\n', ["imgsrv.toml:2", "storage.s33.bucket", "did you mean 's3'"]),
                ("imgsrv.toml", '[storage]\ndriver = "s4"\n', ["'s4'", "did you mean 's3'"]),
                ("imgsrv.toml", 'upload-ttl = "soon"\n', ["imgsrv.toml:1", "upload-ttl", "'soon'"]),
                ("imgsrv.toml", "upload-ttl = \n", ["imgsrv.toml:"]),
                ("imgsrv.toml", 'tls-listen = "8443"\n', ["tls-listen", "'8443' is not an address"]),
                ("imgsrv.toml", 'metrics-path = "metrics"\n', ["metrics-path 'metrics' is not a path"]),
                ("conf.d/10.toml", 'listenn = ":1"\n', ["conf.d/10.toml:1", "listenn", "did you mean 'listen'"])):
            folder.write("imgsrv.toml", "")
            written = folder.write(name, text)
            done = imgsrv("config", "check", "--config", folder.file, *data)
            check.true(done.returncode != 0, f"{text!r} is refused")
            check.contains(done.stderr, words, f"{text!r}")
            done = imgsrv("serve", "--config", folder.file, *data, "--listen", "127.0.0.1:0", "--metrics-listen", "")
            check.true(done.returncode != 0, f"{text!r}: nor does the server start")
            check.contains(done.stderr, words, f"{text!r}: the server tells")
            written.unlink()
        folder.write("imgsrv.toml", "")
        done = imgsrv("config", "check", "--config", folder.file, IMGSRV_UPLOAD_TLL="1h")
        check.contains(done.stderr, ["IMGSRV_UPLOAD_TLL", "did you mean IMGSRV_UPLOAD_TTL"], "an unknown variable")
        done = imgsrv("config", "check", "--config", folder.file, "--set", "upload-tll=1h")
        check.contains(done.stderr, ["upload-tll", "did you mean 'upload-ttl'"], "an unknown flag")
        done = imgsrv("config", "check", "--config", folder.path / "none.toml")
        check.contains(done.stderr, ["none.toml", "does not exist"], "a file that is not there")


def test_values():
    """Durations such as 500ms, 5s, 1m, 24h; sizes such as 64MiB."""
    for key, good, bad in (("shutdown-timeout", ("500ms", "5s", "1m", "24h"), ("5", "five", "-1s", "1 week")),
                           ("scrub-rate", ("64MiB", "1KiB", "0"), ("64 apples", "MiB", "-1"))):
        for value in good:
            check.equal(shown("--set", f"{key}={value}")[key], (value, f"--{key}"), f"{key} {value}")
        for value in bad:
            done = imgsrv("config", "check", "--set", f"{key}={value}")
            check.true(done.returncode != 0, f"{key} {value} is refused")
            check.contains(done.stderr, [key, f"'{value}'"], f"{key} {value}")
    with Folder() as one, Folder() as other:
        there = shown("--plugin-dir", one.path, "--plugin-dir", other.path)
        check.equal(there["plugin-dir"], ([str(one.path), str(other.path)], "--plugin-dir"), "plugin-dir is repeatable")


def test_check_and_start():
    """`config check` finds what the start would refuse, and says the same."""
    with Folder("[storage.s3]\nbuckett = \"x\"\n") as folder:
        for command in (("serve",), ("migrate", "up"), ("gc",), ("fsck",)):
            done = imgsrv(*command, "--config", folder.file, "--data-dir", folder.path)
            check.true(done.returncode != 0, f"{command}: a word misspelt in a table that is not in use")
            check.contains(done.stdout + done.stderr, ["storage.s3.bucket"], f"{command}")
    for flags, words in ((("--set", "publish.steps=validate_catalog"), ["publish.steps", "finalize_publish"]),
                         (("--set", "publish.steps=finalize_publish,finalize_publish"), ["publish.steps", "twice"]),
                         (("--set", "publish.non-blocking=finalize_publish"), ["publish.steps", "finalizer"]),
                         (("--listen", ""), ["listen", "tls-listen"]),
                         (("--tls-listen", "127.0.0.1:0"), ["tls-certificate", "tls-key"]),
                         (("--tls-listen", "127.0.0.1:0", "--tls-certificate", "/none.pem", "--tls-key", "/none.key"), ["/none.pem"])):
        with Folder() as folder:
            for command in (("config", "check"), ("serve",)):
                done = imgsrv(*command, "--config", folder.file, "--data-dir", folder.path, *flags)
                check.true(done.returncode != 0, f"{command} refuses {flags}")
                check.contains(done.stdout + done.stderr, words, f"{command} {flags}")
            check.equal(folder.path.joinpath("imgsrv.db").exists(), False, f"nothing is made with {flags}")


def test_log_level():
    """LOG_LEVEL stands for verbosity."""
    check.equal(shown(LOG_LEVEL="debug")["verbosity"], ("debug", "environment LOG_LEVEL"), "LOG_LEVEL")
    check.equal(shown("--verbosity", "warn", LOG_LEVEL="debug")["verbosity"], ("warn", "--verbosity"), "flags win over it")
    check.contains(imgsrv("config", "check", LOG_LEVEL="loud").stderr, ["LOG_LEVEL", "'loud'"], "a level that there is not")


def test_short_names():
    """`postgres-url` and `s3-…` select the postgres and s3 plugins and set their options."""
    drivers = {"database.driver": "postgres", "storage.driver": "s3"}
    for name, (driver, option, value) in SHORT.items():
        variable = "IMGSRV_" + name.upper().replace("-", "_")
        with Folder(f'{name} = "{value}"\n') as folder:
            for flags, environment, origin in ((("--config", folder.file), {}, f"{folder.file}:1"),
                                               ((), {variable: value}, f"environment {variable}"),
                                               ((f"--{name}", value), {}, f"--{name}")):
                there = shown(*flags, **environment)
                check.equal(there[driver], (drivers[driver], origin), f"{name} of {origin} selects the driver")
                told = there.get(option, ("", ""))
                check.equal(told[1], origin, f"{name} of {origin} sets {option}")
                check.true(told[0] in (value, "[REDACTED]") and told[0] != "hush", f"{name}: its value, or none for a secret", told)


def test_secret_files():
    """A secret may come from a file: <key>_file."""
    with Folder() as folder:
        hidden = folder.write("secret", "hush\n")
        flags = ("--config", folder.file, "--data-dir", folder.path)
        for name in ("postgres-url", "s3-secret-access-key"):
            done = imgsrv("config", "check", *flags, "--set", f"{name}_file={folder.path}/none",
                          *S3)
            check.true(done.returncode != 0, f"{name}_file: a file that is not there")
            check.contains(done.stderr, [f"{folder.path}/none"], f"{name}_file: a file that is not there")
        folder.write("imgsrv.toml", f'[storage]\ndriver = "s3"\n[storage.s3]\nendpoint = "http://s3.example"\nbucket = "images"\n'
                     f'access_key_id = "KEYID"\nsecret_access_key_file = "{hidden}"\n')
        done = imgsrv("config", "check", *flags)
        check.equal(done.returncode, 0, f"secret_access_key_file: {done.stderr}")
        check.true("hush" not in imgsrv("config", "show", *flags).stdout, "config show tells the file, not what is in it")
        done = imgsrv("config", "check", *flags, "--set", "storage.s3.bucket_file=/x")
        check.true(done.returncode != 0, "only secrets have files")


def test_encrypted_key():
    """The server never asks for a pass phrase: a reload would wait for it, and signals and watchdog with it."""
    with Folder() as folder:
        make_authority(folder.path)
        key, passphrase = folder.path / "encrypted.key", "passphrase"
        subprocess.run(["openssl", "ec", "-in", folder.path / "server.key", "-aes128", "-passout", f"pass:{passphrase}", "-out", key],
                       check=True, capture_output=True)
        # Without a terminal OpenSSL asks on stdin.
        done = subprocess.run([BINARY, "config", "check", "--config", folder.file, "--tls-listen", ":8443",
                               "--tls-certificate", folder.path / "server.pem", "--tls-key", key],
                              env=clean_environment(), input=f"{passphrase}\n" * 2, capture_output=True, text=True,
                              start_new_session=True, timeout=60)
        check.equal(done.returncode, 1, "the key is refused")
        check.contains(done.stderr, ["imgsrv: the TLS key", str(key)], "and named")
        check.true("pass phrase" not in done.stderr, "no question", done.stderr)


def test_short_names_serve():
    """A server that is set up by short names and secrets in files alone works."""
    from harness.remote import Remote

    class Elsewhere(Remote):
        flags = ()

    with Folder() as folder:
        backends = Elsewhere(folder.path)
        url = folder.write("url", backends.database.url_at(backends.database.address) + "\n")
        secret = folder.write("secret", backends.store.secret_key + "\n")
        folder.file.write_text(
            f'postgres-url_file = "{url}"\ns3-endpoint = "{backends.store.endpoint}"\ns3-bucket = "{backends.store.name}"\n'
            f's3-region = "{backends.store.region}"\ns3-access-key-id = "{backends.store.access_key}"\n'
            f's3-secret-access-key_file = "{secret}"\n[storage.s3]\nspool_folder = "{backends.spool}"\n')
        with Server("--config", folder.file, backends=backends) as server:
            data = os.urandom(1000)
            server.writer().published("short", "1", data)
            check.equal(backends.database.query("SELECT count(*) FROM blobs"), [[1]], "the row is in PostgreSQL")
            check.true(data in [backends.store.read(key) for key in backends.store.keys()], "the bytes are in the bucket")


def main():
    if pair.EMBEDDED:
        for test in (test_names_and_defaults, test_layers, test_mistakes, test_values, test_check_and_start, test_log_level, test_short_names,
                     test_secret_files, test_encrypted_key):
            check.run(test)
    else:
        check.run(test_short_names_serve)
    check.finish()


if __name__ == "__main__":
    main()
