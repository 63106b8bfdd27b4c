"""How right the diagnosis is: known faults are planted in databases, and what is said of them is scored."""
