"""What `benchmarks/jobs.py` measures with: servers, processes, passes and the table."""
