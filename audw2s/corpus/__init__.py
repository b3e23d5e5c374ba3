"""A whole corpus annotated, so that nothing is lost and any run can be resumed."""
