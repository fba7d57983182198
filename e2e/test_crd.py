"""The API: what the CRD refuses, fills in, explains, and shows."""
