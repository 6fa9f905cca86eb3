"""From a log to a model: time cut in four, retrievers, rows, heads, calibration.

Read `split`, `material` (a log made ready), `examples` (the rows), `cache`, then `run`, which is the journey.
Nothing here judges; read next: `sixfold.evaluation`.
"""
