# To Arrow and back without a table between, for what types become.
bridge <- function() remudadata:::python()

there_and_back <- function(data, ...) {
  main <- reticulate::py_run_string("
import datetime, decimal
import pyarrow as pa
import remudadata_bridge as bridge
def there_and_back(columns, **options):
    return bridge.answered(lambda: bridge.columns_of(bridge.table_of(columns), **options))()
def types(columns):
    return [str(each) for each in bridge.table_of(columns).schema.types]
def back(expression, **options):
    return bridge.answered(lambda: bridge.columns_of(eval(expression), **options))()
")
  answer <- remudadata:::answered(main$there_and_back(remudadata:::pack_frame(data), ...))
  remudadata:::unpack_frame(answer$columns, as.integer(answer$rows))
}

arrow_types <- function(data) {
  there_and_back(data[0, , drop = FALSE])
  unlist(reticulate::py$types(remudadata:::pack_frame(data)))
}

# What R makes of an Arrow table, written as Python.
from_arrow <- function(expression, ...) {
  there_and_back(data.frame(x = 1))
  answer <- remudadata:::answered(reticulate::py$back(expression, ...))
  remudadata:::unpack_frame(answer$columns, as.integer(answer$rows))
}
