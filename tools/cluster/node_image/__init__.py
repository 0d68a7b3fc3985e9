"""A kind node image where no container registry is reached: from the Go module proxy and Debian's packages alone."""
