"""Other programs that tests run."""
import hashlib
import subprocess


def run(*command, env=None, cwd=None, check=True, input=None):
    """Runs a program that must succeed for the test to make sense."""
    done = subprocess.run([str(c) for c in command], env=env, cwd=cwd, input=input, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done


def sha256(path):
    """A file's digest, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
