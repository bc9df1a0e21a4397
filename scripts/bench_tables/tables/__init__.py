"""The tables, in the order in which they run."""

from . import divergence_time, divergences, memory, pace, passes, same_rule, sparse_memory, sparse_time, threads, time

TABLES = {table.name: table for table in (
    time.times, same_rule.compatible, divergences.divergences, divergence_time.divergence_time, threads.threads,
    pace.pace, passes.products, passes.ranks, passes.shapes, memory.memory,
    same_rule.sparse, sparse_time.sparse_times, threads.sparse_threads, sparse_memory.sparse_memory,
)}  # fmt: skip
