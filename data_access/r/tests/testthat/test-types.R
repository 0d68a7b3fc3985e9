bridge()

same <- function(data) expect_identical(there_and_back(data), data)

test_that("numbers keep their type, NA and NaN", {
  same(data.frame(x = c(1L, NA, -.Machine$integer.max)))
  same(data.frame(x = c(1.5, NA, NaN, Inf, -Inf, 1e-308)))
  same(data.frame(x = c(TRUE, NA, FALSE)))
  expect_identical(is.nan(there_and_back(data.frame(x = c(NA, NaN)))$x), c(FALSE, TRUE))
  expect_equal(
    arrow_types(data.frame(a = 1L, b = 1, c = TRUE, d = "x", e = as.Date("2026-11-20"))),
    c("int32", "double", "bool", "string", "date32[day]")
  )
})

test_that("whole numbers are doubles, and stay doubles", {
  expect_type(there_and_back(data.frame(x = c(1, 2)))$x, "double")
})

test_that("text keeps its letters, empty ones, NA, and the letters NA", {
  same(data.frame(x = c("Zoë", "", NA, "NA", "a\nb", "日本", strrep("x", 1e5))))
  same(data.frame(x = NA_character_))
  latin <- "Zo\xeb"
  Encoding(latin) <- "latin1"
  expect_identical(there_and_back(data.frame(x = latin))$x, "Zoë")
})

test_that("factors keep levels, their order, levels that nobody uses, and NA", {
  same(data.frame(x = factor(c("low", NA, "high"), levels = c("low", "middle", "high"))))
  same(data.frame(x = factor(c("b", "a"), levels = c("b", "a"), ordered = TRUE)))
})

test_that("dates keep NA and the far past", {
  same(data.frame(x = as.Date(c("2026-11-20", NA, "0001-01-01", "9999-12-31"))))
  expect_identical(there_and_back(data.frame(x = as.Date(1.7, origin = "1970-01-01")))$x, as.Date("1970-01-02"))
})

test_that("times keep their instant to the microsecond and their zone", {
  x <- as.POSIXct(c("2026-03-29 01:30:00.123456", NA, "1969-12-31 23:59:59"), tz = "Europe/Berlin")
  back <- there_and_back(data.frame(x = x))$x
  expect_identical(attr(back, "tzone"), "Europe/Berlin")
  expect_equal(as.numeric(back), as.numeric(x), tolerance = 1e-15)
  expect_identical(is.na(back), c(FALSE, TRUE, FALSE))
  utc <- as.POSIXct("2026-01-01", tz = "UTC")
  same(data.frame(x = utc))
  broken_down <- there_and_back(data.frame(x = 1, y = I(as.POSIXlt(utc))))$y
  expect_identical(broken_down, utc)
})

test_that("a time without a zone gets the session's", {
  old <- Sys.getenv("TZ")
  on.exit(Sys.setenv(TZ = old))
  Sys.setenv(TZ = "America/New_York")
  x <- as.POSIXct("2026-07-04 12:00:00")
  expect_identical(attr(there_and_back(data.frame(x = x))$x, "tzone"), "America/New_York")
  expect_identical(as.numeric(there_and_back(data.frame(x = x))$x), as.numeric(x))
})

test_that("no row and one row are as good as many", {
  many <- data.frame(
    i = 1:3, d = c(1, 2, NA), l = c(TRUE, FALSE, NA), s = c("a", NA, "a"), f = factor(c("u", "v", "u")),
    t = as.POSIXct(c(1, 2, 3), tz = "UTC", origin = "1970-01-01"), day = as.Date(c(0, 1, 2), origin = "1970-01-01")
  )
  same(many)
  same(many[1, ])
  same(structure(many[0, ], row.names = integer(0)))
})

test_that("names are kept as they are", {
  data <- data.frame(1, 2)
  names(data) <- c("Größe in cm", "if")
  same(data)
})

test_that("what has no place in a table is refused with what to do", {
  refused <- function(data, ...) expect_error(there_and_back(data), ..., class = "data_error")
  refused(data.frame(x = I(list(1, 2))), "Column 'x' is of type list.*unnest")
  refused(data.frame(x = 1i), "complex.*Re\\(x\\)")
  refused(data.frame(x = as.raw(1)), "raw")
  refused(data.frame(x = as.difftime(1, units = "hours")), "difftime.*units")
  nested <- data.frame(x = 1:2)
  nested$inner <- data.frame(a = 1:2)
  refused(nested, "Column 'inner' is of type data.frame")
  refused(structure(data.frame(x = 1), row.names = "Mazda"), "row names.*Mazda.*rownames\\(data\\)")
  refused(as.list(1:3), "no data frame")
  refused(data.frame(x = as.Date(Inf, origin = "1970-01-01")), "infinite")
  refused(structure(data.frame(1, 2), names = c("a", "a")), "several columns 'a'")
})

test_that("64-bit integers are exact or refused", {
  expect_identical(from_arrow("pa.table({'x': pa.array([1, None, 2**53])})")$x, c(1, NA, 2^53))
  expect_error(from_arrow("pa.table({'x': [2**53 + 1]})"), "integer64 = TRUE", class = "data_error_unsupported_type")
  bits <- unclass(from_arrow("pa.table({'x': [2**53 + 1, None, -5]})", integer64 = TRUE)$x)
  expect_identical(writeBin(bits[1], raw(), endian = "little"), as.raw(c(1, 0, 0, 0, 0, 0, 0x20, 0)))
  data <- data.frame(x = 1:3)
  data$x <- structure(bits, class = "integer64")
  again <- there_and_back(data, integer64 = TRUE)
  expect_identical(unclass(again$x), bits)
  skip_if_not_installed("bit64")
  expect_identical(as.character(again$x), c("9007199254740993", NA, "-5"))
})

test_that("an integer that R takes for NA comes as a double", {
  expect_identical(from_arrow("pa.table({'x': pa.array([-2**31, None, 1], pa.int32())})")$x, c(-2^31, NA, 1))
  expect_identical(from_arrow("pa.table({'x': pa.array([255, None], pa.uint8())})")$x, c(255L, NA))
})

test_that("decimals are rounded only when asked", {
  made <- "pa.table({'x': pa.array([decimal.Decimal('0.10'), None])})"
  expect_error(from_arrow(made), "decimal = \"double\"", class = "data_error_unsupported_type")
  expect_identical(from_arrow(made, decimal = "double")$x, c(0.1, NA))
  expect_identical(from_arrow(made, decimal = "character")$x, c("0.10", NA))
})

test_that("a time without a zone reads as that time in UTC", {
  x <- from_arrow("pa.table({'x': [datetime.datetime(2026, 11, 20, 8, 30)]})")$x
  expect_identical(format(x, "%Y-%m-%d %H:%M %Z"), "2026-11-20 08:30 UTC")
})

test_that("other types of Arrow are told, not guessed", {
  expect_error(from_arrow("pa.table({'x': [[1]]})"), "list.*columns = c", class = "data_error")
  expect_error(from_arrow("pa.table({'x': ['a\\0b']})"), "zero byte", class = "data_error")
  expect_identical(from_arrow("pa.table({'x': pa.array(['a', 'b']).dictionary_encode()})")$x, factor(c("a", "b")))
  expect_identical(from_arrow("pa.table({'x': pa.array([7, 8]).dictionary_encode()})")$x, c(7, 8))
  expect_identical(from_arrow("pa.table({'x': pa.chunked_array([['a'], ['b', None]])})")$x, c("a", "b", NA))
})
