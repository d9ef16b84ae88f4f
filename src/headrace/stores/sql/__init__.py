"""What the SQL stores share: tables and queries."""
