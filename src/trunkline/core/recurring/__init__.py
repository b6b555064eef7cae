"""Recurring jobs: each fires once per tick, however many schedulers run.

`rules` decides what is due, `ticks` owns the table and its SQL, `service` fires and tells. Which jobs
recur is said in one place, `trunkline.schedule`, and registered at start.
"""
