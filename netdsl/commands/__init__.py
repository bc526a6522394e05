"""Commands whose options and work are loaded when they are called, each in a file of its own."""
