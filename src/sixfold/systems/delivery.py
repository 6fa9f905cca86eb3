"""How long an order takes to the door: the design of one system in six steps. Edit it; `sixfold validate` checks it."""

from sixfold.language import *

delivered = outcome(
    "delivered"
)  # its value is the seconds since the order; picked_up, arrived and dropoff are its legs
ended = ("delivered", "cancelled")

design = Design(
    name="delivery",
    problem=Problem(
        goal="A time to tell for each order, right on average, and late so seldom as is worth its price",
        decides=Estimate(
            of="order", legs=("picked_up", "arrived", "dropoff"), void=("cancelled",),
            promise=Promise(late_per_min=3, early_per_min=1, round_to_min=5),
        ),
    ),
    metrics=Metrics(
        offline=(covered().within(0.87, 0.93), late_share(by_min=10) <= 0.10, bias().within(-1, 1)),
        slices=("hour", "context.rain", "distance(store, context.drop)", "open(until picked_up, by=store)"),
    ),
    requirements=Requirements(label=delivered, window="6h", retrain="1d", p99_ms=100, requests_per_s=200),
    learning=Learning(
        features=(  # all as of the order: what is known strictly before it
            context("items"), context("subtotal"), context("rain"), context("couriers_free"), context("driving_s"),
            *map(attribute, ("store.cuisine", "store.price", "store.capacity")), age("store.opened"), hour(), weekday(),
            distance("store", "context.drop"), offsets("store", "context.drop"), bearing("store", "context.drop"),
            under_way(*ended, by="store"), under_way(*ended), under_way("picked_up", "cancelled", by="store"),
            *(mean("picked_up", by="store", half_life=half_life) for half_life in ("30m", "7d")),
            *(mean(leg, half_life="30m") for leg in ("picked_up", "arrived", "delivered")),
            *(mean("dropoff", by=f"context.drop@{level}", half_life="14d") for level in (16, 14)),
            *(mean("arrived", by=by, half_life="14d") for by in ("context.drop@15", ("store@14", "context.drop@14"))),
            mean("delivered", by="store", half_life="7d"),
        ),
        estimator=Quantiles(trees=150),
        adaptive=Adaptive(by="store"),  # what an order took steers what is told next: of its store, then of all
    ),
    scale=Scale(users=2_000_000, items=300_000, peak_over_mean=10, requests_per_month=50_000_000),
)  # fmt: skip
