"""What may be done to a formula: rules, differentiation, readable forms, normal form."""
