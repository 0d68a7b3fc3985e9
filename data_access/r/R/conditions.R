# Errors that a program can tell apart: class data_error, and data_error_<reason> with the codes of data_access.

data_error <- function(reason, sentence, remedy, call = NULL) {
  structure(
    class = c(paste0("data_error_", gsub("-", "_", reason, fixed = TRUE)), "data_error", "error", "condition"),
    list(message = sentence, reason = reason, sentence = sentence, remedy = remedy, call = call)
  )
}

#' @exportS3Method
conditionMessage.data_error <- function(c) {
  trimws(paste(c$sentence, c$remedy))
}

refuse <- function(reason, sentence, remedy) {
  stop(data_error(reason, sentence, remedy))
}
