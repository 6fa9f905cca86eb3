"""A design without a fault, and copies of it with one."""

from __future__ import annotations

from typing import Any

import msgspec

from sixfold.language import (
    Amount,
    Assume,
    Design,
    Downsample,
    Happens,
    Learning,
    Metrics,
    Problem,
    Requirements,
    Scale,
    Slate,
    age,
    attribute,
    auc,
    calibration,
    context,
    count,
    coverage,
    grouped_auc,
    normalised_entropy,
    outcome,
    position,
    positive_rate,
    rate,
    recall,
)

WATCHED = outcome("watch", at_least=30)


def good() -> Design:
    """Videos; what is stated twice agrees: 30 M requests a month are 11.57 a second, and 34.7 at peak."""
    return Design(
        name="video",
        problem=Problem(
            goal="videos that are watched",
            decides=Slate(of="video", to="member", size=20, seen_again_after="7d"),
            assumes=(Assume("2 % are watched", positive_rate().about(0.02)),),
        ),
        metrics=Metrics(
            offline=(
                auc() >= 0.7,
                normalised_entropy() <= 0.95,
                calibration().within(0.95, 1.05),
                recall(at=300) >= 0.15,
                grouped_auc(by="member") >= 0.6,
            ),
            online=(rate("watch"),),
            guardrails=(coverage(of="video") >= 0.02,),
            slices=("member.is_new", "video.age", "video.genre", "context.device"),
        ),
        requirements=Requirements(label=WATCHED, window="6h", retrain="1d", requests_per_s=35),
        learning=Learning(
            features=(
                attribute("video.genre"),
                context("device"),
                age("video.published"),
                position(),
                count("shown", by=("member", "video"), window="2d"),
                rate(WATCHED, by="video.genre", half_life="3d"),
            ),
            heads={"watch": Happens(WATCHED), "seconds": Amount(WATCHED)},
            value="watch * log1p(seconds)",
            negatives=Downsample(0.1),
        ),
        scale=Scale(
            users=1_000_000,
            items=1_000_000,
            requests_per_month=30e6,
            requests_per_year=360e6,
            requests_per_user_per_month=30,
            shown_per_request=20,
            rows_per_month=600e6,
            positive_rate=0.02,
            positives_per_month=12e6,
            negatives_per_month=588e6,
            bytes_per_row=500,
            bytes_per_month=300e9,
        ),
    )


def edited(section: str, *, of: Design | None = None, **fields: Any) -> Design:
    """The good design, or another, with these fields of a section such as `problem.decides` replaced."""
    return _replaced(of or good(), section.split("."), fields)


def _replaced(struct: Any, path: list[str], fields: dict[str, Any]) -> Any:
    if not path:
        return msgspec.structs.replace(struct, **fields)
    inner = _replaced(getattr(struct, path[0]), path[1:], fields)
    return msgspec.structs.replace(struct, **{path[0]: inner})
