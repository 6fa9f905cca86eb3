"""How long a delivery takes, by its order, its store's last ones, and how busy the market's couriers are: one time, no legs."""

from sixfold.language import *

delivered = outcome("delivered")
load = (
    expression("outstanding / (onshift + 1)"), expression("busy / (onshift + 1)"),
    expression("maximum(outstanding - onshift, 0) / (onshift + 1)"), expression("outstanding - busy"),
)  # fmt: skip
usual = expected("delivered", *load, context("market"), hour(), context("subtotal"))
"""What an order of that size takes at that load: means over it tell a bad evening from a busy hour."""

design = Design(
    name="delivery-doordash",
    problem=Problem(
        goal="A time to tell when the order is placed",
        decides=Estimate(of="order", promise=Promise(late_per_min=3, early_per_min=1, round_to_min=5)),
        assumes=(Assume("couriers on shift and open orders are counted when the order is placed"),),
    ),
    metrics=Metrics(
        offline=(covered().within(0.88, 0.92), mae() <= 10.03, rmse() <= 14.24, bias().within(-2, 2)),
        slices=("hour", "expression(outstanding / (onshift + 1))"),
    ),
    requirements=Requirements(label=delivered, window="6h", retrain="7d", p99_ms=100, requests_per_s=100,
                              timezone="America/Los_Angeles"),
    learning=Learning(
        features=(
            *map(context, ("items", "distinct", "subtotal", "min_price", "max_price", "onshift", "busy", "outstanding")),
            context("market"), context("protocol"), context("category", top=74), *load, hour(), weekday(),
            *(mean("delivered", by="store", half_life=half_life, prior=prior, over=usual)
              for half_life, prior in (("3h", 2), ("1d", 3), ("14d", 5))),
            *(mean("delivered", by="context.market", half_life=half_life, prior=5, over=usual)
              for half_life in ("20m", "1h", "6h", "3d")),
            *(mean("delivered", half_life=half_life, over=usual) for half_life in ("30m", "6h", "3d")),
            mean("delivered", by="context.category", half_life="14d", over=usual),
        ),
        estimator=Quantiles(trees=500, learning_rate=0.06, column_share=0.3, patience=100), refit=True,
        # Deliveries of one evening go wrong together, and the slice holds two or three.
        coverage=Conformal(by_width=True, share=0.25),
        split=Split(retrievers=0.25, ranker=0.45, calibration=0.1, test=0.2),
    ),
    scale=Scale(users=1_000_000, items=6_432),
)  # fmt: skip
