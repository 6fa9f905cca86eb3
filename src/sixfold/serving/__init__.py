"""How does a release answer? One writer that owns log and state, workers that read them, an HTTP edge, and what happens when a
part is late or gone.

Read next: `service` (what the routes do), `engine` (a request with its release and state), `writer`, `supervisor`.
"""
