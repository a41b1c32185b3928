"""From merged pairs of nodes to clusters."""
