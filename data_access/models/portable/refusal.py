"""Why a format does not take a model."""


class Refusal(Exception):
    """One half of a sentence: "the conversion gives no probabilities"."""
