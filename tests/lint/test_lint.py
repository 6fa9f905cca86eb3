"""The good designs pass; each rule is met by one design that breaks it and nothing else."""

import importlib
import pkgutil

import msgspec
import pytest
from tests.designs import edited, good

import sixfold.systems
from sixfold.design import Design
from sixfold.language import Downsample, Identity, calibration, normalised_entropy
from sixfold.lint import RULES, Finding, lint

SYSTEMS = [module.name for module in pkgutil.iter_modules(sixfold.systems.__path__)]


def test_a_good_design_triggers_nothing():
    assert lint(good()) == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_ships_triggers_nothing(name):
    design = importlib.import_module(f"sixfold.systems.{name}").design
    assert isinstance(design, Design)
    assert lint(design) == []


def test_downsampling_needs_no_calibration_since_it_is_corrected():
    design = edited("learning", negatives=Downsample(0.1), calibration=Identity())
    design = edited("metrics", of=design, offline=(calibration().within(0.97, 1.03), normalised_entropy() <= 0.9))
    assert lint(design) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"p99_ms": "100-200"}, "requirements.p99_ms"),
        ({"p99_ms": [100, 200]}, "requirements.p99_ms"),
        ({"availability": 1.0}, "requirements.availability"),
        ({"requests_per_s": 0}, "requirements.requests_per_s"),
    ],
)
def test_a_wrong_type_or_range_is_the_only_finding_and_names_its_path(fields, path):
    (finding,) = lint(edited("requirements", timezone="Mars/Olympus", **fields))
    assert (finding.level, finding.path) == ("error", path)


def test_findings_come_from_all_rules_at_once():
    design = edited("requirements", of=edited("scale", requests_per_year=1e6), p99_ms=50, timezone="Mars/Olympus")
    paths = [finding.path for finding in lint(design)]
    assert paths == ["scale.requests_per_month", "requirements.p99_ms", "requirements.timezone"]


def test_every_rule_says_why_and_stands_once():
    assert all(rule.__doc__ for rule in RULES)
    assert len({(rule.__module__, rule.__name__) for rule in RULES}) == len(RULES)


def test_a_finding_survives_json():
    finding = Finding("error", "requirements.p99_ms", "is 0")
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding
