"""How long a meal takes from the order to the door, in 22 Indian cities: one number of minutes is known, no legs."""

from sixfold.language import *

delivered = outcome("delivered")

design = Design(
    name="delivery-india",
    problem=Problem(
        goal="A time to tell when the order is placed",
        decides=Estimate(of="order", area=Area(6, 68, 36, 98), promise=Promise(late_per_min=3, early_per_min=1, round_to_min=5)),
        assumes=(Assume("the courier is known when the order is placed: the log does not say when it was assigned"),),
    ),
    metrics=Metrics(
        offline=(covered().within(0.87, 0.93), mae() <= 3.5, bias().within(-1, 1)),
        slices=("context.traffic", "context.weather", "distance(context.pickup, context.drop)"),
    ),
    requirements=Requirements(label=delivered, window="3h", retrain="7d", p99_ms=100, requests_per_s=50,
                              timezone="Asia/Kolkata"),
    learning=Learning(
        features=(
            *map(context, ("age", "rating", "condition", "others", "weather", "traffic", "meal", "vehicle", "festival", "built")),
            distance("context.pickup", "context.drop"), hour(), weekday(),
            mean("delivered", by="city", half_life="14d"), mean("delivered", half_life="3h"),
        ),
        estimator=Quantiles(trees=600, depth=8, learning_rate=0.08, log=False),
        split=Split(retrievers=0.1, ranker=0.64, calibration=0.06, test=0.2),
    ),
    scale=Scale(users=100_000, items=440),
)  # fmt: skip
