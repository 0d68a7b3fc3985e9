"""The chart's values as typed models, and everything generated from them: schema, defaults, reference page."""
