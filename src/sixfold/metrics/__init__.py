"""How good is it, and how sure is that?

Read `kernel` first: a metric is a function of how often each row counts. Then the kernels by what
they judge: `binary` and `calibration` (a probability), `regression` (an amount),
`distribution` (its quantiles), `promise` (what was told of it), `ranking` (the
order of one slate), `catalogue` (all slates together). `interval` puts an error bar on any of
them; `target` is what a design wants of a metric and `spec` the metrics it can name.

    from sixfold.metrics import binary, interval
    binary.auc(label, predicted)                                                  # a float
    interval.interval(binary.auc.of(label, predicted), cluster=member, rng=rng)   # with its error bar
"""
