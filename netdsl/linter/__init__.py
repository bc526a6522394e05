"""What runs the rules of `netdsl/lint` and deals with what they find; no rule is here."""
