"""The pure core: the catalog of machines and every decision about them.

No I/O except reading catalog files, no clock, no traitlets, no Kubernetes. `model` is the one source of truth: the Helm
values schema, the reference page and the spawn page derive from it. `catalog` loads and cross-checks, `resolve` turns
(catalog, choice, person) into a `MachinePlan` or a `Refusal`.
"""
