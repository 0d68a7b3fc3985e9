"""Who did what, about whom, when: written once and never changed."""
