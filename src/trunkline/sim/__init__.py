"""Floor 5: simulated callers as a feature: what a business runs before it lets an agent loose.

Callers with a plan phone an agent of a running installation, or are phoned by it, with real audio; what
came of it is graded by the rows in the database, by what was heard on both sides, and by the times at
the caller's ear. Everything happens in a practice business of its own, so that nobody's calendar,
leads or figures know of it.
"""
