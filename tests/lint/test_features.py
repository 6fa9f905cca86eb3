import pytest
from tests.designs import edited, good

from sixfold.features.spec import Feature
from sixfold.language import age, at_least, attribute, bucket, context, count, outcome, rate, taste
from sixfold.lint import lint
from sixfold.lint.features import outcomes, streams_of


def with_features(*features: Feature):
    """The findings where these features stand before the good ones."""
    return lint(edited("learning", features=(*features, *good().learning.features)))


@pytest.mark.parametrize(
    ("feature", "hint"),
    [
        (attribute("vidoe.length_s"), "did you mean 'video'"),
        (age("creator.since"), "known are: member, video"),
        (taste("creator.since"), "known are: member, video"),
        (count("watch", by="creator.country", window="1d"), "known are: member, video"),
        (rate("watch", by=("member", "vid.length_s"), half_life="1d"), "'vid.length_s'"),
    ],
)
def test_paths_are_of_the_member_or_the_item(feature, hint):
    (finding,) = with_features(feature)
    assert (finding.level, finding.path) == ("error", "learning.features[0]")
    assert hint in finding.message


@pytest.mark.parametrize("field", ["available", "title"])
def test_so_are_the_paths_of_a_slate(field):
    assert lint(edited("problem.decides", **{field: "video.flag"})) == []
    for path in ("flag", "shop.flag"):
        (finding,) = lint(edited("problem.decides", **{field: path}))
        assert (finding.level, finding.path) == ("error", f"problem.decides.{field}")


def test_a_bucket_is_of_a_member_or_an_item():
    assert with_features(bucket("video")) == []
    (finding,) = with_features(bucket("creator"))
    assert "bucket(creator, 256) is kept by 'creator', which is neither" in finding.message


@pytest.mark.parametrize("by", ["device", ("video", "creator"), "gener"])
def test_cells_are_kept_by_members_items_and_attributes(by):
    (finding,) = with_features(count("watch", by=by, window="1d"))
    assert (finding.level, finding.path) == ("error", "learning.features[0]")
    assert "nor an attribute such as 'video." in finding.message


@pytest.mark.parametrize("by", [(), "member", ("video", "member"), "video.creator", ("member", "video.genre")])
def test_all_of_these_are_cells(by):
    assert with_features(count("watch", by=by, window="1d")) == []


@pytest.mark.parametrize(
    "twins",
    [
        (attribute("video.length_s"), attribute("video.length_s", top=5)),
        (count("watch", by="video", window="1d"), count("watch", by="video", window="1d", tiles=4)),
        (rate("watch", by="video", half_life="1d"), rate("watch", by="video", half_life="1d", prior=3)),
    ],
)
def test_no_column_stands_twice(twins):
    (finding,) = with_features(*twins)
    assert (finding.level, finding.path) == ("error", "learning.features[1]")
    assert "2 times" in finding.message


@pytest.mark.parametrize(
    "feature",
    [attribute("video.watch"), age("member.watch"), context("watch"), context("member.watch"),
     rate("shown", per="shown", by="video.watch", half_life="1d")],
)  # fmt: skip
def test_nothing_has_the_name_of_the_label(feature):
    (finding,) = with_features(feature)
    assert (finding.level, finding.path) == ("error", "learning.features[0]")
    assert "'watch'" in finding.message


def test_nor_of_any_other_outcome():
    (finding,) = with_features(attribute("video.share"), count("share", by="video", window="1d"))
    assert (finding.level, finding.path) == ("error", "learning.features[0]")


def test_counts_of_the_label_are_legal():
    assert with_features(count(at_least("watch", 30), by="video", window="1d"), rate("watch", half_life="1d")) == []


def test_every_stream_of_a_design_is_found():
    design = edited("learning", history=outcome("like"), features=(rate("share", per="open", half_life="1d"),))
    assert outcomes(design) == {"watch", "like", "share", "open"}
    assert [path for path, _ in streams_of(design)] == [
        "requirements.label", "learning.history", "learning.heads.watch", "learning.heads.seconds",
        "learning.features[0]", "learning.features[0]",
    ]  # fmt: skip


def test_an_id_that_is_no_ones_own_is_no_id():
    assert with_features(attribute("video.creator_id")) == []
