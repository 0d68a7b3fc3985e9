sf_reader <- function(namespace, resource, partitions = NULL, columns = NULL, where = NULL, as_of = NULL,
                      integer64 = FALSE, decimal = c("refuse", "double", "character")) {
  decimal <- match.arg(decimal)
  if (integer64 && !requireNamespace("bit64", quietly = TRUE)) {
    refuse(
      "not-installed", "integer64 = TRUE needs the package bit64, which is not installed.",
      "install.packages(\"bit64\"), or read the column as text or double with a query: data_access.sql in Python."
    )
  }
  answer <- answered(python()$read(
    namespace, resource,
    partitions = partition_values(partitions), columns = listed(columns), where = where,
    as_of = point_in_history(as_of), integer64 = integer64, decimal = decimal
  ))
  unpack_frame(answer$columns, as.integer(answer$rows))
}
