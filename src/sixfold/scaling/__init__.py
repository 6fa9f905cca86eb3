"""What does the service take, and what breaks first?

Read `schedule` (when requests are sent), then `play` (who sends them) and `load` (what came back); `asks` draws them from
a log, `capacity` looks for the knee. Read next: `sixfold.training`.
"""
