"""The embedded catalog in SQLite or PostgreSQL. No other package imports SQLAlchemy.

store.py      the port: databases, tables, swaps in transactions, partitions
tables.py     the catalog's own tables, and their migrations
engines.py    connections: SQLite on any file system, PostgreSQL
failures.py   the drivers' errors as ours
"""
