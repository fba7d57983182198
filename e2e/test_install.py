"""Installing and removing the operator, and what it may do."""
