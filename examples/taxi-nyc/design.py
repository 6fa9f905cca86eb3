"""How long a taxi will be on its way, known when it sets out: its zones, the hour and the passengers, no distance driven."""

from sixfold.language import *

done = outcome("done")
ends, boroughs = ("pickup", "dropoff"), (attribute("pickup.borough"), attribute("dropoff.borough"))
usual = expected("done", distance(*ends), hour(), weekday(), *boroughs, context("passengers"))
"""What a trip of that length takes at that hour: means over it tell a slow street from a long way."""

design = Design(
    name="taxi-nyc",
    problem=Problem(
        goal="A time to tell when the trip begins",
        decides=Estimate(of="trip", promise=Promise(late_per_min=2, early_per_min=1, round_to_min=1)),
        assumes=(Assume("where it goes to is known when the trip begins"),),
    ),
    metrics=Metrics(
        offline=(covered().within(0.88, 0.92), mae() <= 4.30, rmse() <= 7.69, bias().within(-1, 1)),
        slices=("hour", "distance(pickup, dropoff)"),
    ),
    requirements=Requirements(label=done, window="6h", retrain="30d", p99_ms=100, requests_per_s=100,
                              timezone="America/New_York"),
    learning=Learning(
        features=(
            usual, context("passengers"), hour(), weekday(), distance(*ends), offsets(*ends), bearing(*ends), *boroughs,
            *(attribute(f"{end}.{field}") for end in ends for field in ("service", "area", "lat", "lon")),
            *(mean("done", by=ends, half_life=half_life, prior=3, over=usual) for half_life in ("60d", "3d")),
            *(mean("done", by=end, half_life=half_life, prior=5, over=usual) for end in ends for half_life in ("60d", "1d")),
            *(mean("done", half_life=half_life, over=usual) for half_life in ("1h", "6h", "7d")),
            *(mean("done", by=f"{end}.borough", half_life="2h", over=usual) for end in ends),
        ),
        estimator=Quantiles(column_share=0.3), refit=True, candidates=100,
        split=Split(retrievers=0.2, ranker=0.4, calibration=0.04, test=0.36),
    ),
    scale=Scale(users=1_000_000, items=260),
)  # fmt: skip
