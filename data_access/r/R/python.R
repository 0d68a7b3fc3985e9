# The Python that has data_access, and calls into it. Only bytes, text and plain lists cross the border: what reticulate
# makes of missing values, factors and 64-bit integers differs between its versions, and some know no NumPy 2.

loaded <- new.env(parent = emptyenv())

python <- function() {
  if (is.null(loaded$module)) {
    choose_python()
    folder <- system.file("python", package = "remudadata")
    loaded$module <- tryCatch(
      reticulate::import_from_path("remudadata_bridge", folder, convert = TRUE),
      error = function(e) {
        refuse(
          "not-installed",
          paste0("The Python of this R session cannot load data_access: ", conditionMessage(e), "."),
          "Set RETICULATE_PYTHON to the interpreter that has it (in a notebook's terminal: which python), and restart R."
        )
      }
    )
  }
  loaded$module
}

# The interpreter beside the command `data-access`, unless a person has chosen one.
choose_python <- function() {
  if (nzchar(Sys.getenv("RETICULATE_PYTHON")) || reticulate::py_available()) {
    return(invisible())
  }
  command <- Sys.which("data-access")
  if (nzchar(command)) {
    beside <- file.path(dirname(normalizePath(command)), "python")
    if (file.exists(beside)) reticulate::use_python(beside, required = FALSE)
  }
}

# What a call of the bridge answers is list(ok = …) or the parts of an error.
answered <- function(answer) {
  if (!is.null(answer$error)) {
    stop(data_error(answer$error$reason, answer$error$sentence, answer$error$remedy))
  }
  answer$ok
}

# A list for Python even where R's vectors of one element would become scalars. NULL stays NULL: Python's None.
listed <- function(values) {
  if (is.null(values)) NULL else as.list(values)
}

# Values of partitions as Python is to see them: a named vector by name, text for dates, whole numbers as integers.
partition_values <- function(values) {
  if (is.null(values)) {
    return(NULL)
  }
  lapply(as.list(values), function(value) {
    if (is.list(value) || length(value) > 1) {
      return(unname(partition_values(value)))
    }
    if (is.na(value)) {
      return(NULL)
    }
    if (inherits(value, c("Date", "factor"))) {
      return(as.character(value))
    }
    if (is.numeric(value) && value == trunc(value) && abs(value) < 2^31) as.integer(value) else value
  })
}

# A commit, tag or point in time: numbers as integers, POSIXct as seconds since 1970.
point_in_history <- function(as_of) {
  if (is.null(as_of)) {
    return(list(kind = "now"))
  }
  if (inherits(as_of, "POSIXct")) {
    return(list(kind = "time", seconds = as.numeric(as_of)))
  }
  if (is.list(as_of) && !is.null(as_of$anchor)) {
    return(list(kind = "text", text = as_of$anchor))
  }
  if (is.numeric(as_of)) {
    return(list(kind = "number", number = as.integer(as_of)))
  }
  list(kind = "text", text = as.character(as_of))
}
