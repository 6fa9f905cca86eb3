"""What happened, as the log keeps it: three kinds of event, as columns.

Read `schema` (the three kinds), then `log` (durable, idempotent), `settling` (its old part, by day), then `mapping` (a
user's tables become events).
Read next: `sixfold.features`.
"""
