"""Real servers without Docker, for tests, benches and development: S3, PostgreSQL, Hive Metastore; and Spark."""
