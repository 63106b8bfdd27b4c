"""AIdeator's backend, as far as the sample needs it: the models, the database module, and what starts them."""
