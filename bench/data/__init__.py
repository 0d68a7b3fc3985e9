"""`make bench-data`: stores and loads beside awswrangler, pyiceberg, pyarrow.dataset, Polars and DuckDB."""
