# Through real tables, in the home of the test: the embedded catalog and files.

orders <- function(day, amounts) {
  data.frame(
    day = as.Date(day), amount = amounts, count = seq_along(amounts), customer = paste0("Kundin ", seq_along(amounts)),
    size = factor(rep(c("large", "small"), length.out = length(amounts)), levels = c("small", "large")),
    at = as.POSIXct("2026-11-20 09:15:00.25", tz = "Europe/Berlin") + seq_along(amounts)
  )
}

by_count <- function(data) {
  data <- data[order(data$day, data$count), ]
  rownames(data) <- NULL
  data
}

test_that("a data frame comes back as it was, and what was before stays in the history", {
  first <- orders("2026-11-20", c(10.5, NA, NaN))
  commit <- sf_writer(data = first, namespace = "sandbox_ann", resource = "orders", partition_by = "day")
  expect_equal(commit$rows, 3)
  back <- sf_reader(namespace = "sandbox_ann", resource = "orders")
  expect_identical(by_count(back[names(first)]), first)

  second <- orders("2026-11-20", 99)
  sf_writer(data = second, namespace = "sandbox_ann", resource = "orders", partition_by = "day")
  expect_identical(sf_reader("sandbox_ann", "orders")$amount, 99)
  for (as_of in list(commit, commit$anchor, commit$number)) {
    expect_identical(by_count(sf_reader("sandbox_ann", "orders", as_of = as_of)[names(first)]), first)
  }
})

test_that("partitions, columns and conditions choose", {
  for (day in c("2026-11-20", "2026-11-21", "2026-11-22")) {
    sf_writer(orders(day, c(1, 2)), "sandbox_ann", "days", partition_by = "day")
  }
  one <- sf_reader(namespace = "sandbox_ann", resource = "days", partitions = "2026-11-21")
  expect_identical(unique(one$day), as.Date("2026-11-21"))
  two <- sf_reader("sandbox_ann", "days", partitions = list(day = as.Date(c("2026-11-20", "2026-11-22"))))
  expect_setequal(as.character(two$day), c("2026-11-20", "2026-11-22"))
  expect_named(sf_reader("sandbox_ann", "days", columns = c("customer", "count")), c("customer", "count"))
  expect_identical(sf_reader("sandbox_ann", "days", columns = "amount", where = "amount > 1")$amount, c(2, 2, 2))
})

test_that("all rows go into the partition that is named", {
  data <- orders("2026-11-20", c(1, 2))[c("amount", "count")]
  sf_writer(data = data, namespace = "sandbox_ann", resource = "named", partitions = c(month = "2026-11"))
  sf_writer(data = data, namespace = "sandbox_ann", resource = "named", partitions = "2026-12", mode = "append")
  expect_setequal(sf_reader("sandbox_ann", "named")$month, c("2026-11", "2026-12"))
})

test_that("errors are conditions with a sentence and what to do", {
  sf_writer(orders("2026-11-20", 1), "sandbox_ann", "known", partition_by = "day")
  error <- expect_error(sf_reader("sandbox_ann", "knwon"), class = "data_error_unknown_table")
  expect_match(conditionMessage(error), "known")
  expect_true(nzchar(error$sentence) && nzchar(error$remedy))
  expect_error(sf_writer(orders("2026-11-20", 1), "sandbox_bob", "mine"), class = "data_error_forbidden")
  narrower <- orders("2026-11-20", 1)
  narrower$amount <- "ten"
  expect_error(sf_writer(narrower, "sandbox_ann", "known", partition_by = "day"), class = "data_error_schema_mismatch")
  expect_error(sf_reader("sandbox_ann", "known", where = "nonsense >"), class = "data_error_bad_predicate")
})
