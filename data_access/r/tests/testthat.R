library(testthat)
library(remudadata)
test_check("remudadata")
