"""The steps of PASS: each reads files, writes files, and goes on where it was stopped."""
