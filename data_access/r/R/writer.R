sf_writer <- function(data, namespace, resource, partitions = NULL, partition_by = NULL, mode = "overwrite",
                      message = "") {
  columns <- pack_frame(data)
  answer <- python()$write(
    columns, namespace, resource,
    partitions = partition_values(partitions), partition_by = listed(partition_by), mode = mode, message = message
  )
  invisible(answered(answer))
}
