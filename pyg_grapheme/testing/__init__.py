"""What tests of graph layers need."""
