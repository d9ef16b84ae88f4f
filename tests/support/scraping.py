"""What a scrape is answered with, as Prometheus' own parser reads it."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families as parse


def samples(text: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Values by labels, by the sample's name."""
    read: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in parse(text):
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in read.setdefault(sample.name, {}), f"{sample.name} {sample.labels} stands twice"
            read[sample.name][labels] = sample.value
    return read


def value(text: str, name: str, **labels: str) -> float:
    """The value of one sample."""
    return samples(text)[name][frozenset(labels.items())]


def kinds(text: str) -> Mapping[str, tuple[str, str]]:
    """The kind and the help text of each metric."""
    return {family.name: (family.type, family.documentation) for family in parse(text)}
