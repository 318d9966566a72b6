"""The page of the model zoos says what was measured, of every network."""

from __future__ import annotations

from tasks.zoo import NETWORKS
from tests.zoo.nets import NOT_EXACT, SSD, YOLO, nets
from tests.zoo.page import PAGE, is_exact, load, render


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == render(load()), "run `make zoo`"


def test_every_network_was_measured() -> None:
    assert {net.name for net in nets()} == set(load())


def test_all_of_gluon_s_own_are_exact() -> None:
    results = load()
    assert len(NETWORKS) == 34
    assert [name for name in NETWORKS if not is_exact(results[name])] == []


def test_what_is_not_exact_has_a_reason_and_nothing_else_has() -> None:
    results = load()
    assert {name for name, row in results.items() if not is_exact(row)} == set(NOT_EXACT)


def test_the_page_covers_what_people_use() -> None:
    results = load()
    classifiers = [net.name for net in nets() if net.group.startswith(("GluonCV, classification", "GluonCV, CIFAR"))]
    assert sum(is_exact(results[name]) for name in classifiers) >= 100
    assert len(SSD.split()) + len(YOLO.split()) == 32
