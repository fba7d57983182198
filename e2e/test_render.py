"""What `render` prints and `validate` says, without a cluster; and that the operator writes the same."""
