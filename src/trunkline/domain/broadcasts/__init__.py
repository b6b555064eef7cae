"""Broadcasts: one message to many leads, as a run that is paced, paused, resumed, cancelled and counted.

`service` is what the rest of Trunkline calls. `stepping` has the run go on, `results` is told what became of
each message; sending one is the inbox's.
"""
