"""AWS Glue's Data Catalog by boto3; credentials, region and endpoint by AWS's own chain.

store.py     the port: databases, tables, swap, partitions
lease.py     the lock, which Glue has not: a lease in the table's parameters
records.py   between our records and Glue's structures
calls.py     calls, and Glue's errors as ours
"""
