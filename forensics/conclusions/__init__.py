"""From evidence to documents: examine, run the rules, order what they say."""
