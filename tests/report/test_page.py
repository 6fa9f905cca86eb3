import re

import msgspec
import pytest
from tests.report.reading import Page
from tests.report.sample import DESIGN, EVALUATION, FINDINGS, MANIFEST, Finding, plain

from sixfold.evaluation.check import check
from sixfold.report import page
from sixfold.report.systems import base_style, every
from sixfold.report.wording import number

HOSTILE = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"


def render(design=DESIGN, evaluation=EVALUATION, manifest=MANIFEST, findings=FINDINGS):
    verdicts = check(design, evaluation)
    return page.render(design, evaluation, verdicts=verdicts, manifest=manifest, findings=findings)


@pytest.fixture(params=["full", "plain"])
def text(request):
    return render() if request.param == "full" else render(evaluation=plain(), manifest=None, findings=())


def test_the_page_is_one_well_formed_document(text):
    read = Page(text)
    assert text.startswith("<!doctype html>\n<html") and read.elements[0] == ("html", {"lang": "en"})
    assert len(read.ids) == len(set(read.ids))
    anchors = {at["href"].removeprefix("#") for at in read.of("a")}
    assert anchors <= set(read.ids) and len(anchors) == 6


def test_nothing_is_fetched_and_nothing_runs(text):
    read = Page(text)
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert not {"script", "img", "link", "iframe"} & {name for name, _ in read.elements}
    assert len(text.encode()) < 200_000


def test_the_six_steps_come_in_order(text):
    titles = re.findall(r'<h2 id="(\w+)">', text)
    assert titles == ["problem", "metrics", "requirements", "learning", "components", "scale", "findings"]


def test_every_system_metric_assumption_and_count_is_named(text):
    read = Page(text).text.lower()
    evaluation = EVALUATION if "AUC over impressions" in text else plain()
    wanted = [*evaluation.systems, *every(evaluation), *(one.text for one in DESIGN.problem.assumes), *evaluation.notes]
    assert [name for name in wanted if name.lower() not in read] == []
    assert all(f"{number(n)} {name}".replace("\u202f", " ") in read for name, n in evaluation.counts.items())


def test_tables_and_drawings_can_be_read_aloud(text):
    read = Page(text)
    assert all(at.get("scope") in ("row", "col", "rowgroup", "colgroup") for at in read.of("th"))
    assert all("aria-label" in at or at.get("aria-hidden") == "true" for at in read.of("svg"))


def test_the_head_says_what_was_released_and_how_it_stands():
    read = Page(render()).text
    assert "2 of 8 requirements met, 2 short, 4 not measured" in read
    assert "3f9a2c41d07e" in read and "2024-01-01 to 2024-01-31" in read
    assert "Release none yet" in Page(render(manifest=None)).text


def test_findings_stand_at_their_step_and_at_the_end():
    text = render()
    assert text.count("too few of them") == 2 and text.count("all else is well") == 1
    assert "The linter found nothing to say" in render(findings=())


def hostile_evaluation():
    def renamed(held):
        return {name + HOSTILE: value for name, value in held.items()}

    return msgspec.structs.replace(
        EVALUATION,
        chosen="forest" + HOSTILE, systems=renamed(EVALUATION.systems), ahead=renamed(EVALUATION.ahead),
        ahead_shown=renamed(EVALUATION.ahead_shown), cold=renamed(EVALUATION.cold), bins=renamed(EVALUATION.bins),
        slices={HOSTILE: renamed(EVALUATION.slices["member.country"])}, importance=renamed(EVALUATION.importance),
        counts=renamed(EVALUATION.counts) | EVALUATION.counts, notes=[HOSTILE], seconds=renamed(EVALUATION.seconds),
        funnel=[msgspec.structs.replace(one, stage=one.stage + HOSTILE) for one in EVALUATION.funnel],
    )  # fmt: skip


def hostile_design():
    problem = msgspec.structs.replace(
        DESIGN.problem,
        goal=HOSTILE,
        assumes=tuple(msgspec.structs.replace(one, text=HOSTILE) for one in DESIGN.problem.assumes),
    )
    metrics = msgspec.structs.replace(DESIGN.metrics, slices=(HOSTILE,))
    return msgspec.structs.replace(DESIGN, name=HOSTILE, problem=problem, metrics=metrics)


def test_no_name_in_the_data_breaks_out_of_the_page():
    findings = (Finding(HOSTILE, HOSTILE, HOSTILE),)
    manifest = msgspec.structs.replace(MANIFEST, id=HOSTILE, digest=HOSTILE)
    text = render(hostile_design(), hostile_evaluation(), manifest, findings)
    allowed = {name for name, _ in Page(render()).elements}
    assert {name for name, _ in Page(text).elements} <= allowed
    assert text.count("</style>") == 1
    assert not any(key.startswith("on") or key == "src" for _, at in Page(text).elements for key in at)
    assert HOSTILE in "".join(Page(text).words)


def test_parts_that_are_missing_are_left_out():
    chosen = {"forest": {}}
    bare = msgspec.structs.replace(
        plain(), systems=chosen, ahead={}, funnel=[], importance={}, counts={"decisions": 0}, notes=[], seconds={}
    )
    assert Page(render(evaluation=bare, manifest=None, findings=())).of("h2")


def test_the_same_input_gives_the_same_bytes():
    again = msgspec.json.decode(msgspec.json.encode(EVALUATION), type=type(EVALUATION))
    assert render() == render(evaluation=again)


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "short"])
@pytest.mark.parametrize("ground", ["paper", "faint", "wash", "short-wash"])
def test_text_stands_out_from_its_ground(scheme, ink, ground):
    """WCAG 2.1, 1.4.3: a contrast of 4.5 to 1."""
    blocks = re.findall(r"\.sixfold \{([^}]*--paper[^}]*)\}", base_style())
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[scheme]))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
