"""Films for a member who rates films: MovieLens, a log of plain interactions, in six steps."""

from sixfold.language import *

rated = outcome("rating")  # whatever the stars: the question is what a member takes up next

design = Design(
    name="movielens",
    problem=Problem(
        goal="Films that the member goes on to rate",
        decides=Slate(of="movie", to="member", size=20, title="movie.title"),
        assumes=(Assume("what was not rated was not wanted: the log does not say what was shown"),),
    ),
    metrics=Metrics(offline=(ndcg(at=10) >= 0.20, recall(at=300) >= 0.40), guardrails=(coverage(of="movie") >= 0.10,)),
    requirements=Requirements(label=rated, window="30d", retrain="30d", p99_ms=100, requests_per_s=50),
    learning=Learning(
        features=(
            attribute("movie.genre"), attribute("member.gender"), attribute("member.age"),
            similarity("movie.genre", half_life="365d"),
            *(count("rating", by="movie", window=window) for window in ("3d", "30d", "365d")),
            *(count("rating", by="member", window=window) for window in ("1d", "365d")),
            count("rating", by=("member", "movie.genre"), window="365d"),
            mean("rating", by="movie", half_life="365d", prior=10),
            rate(at_least("rating", 4), per="rating", by=("member", "movie.genre"), half_life="365d", prior=5),
        ),
        retrievers=(Popular(half_life="30d"), EASE(), ALS(factors=64, l2=0.01), ItemItem()),
        ranker=Forest(trees=200, depth=4), history_length=200, candidates=300, queries=10, refit=True,
        split=Split(retrievers=0.5, ranker=0.25, calibration=0.1, test=0.15),
    ),
    components=Components(candidates=Service(deadline_ms=25, fallback="popular"),
                          ranking=Service(deadline_ms=40, fallback="retrieval order")),
    scale=Scale(users=2_999, items=3_883),
)  # fmt: skip
