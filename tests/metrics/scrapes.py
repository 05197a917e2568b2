"""Reads metrics as Prometheus does."""

from __future__ import annotations

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import patient

Samples = dict[tuple[str, ...], float]
"""Name, the queue if there is one, and the values of all other labels in the order of their names -> value."""


def samples(text: str) -> Samples:
    """What an exporter has answered."""
    return {
        (sample.name, *([sample.labels.pop("queue")] if "queue" in sample.labels else []), *_others(sample.labels)): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _others(labels: dict[str, str]) -> list[str]:
    return [labels[name] for name in sorted(labels)]


def scrape(port: int) -> Samples:
    """One scrape."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=patient()) as answer:
        return samples(answer.read().decode())
