"""What was known at a moment: features declared once, computed in bulk for training and by folds online.

Read `spec` (what a design may say), `table` (the one assembly), then the kernels `windows` and `decay`,
then the two schedules, `batch` and `online`. A new feature is a spec and its case in `table`; one that
accumulates needs no more than `accumulators` and `combine`. Read next: `sixfold.retrieval`.
"""
