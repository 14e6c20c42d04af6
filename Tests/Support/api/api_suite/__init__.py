"""Black-box checks of the workspace HTTP API: a running server against the rows ORC-01 to ORC-43."""
