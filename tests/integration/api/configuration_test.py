"""The sample configuration says what the program does.

Every setting's name and default, as config/imgsrv.toml has them.
"""
import pathlib
import re
import subprocess
import tempfile

from harness.build import BINARY, SOURCE, clean_environment
from harness.checks import check

SAMPLE = (SOURCE / "config/imgsrv.toml").read_text()


def imgsrv(*arguments):
    done = subprocess.run([BINARY, *arguments], env=clean_environment(), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def shown(text):
    """The output of `config show`, as key -> value."""
    return dict(re.findall(r"^(\S+) = (.*?)  # .*$", text, re.M))


def test_sample(world):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "imgsrv.toml"
        file.write_text(SAMPLE)
        code, told = imgsrv("config", "check", "--config", file)
        check.equal(code, 0, f"the sample as it is: {told}")
        _, as_it_is = imgsrv("config", "show", "--config", file)
        file.write_text(re.sub(r"^#(?=[a-z])", "", SAMPLE, flags=re.M))
        code, told = imgsrv("config", "check", "--config", file)
        check.equal(code, 0, f"the sample with every setting taken in: {told}")
        _, taken_in = imgsrv("config", "show", "--config", file)
    settings = shown(as_it_is)
    check.true(len(settings) > 20, "there are settings")
    for key, value in settings.items():
        check.equal(shown(taken_in).get(key), value, f"the default of {key}")
        line = re.search(rf"^{re.escape(key)} = .*$", taken_in, re.M)
        check.true(line and "imgsrv.toml:" in line[0], f"{key} is in the sample", line and line[0])


def run(world):
    check.run(test_sample, world)
