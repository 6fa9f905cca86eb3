"""Is it fast, or only unmeasured? The same decision by three stacks, under the same load, on the same machine.

    data.py      one world for all: vectors, features, members, what they did
    glued.py     what one glues in a day            tuned.py, faiss_choice.py   the strongest that we could build
    ours.py      a Sixfold workspace as large, of design.py and events.py
    stacks.py    starts and stops each of them

And of times, for `benchmarks/estimates.py`: glued_times.py, what one glues in a day; orders.py gives it a workspace's log.

Every decision is the same work: 250 nearest by vector and 250 most popular of 1 M items, none that the member has
watched, 50 columns each, 300 trees, the best 20 as JSON. Read next: `data`, then `benchmarks/decision.py`.
"""
