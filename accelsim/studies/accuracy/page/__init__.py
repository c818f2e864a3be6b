"""The study's page: its texts, and how tables, figures and texts are put together."""
