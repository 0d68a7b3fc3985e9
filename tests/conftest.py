"""Nothing global yet: fixtures live beside the tests that use them."""
