"""What a reader sees: tables, figures and pages."""
