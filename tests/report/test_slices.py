import msgspec
from tests.report.reading import Page
from tests.report.sample import AUC, EVALUATION, by_text, measure, plain

from sixfold.report import slices


def test_only_what_leaves_out_the_whole_is_named_and_no_rate_of_positives():
    assert slices.said(EVALUATION) == (
        "1 of 2 values differ from the whole by more than their interval, where chance alone gives about 0: "
        "AUC where member.country is FR (0.600)."
    )
    assert len(Page(slices.section(EVALUATION)).of("td", "differs")) == 1


def test_the_largest_slice_comes_first():
    text = Page(slices.section(EVALUATION)).text
    assert text.index("US") < text.index(" FR ", text.index("Rows"))


def test_a_slice_may_lack_a_metric():
    held = {"member.country": {"FR": by_text(measure(AUC, 0.6)), "US": {}}}
    page = Page(slices.section(msgspec.structs.replace(EVALUATION, slices=held)))
    assert len(page.of("td", "none")) == 1


def test_without_slices_there_is_nothing():
    assert slices.section(plain()) == ""
