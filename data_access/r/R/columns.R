# Columns as bytes, and back. Little-endian, one value after the other; missing values apart, one byte each.

CHUNK <- 1e8 # rows; a raw vector made by writeBin ends at 2^31 bytes
NO_PLACE <- list(
  data.frame = "Make its columns columns of the data frame itself.",
  matrix = "Make its columns columns of the data frame itself.",
  difftime = "Store a number with its unit in the name: as.numeric(x, units = \"secs\").",
  complex = "Store its real and imaginary parts as two columns: Re(x), Im(x).",
  raw = "Store it as text, or the file it came from beside the table.",
  list = "Make rows of it (tidyr::unnest), or columns."
)

pack_frame <- function(data) {
  if (!is.data.frame(data)) {
    refuse(
      "bad-argument",
      paste0("`data` is ", class(data)[1], ", which is no data frame."),
      "Make one of it: as.data.frame(x)."
    )
  }
  if (is.character(attr(data, "row.names"))) {
    refuse(
      "unsavable",
      paste0("The row names of `data` carry data (the first is '", rownames(data)[1], "'), and tables have none."),
      "Make them a column: data$name <- rownames(data); rownames(data) <- NULL."
    )
  }
  Map(pack_column, as.list(data), names(data), USE.NAMES = FALSE)
}

pack_column <- function(x, name) {
  for (kind in names(NO_PLACE)) {
    if (inherits(x, kind) || (kind == typeof(x) && !inherits(x, "POSIXlt"))) {
      refuse("unsupported-type", paste0("Column '", name, "' is of type ", kind, ", which a table cannot hold."), NO_PLACE[[kind]])
    }
  }
  parts <- column_parts(if (inherits(x, "POSIXlt")) as.POSIXct(x) else x, name)
  starts <- if (length(parts$values) > CHUNK) seq(1, length(parts$values), by = CHUNK) else 1
  rows <- function(v, start) if (length(starts) == 1) v else v[start:min(start + CHUNK - 1, length(v))]
  parts$values <- lapply(starts, function(start) writeBin(rows(parts$values, start), raw(), endian = "little"))
  parts$missing <- lapply(starts, function(start) as.raw(rows(parts$missing, start)))
  parts$name <- enc2utf8(name)
  parts
}

# list(kind, values, missing, …): `values` an integer or double vector without attributes.
column_parts <- function(x, name) {
  missing <- is.na(x)
  if (is.factor(x)) {
    codes <- as.integer(x)
    return(list(
      kind = "factor", values = ifelse(is.na(codes), 0L, codes - 1L), missing = is.na(codes),
      levels = text_bytes(levels(x)), count = length(levels(x)), ordered = is.ordered(x)
    ))
  }
  if (inherits(x, "integer64")) {
    # Eight bytes of an integer in the place of a double; a missing one has those of -0.
    bits <- unclass(x)
    return(list(kind = "int64", values = bits, missing = !is.na(bits) & bits == 0 & 1 / bits < 0))
  }
  if (inherits(x, "Date")) {
    days <- floor(as.numeric(x))
    if (any(is.infinite(days))) {
      refuse("unsavable", paste0("Column '", name, "' has infinite dates."), "Make them NA.")
    }
    return(list(kind = "date", values = as.integer(ifelse(missing, 0, days)), missing = missing))
  }
  if (inherits(x, "POSIXct")) {
    zone <- attr(x, "tzone")[1]
    if (is.null(zone) || is.na(zone) || !nzchar(zone)) zone <- Sys.timezone()
    if (is.na(zone)) zone <- "UTC"
    return(list(kind = "time", values = as.numeric(x), missing = missing, zone = zone))
  }
  if (is.object(x) && !inherits(x, "AsIs")) {
    refuse(
      "unsupported-type",
      paste0("Column '", name, "' is of class ", class(x)[1], ", which a table does not know."),
      "Make a number, text, factor, Date or POSIXct of it."
    )
  }
  switch(typeof(x),
    logical = list(kind = "logical", values = as.integer(x), missing = missing),
    integer = list(kind = "integer", values = as.integer(x), missing = missing),
    double = list(kind = "double", values = as.numeric(x), missing = missing & !is.nan(x)),
    character = packed_text(as.character(x), missing),
    refuse(
      "unsupported-type",
      paste0("Column '", name, "' is of type ", typeof(x), ", which a table cannot hold."),
      "Make a number, text, factor, Date or POSIXct of it."
    )
  )
}

# Each different text once: columns of text repeat themselves, and R hashes faster than Python decodes.
packed_text <- function(x, missing) {
  x <- enc2utf8(x)
  different <- unique(x[!missing])
  place <- match(x, different, nomatch = 1L) - 1L
  list(kind = "text", values = place, missing = missing, levels = text_bytes(different), count = length(different))
}

# Texts end with a zero byte: no text of R's holds one.
text_bytes <- function(texts) {
  writeBin(enc2utf8(as.character(texts)), raw())
}

unpack_frame <- function(columns, rows) {
  values <- lapply(columns, unpack_column, rows = rows)
  names(values) <- vapply(columns, function(column) column$name, character(1))
  # Not data.frame(): it would mend names and look at every value again.
  structure(values, class = "data.frame", row.names = .set_row_names(rows))
}

unpack_column <- function(column, rows) {
  values <- unlist(lapply(column$values, function(bytes) {
    bytes <- as.raw(bytes)
    size <- if (column$storage == "integer") 4L else 8L
    readBin(bytes, column$storage, n = length(bytes) / size, size = size, endian = "little")
  }))
  if (is.null(values)) values <- vector(column$storage, 0)
  switch(column$kind,
    logical = as.logical(values),
    integer = values,
    double = values,
    int64 = structure(values, class = "integer64"),
    text = texts_of(column)[values],
    factor = structure(values, levels = texts_of(column), class = c(if (column$ordered) "ordered", "factor")),
    date = structure(values, class = "Date"),
    time = structure(values, class = c("POSIXct", "POSIXt"), tzone = column$zone),
    duration = structure(values, class = "difftime", units = "secs")
  )
}

texts_of <- function(column) {
  texts <- readBin(as.raw(column$levels), "character", n = column$count)
  Encoding(texts) <- "UTF-8"
  texts
}
