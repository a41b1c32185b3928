"""The LightningModules, one per task, and what belongs to one task alone."""
