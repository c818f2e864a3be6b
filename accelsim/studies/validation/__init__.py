"""Published figures held against what the program gives: expected, measured, deviation."""
