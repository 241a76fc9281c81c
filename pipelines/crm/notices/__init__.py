"""What a night tells of a CRM that may be broken: ids of nobody, words that say nothing, tables that stand still."""
