"""For vulture alone: names in src that look unused because somebody else calls or reads them.

Columns, schema fields and the keys of wire messages are not here; the test passes over those by file.
A name that is used after all, or is gone, fails the test: the list cannot grow old.
"""
# ruff: noqa: B018, F821

# RQ's worker calls these of its subclass, httpcore's pool this of its backend.
_.connect_unix_socket
_.unsubscribe
_._set_connection
_._install_signal_handlers
_.dequeue_job_and_maintain_ttl
_.redis_server_version

# RQ and its dashboard read these, which are put in place of theirs; Prometheus calls the collector.
_.PickleSerializer
_.enabled
_.resolve_hash

# SQLAlchemy, pydantic, the logging module, uvicorn and onnxruntime read these by name; Alembic too.
_.type_annotation_map
_.handlers
_.capture_signals
_.force_exit
_.should_exit
_.intra_op_num_threads
_.inter_op_num_threads
_.down_revision

# Importing what these hold is the point: it fills the metadata, the jobs and the tools.
_.DOORS
_.TABLE_MODULES

# Domains that know of money tell reports by it.
_.register_revenue

# Columns that are set by their domain and read by a schema.
_.key_last_four
_.listed_at

# Dataclasses written out whole, as JSON or to a person.
_.beat_at
_.cancel_force_at
_.lease_expires_at
_.progress_done
_.progress_total
_.run_at
_.call_ids_only_ours
_.call_ids_only_carriers
_.rejected_unknown_number
_.wall_seconds
_.items_cancelled
_.calls_in_flight
_.keeper_pid
_.agent_bytes
_.agent_bytes_cleared
_.clears
_.detections

# Of openpyxl's reader, which goes on from what they hold, and of what it writes.
_.data_type
_.freeze_panes
_.rightToLeft
_.row_counter
_.col_counter

# Columns that are written for people and the catalogue to read.
_.settled_at

# Members of a vocabulary, complete whether or not anything compares with them yet.
_.SKIP

# Instruments: tests and benchmarks hold the clock, stand at barriers and read the counters.
_.frozen_at
_.task_names
_.terms
_.cleared
_.stalls
_.starved
_.collections
_.PERSON_VOICES
_.kept_alive

# What tests ask a stand-in for a provider.
_.open_connections
_.truncated_ms
_.actions
_.person_hangs_up

# Verbs of the carrier's port that its stand-in speaks, before a recording is kept or a colleague is told
# what a call is about.
_.start_recording
_.stop_recording

# What pages read of an answer.
_.uncertain
_.dialogues
_.available

# What the inbox asks of chat and its providers, once it is there.
_.echoes_reference
