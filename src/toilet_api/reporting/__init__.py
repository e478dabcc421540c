"""What officials look at: live figures, frozen reports, documents, the dashboard, the ranking."""
