"""Reads the text of /metrics strictly: a line that is not in the format is an error."""
import re
import urllib.request

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Scrape:
    """samples: (name, {label: value}, number) in order; types: kind by family."""

    def __init__(self, text, openmetrics=False):
        self.text, self.types, self.samples = text, {}, []
        lines = text.split("\n")
        if lines.pop() != "" or (openmetrics and lines.pop() != "# EOF"):
            raise ValueError("the text does not end as it must")
        for line in lines:
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split(" ")
                if family in self.types:
                    raise ValueError(f"{family} comes twice")
                self.types[family] = kind
            elif not line.startswith("# HELP "):
                self.samples.append(self._sample(line))

    @staticmethod
    def _sample(line):
        match = SAMPLE.match(line)
        if not match:
            raise ValueError(f"not a sample: {line!r}")
        name, labels, number = match.groups()
        found = LABEL.findall(labels or "")
        if ",".join(f'{k}="{v}"' for k, v in found) != (labels or "").rstrip(","):
            raise ValueError(f"bad labels: {line!r}")
        return name, dict(found), float(number)

    def values(self, name, **labels):
        """Of the samples that have these labels, and perhaps more."""
        return [n for found, has, n in self.samples
                if found == name and all(has.get(k) == v for k, v in labels.items())]

    def value(self, name, **labels):
        (one,) = self.values(name, **labels)
        return one

    def labels(self, name):
        """The sets of label names that samples of that name have."""
        return {frozenset(has) for found, has, _ in self.samples if found == name}


def fetch(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read().decode()


def scrape(server):
    return Scrape(fetch(f"http://{server.metrics_address}/metrics")[1])
