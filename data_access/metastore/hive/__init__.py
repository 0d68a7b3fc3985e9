"""An Apache Hive Metastore over Thrift. No other package imports Thrift or its stubs (pyiceberg's `hive_metastore`).

store.py         the port: databases, tables, swap, partitions
connections.py   the wire: a pool, and what is known when a call fails
records.py       between our records and Hive's structures
locks.py         exclusive locks with heartbeat, and what becomes of a dead writer's
probe.py         does this server compare before it swaps?
failures.py      Hive's exceptions as ours
"""
