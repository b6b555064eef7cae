"""The systems that `benchmarks/jobs.py` measures: ours and its peers, one small module each.

Every module answers the same orders (`side`) and runs the same job (`noop`). Peers run in an
environment of their own; nothing here is imported by the product.
"""
