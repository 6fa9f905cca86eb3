"""A home page of videos: the design of one system in six steps. Edit it; `sixfold validate` says what does not add up."""

from sixfold.language import *

watched = outcome("watch", at_least=30)  # a watch of 30 s and more is a success; shorter ones are not

design = Design(
    name="video",
    problem=Problem(
        goal="A home page of videos that the member goes on to watch, new kinds among them",
        decides=Slate(of="video", to="member", size=20, seen_again_after="28d", available="video.available"),
        assumes=(Assume("2 % of the videos shown are watched", positive_rate().about(0.02)),),
    ),
    metrics=Metrics(
        offline=(auc() >= 0.70, normalised_entropy() <= 0.95, calibration().within(0.95, 1.05), recall(at=300) >= 0.15),
        online=(rate("watch"), mean("watch")),
        guardrails=(coverage(of="video") >= 0.02,),  # the catalogue must not shrink to the few most watched
        slices=("member.is_new", "video.age", "context.device"),
    ),
    requirements=Requirements(label=watched, window="6h", retrain="1d", p99_ms=100, requests_per_s=200),
    learning=Learning(
        features=(  # all as of the request: what is known strictly before it
            attribute("video.genre"), attribute("video.length_s"), attribute("member.country"), context("device"),
            age("video.published"), hour(), position(),
            taste("video.embedding", "video.genre", "video.creator", given=("member.country", "member.age_band")),
            count("shown", by=("member", "video"), window="2d"),
            *(rate(watched, by=by, half_life="7d") for by in ("video", "video.creator", "member")),
            rate(watched, by=("member", "video.genre"), half_life="14d", prior=5), count(watched, by="video", window="1d"),
        ),
        retrievers=(Popular(half_life="3d"), Recent(), ALS(factors=8, l2=0.005), EASE(half_life="14d")),
        candidates=200, refit=True, ranker=Forest(trees=250, depth=5, linear=0.5), negatives=Downsample(0.1), calibration=Platt(),
        heads={"watch": Happens(watched), "seconds": Amount(watched)}, value="watch * log1p(seconds)",
    ),
    components=Components(candidates=Service(deadline_ms=25, fallback="popular"),
                          ranking=Service(deadline_ms=40, fallback="retrieval order")),
    scale=Scale(users=1_000_000, items=1_000_000, peak_over_mean=3, requests_per_month=172_800_000),
)  # fmt: skip
